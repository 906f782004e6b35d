"""The words of each mail at the desk: what is sent now, how it reads, and the owner's own words in its place."""

from typing import Any, NamedTuple

from csp.constants import NONE, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path

from appointments import mail_words, notifications
from appointments.mail_words import Words
from appointments.models import MailWording, Message
from appointments.placeholders import IN_MAILS, OF_KIND
from medspa.models import Clinic
from medspa.staff_site import NoticesOtherEdits

# The page of a mail has its style within it, because no mailbox fetches one. Nothing else is allowed to it.
AS_IN_A_MAILBOX = dict.fromkeys(settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]) | {
    "default-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "form-action": [NONE],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}


class Sent(NamedTuple):
    """What is sent now for one kind of mail in one language, with sample words."""

    kind: str
    language: str
    own: MailWording | None  # None: the standard words
    mail: Message

    @property
    def language_name(self) -> str:
        return dict(settings.LANGUAGES)[self.language]


@admin.register(MailWording)
class MailWordingAdmin(NoticesOtherEdits, admin.ModelAdmin):
    """Own words stand in for the standard ones; deleted, the standard ones are sent again."""

    fields = ["kind", "language", "subject", "text"]

    def get_urls(self) -> list:
        page = path(
            "<slug:kind>/<slug:language>/page/",
            self.admin_site.admin_view(csp_replace(AS_IN_A_MAILBOX)(self.page_view)),
            name="appointments_mailwording_page",
        )
        return [page, *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: MailWording | None = None) -> list[str]:
        return ["kind", "language"] if obj else []  # other words for another mail are another row

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        """Every mail, whether its words are the owner's or the standard ones."""
        words = {"title": "Mail wordings", "mails": sent_now(), **(extra_context or {})}
        return super().changelist_view(request, words)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The standard words of the mail that the link names, to be changed."""
        kind, language = request.GET.get("kind", ""), request.GET.get("language", "")
        if not is_sent(kind, language):
            return {}
        return {"kind": kind, "language": language, **mail_words.standard_words(kind, language)._asdict()}

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any):
        saved = MailWording.objects.filter(pk=kwargs["obj"].pk).first() if kwargs.get("obj") else None
        kind = saved.kind if saved else request.POST.get("kind") or request.GET.get("kind", "")
        context["kind_is_known"] = kind in OF_KIND
        context["placeholders"] = [(f"{{{name}}}", IN_MAILS[name]) for name in OF_KIND.get(kind, tuple(IN_MAILS))]
        if saved:
            context["preview"] = notifications.sample_of(saved.kind, saved.language, Clinic.objects.current())
        return super().render_change_form(request, context, *args, **kwargs)

    def response_add(self, request: HttpRequest, obj: MailWording, post_url_continue: str | None = None):
        return _to_the_preview(request, super().response_add(request, obj, post_url_continue))

    def response_change(self, request: HttpRequest, obj: MailWording):
        return _to_the_preview(request, super().response_change(request, obj))

    def page_view(self, request: HttpRequest, kind: str, language: str) -> HttpResponse:
        """The mail as it is sent now, as mailboxes that show pages show it, with sample words."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not is_sent(kind, language):
            raise Http404
        return HttpResponse(notifications.sample_of(kind, language, Clinic.objects.current()).html)


def is_sent(kind: str, language: str) -> bool:
    """Whether there is a mail of this kind in this language: the desk is written to in one alone."""
    return language in mail_words.LANGUAGES and kind in mail_words.words_in(language)


def sent_now() -> list[tuple[str, list[Sent]]]:
    """Every kind of mail by its name, in every language in which it is sent; in as many queries as for one."""
    clinic, own = Clinic.objects.current(), {(row.kind, row.language): row for row in MailWording.objects.all()}

    def in_(kind: str, language: str) -> Sent:
        row = own.get((kind, language))
        words = Words(row.subject, row.text) if row else mail_words.standard_words(kind, language)
        return Sent(kind, language, row, notifications.sample_of(kind, language, clinic, words))

    return [
        (
            Message.Kind(kind).label,
            [in_(kind, language) for language in mail_words.LANGUAGES if is_sent(kind, language)],
        )
        for kind in OF_KIND
    ]


def _to_the_preview(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """“Save and look” leads to where there is something to look at."""
    if "_continue" in request.POST and isinstance(response, HttpResponseRedirect):
        response["Location"] += "#mail-heading"
    return response
