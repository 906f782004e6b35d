"""The desk: Django's admin under the clinic's name and in the clinic's time."""

from django.contrib.admin import AdminSite
from django.utils import timezone

from medspa.models import Clinic


class StaffSite(AdminSite):
    """Every page is shown in the clinic's time zone, wherever the reader sits."""

    site_header = "Front desk"
    site_title = "Front desk"
    index_title = "Today"
    enable_nav_sidebar = False
    empty_value_display = "–"

    def admin_view(self, view, cacheable=False):
        def in_the_clinics_time(request, *args, **kwargs):
            with timezone.override(Clinic.objects.current().zone):
                response = view(request, *args, **kwargs)
                if hasattr(response, "render") and not response.is_rendered:
                    response.render()
                return response

        return super().admin_view(in_the_clinics_time, cacheable)
