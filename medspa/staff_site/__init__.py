"""The desk: Django's admin under the clinic's name, in the clinic's time, behind a door with two locks."""

from medspa.staff_site.desk import StaffSite
from medspa.staff_site.editing import CHANGED_MEANWHILE, NoticesOtherEdits
from medspa.staff_site.proof import to_prove

__all__ = ["CHANGED_MEANWHILE", "NoticesOtherEdits", "StaffSite", "to_prove"]
