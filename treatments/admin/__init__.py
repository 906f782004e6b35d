"""Treatments at the desk: one form, in the order in which the page is read."""

from treatments.admin.treatment_page import TreatmentAdmin

__all__ = ["TreatmentAdmin"]
