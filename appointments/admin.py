"""The desk: the queue of requests, and one request's page."""

from django.contrib import admin

from appointments.models import AppointmentRequest


@admin.register(AppointmentRequest)
class AppointmentRequestAdmin(admin.ModelAdmin):
    list_display = ["full_name", "status"]
