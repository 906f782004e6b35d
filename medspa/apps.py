"""The project's own app, and the admin with our site instead of Django's."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class MedspaConfig(AppConfig):
    name = "medspa"
    verbose_name = "Clinic"


class StaffAdminConfig(AdminConfig):
    default_site = "medspa.staff_site.StaffSite"
