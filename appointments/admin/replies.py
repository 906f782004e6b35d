"""Saved replies at the desk, each with how it reads when it is sent."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from appointments import notifications
from appointments.models import SavedReply
from appointments.placeholders import PLACEHOLDERS
from medspa.models import Clinic
from medspa.staff_site import NoticesOtherEdits


@admin.register(SavedReply)
class SavedReplyAdmin(NoticesOtherEdits, admin.ModelAdmin):
    list_display = ["name", "language", "subject", "is_active"]
    list_filter = ["language", "is_active"]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any):
        saved = SavedReply.objects.filter(pk=kwargs["obj"].pk).first() if kwargs.get("obj") else None
        context["placeholders"] = [(f"{{{name}}}", words) for name, words in PLACEHOLDERS.items()]
        context["preview"] = notifications.sample(saved, Clinic.objects.current()) if saved else None
        return super().render_change_form(request, context, *args, **kwargs)
