"""The words of each mail at the desk: what is sent now, how it reads, and the owner's own words in its place."""

from typing import Any

from csp.constants import NONE, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from appointments import mail_words, notifications
from appointments.models import MailWording, Message
from appointments.placeholders import IN_MAILS, OF_KIND
from medspa.models import Clinic

# The page of a mail has its style within it, because no mailbox fetches one. Nothing else is allowed to it.
AS_IN_A_MAILBOX = dict.fromkeys(settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]) | {
    "default-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "frame-ancestors": [NONE],
}


@admin.register(MailWording)
class MailWordingAdmin(admin.ModelAdmin):
    """Own words stand in for the standard ones; deleted, the standard ones are sent again."""

    list_display = ["kind", "language", "subject"]
    list_filter = ["kind", "language"]

    def get_urls(self) -> list:
        page = path(
            "<slug:kind>/<slug:language>/page/",
            self.admin_site.admin_view(csp_replace(AS_IN_A_MAILBOX)(self.page_view)),
            name="appointments_mailwording_page",
        )
        return [page, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        own = {(row.kind, row.language): row for row in MailWording.objects.all()}
        kinds = [
            (Message.Kind(kind).label, kind, language, own.get((kind, language)))
            for kind in OF_KIND
            for language in mail_words.LANGUAGES
            if kind in mail_words.words_in(language)
        ]
        words = {"title": "Mail wordings", "kinds": kinds, **(extra_context or {})}
        return super().changelist_view(request, words)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The standard words of the mail that the link names, to be changed."""
        kind, language = request.GET.get("kind", ""), request.GET.get("language", "")
        if kind in mail_words.words_in(language if language in mail_words.LANGUAGES else mail_words.MAIN):
            words = mail_words.standard_words(kind, language)
            return {"kind": kind, "language": language, **words._asdict()}
        return {}

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any):
        saved = MailWording.objects.filter(pk=kwargs["obj"].pk).first() if kwargs.get("obj") else None
        kind = saved.kind if saved else request.GET.get("kind", "")
        names = OF_KIND.get(kind, tuple(IN_MAILS))
        context["placeholders"] = [(f"{{{name}}}", IN_MAILS[name]) for name in names]
        if saved:
            context["preview"] = notifications.sample_of(saved.kind, saved.language, Clinic.objects.current())
        return super().render_change_form(request, context, *args, **kwargs)

    def page_view(self, request: HttpRequest, kind: str, language: str) -> HttpResponse:
        """The mail as it is sent now, as mailboxes that show pages show it, with sample words."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if language not in mail_words.LANGUAGES or kind not in mail_words.words_in(language):
            raise Http404
        return HttpResponse(notifications.sample_of(kind, language, Clinic.objects.current()).html)
