"""Addresses. They are promised in README; patients and programs rely on them.

What patients read stands at the same path twice: in English, and in Spanish under `/es/`.
"""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.sitemaps.views import sitemap
from django.urls import include, path

from appointments.views import calendar_feed
from medspa import views
from medspa.admin import status_page
from treatments import picture_files
from treatments.sitemaps import sitemaps

XML = "application/xml; charset=utf-8"

urlpatterns = [
    path("admin/status/", admin.site.admin_view(status_page), name="status"),
    path("admin/", admin.site.urls),
    path("healthz", views.healthz, name="healthz"),
    path("metrics", views.metrics, name="metrics"),
    path("robots.txt", views.robots_txt, name="robots_txt"),
    path(".well-known/security.txt", views.security_txt, name="security_txt"),
    path("sitemap.xml", sitemap, {"sitemaps": sitemaps, "content_type": XML}, name="sitemap"),
    path("calendar/<token>.ics", calendar_feed, name="calendar_feed"),
    path("media/", include(picture_files.urlpatterns)),  # MEDIA_URL
    *i18n_patterns(
        path("", include("treatments.urls")),
        path("", include("appointments.urls")),
        prefix_default_language=False,
    ),
]

handler400 = "medspa.views.bad_request"
handler403 = "medspa.views.permission_denied"
handler404 = "medspa.views.page_not_found"
handler500 = "medspa.views.server_error"
