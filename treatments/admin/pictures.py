"""The pictures of a treatment's page, as rows of its form."""

from treatments.admin.lists import PointInline
from treatments.models import Photo


class PhotoInline(PointInline):
    model = Photo
    after = "The page"
    fields = ["position", "image", "alt", "caption"]
