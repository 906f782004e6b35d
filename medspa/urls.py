"""Addresses. They are promised in README; patients and programs rely on them."""

from django.contrib import admin
from django.urls import include, path

from medspa import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", views.healthz, name="healthz"),
    path("", include("treatments.urls")),
    path("", include("appointments.urls")),
]
