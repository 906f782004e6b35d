"""Which sizes and formats a photo gets. Re-encoded on saving; what the camera wrote into the file is not kept."""

from io import BytesIO
from uuid import uuid4

from django.core.files.base import ContentFile, File
from PIL import Image, ImageOps

LONGEST_SIDE = 1440  # pixels; twice what a phone shows
JPEG_QUALITY = 82


def prepare(upload: File) -> ContentFile:
    """The upload as an upright JPEG of at most 1440 pixels a side, without metadata, under a name of its own."""
    with Image.open(upload) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    clean = Image.new("RGB", upright.size)
    clean.paste(upright)
    encoded = BytesIO()
    clean.save(encoded, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    return ContentFile(encoded.getvalue(), name=f"{uuid4().hex}.jpg")
