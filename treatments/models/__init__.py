"""What we offer. A treatment's page is its row and its points, in the order in which the page is read.

Texts are the practice's own words. An empty field leaves no trace on the page.
"""

from treatments.models.content_version import ContentVersion, Standing
from treatments.models.photos import Photo, Picture, Result, ResultQuerySet
from treatments.models.points import Benefit, Contraindication, Faq, Point, ProcedureStep, RecoveryNote
from treatments.models.providers import Provider
from treatments.models.translations import start_translation
from treatments.models.treatments import Treatment, TreatmentQuerySet, sees_drafts
from treatments.models.versions import TreatmentVersion

__all__ = [
    "Benefit",
    "ContentVersion",
    "Contraindication",
    "Faq",
    "Photo",
    "Picture",
    "Point",
    "ProcedureStep",
    "Provider",
    "RecoveryNote",
    "Result",
    "ResultQuerySet",
    "Standing",
    "Treatment",
    "TreatmentQuerySet",
    "TreatmentVersion",
    "sees_drafts",
    "start_translation",
]
