"""What machines read about the clinic and a treatment: schema.org, from the same rows that make the page.

Nothing is said here that the page does not say, and nothing that stands in for a fact: an example telephone number
and example hours are for people who can see that they are examples. No ratings: we do not rate ourselves.
"""

import json
import re
from datetime import datetime, time
from html import unescape
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from medspa.models import Clinic
from treatments.models import Treatment

Node = dict[str, Any]

SCHEMA_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
IN_DOLLARS = re.compile(r"\$\s*(\d[\d,]*(?:\.\d{1,2})?)")
HARMLESS_IN_HTML = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def as_json(graph: Node) -> SafeString:
    """The graph as the content of a script element: no text in it can end that element or begin another."""
    words = json.dumps(graph, ensure_ascii=False, separators=(",", ":"))
    return mark_safe(words.translate(HARMLESS_IN_HTML))  # noqa: S308  (neither < nor & is left)


def of_clinic(clinic: Clinic, now: datetime | None = None) -> Node:
    """The graph of a page about the clinic alone."""
    return _graph([_clinic(clinic, now)])


def of_treatment(clinic: Clinic, treatment: Treatment, url: str, now: datetime | None = None) -> Node:
    """The graph of one treatment's page, whose one address is `url`. Costs no query if the points were fetched."""
    trail = [
        (_("Home"), settings.SITE_URL + reverse("treatments:home")),
        (_("Treatments"), settings.SITE_URL + reverse("treatments:treatments")),
        (treatment.name, url),
    ]
    clinic_node = _clinic(clinic, now) | {"availableService": {"@id": f"{url}#therapy"}}
    nodes = [clinic_node, _page(treatment, url), _therapy(treatment, url), _breadcrumbs(trail, url)]
    return _graph([*nodes, *_service(treatment, url), *_questions(treatment, url)])


def _graph(nodes: list[Node]) -> Node:
    return {"@context": "https://schema.org", "@graph": nodes}


def _filled(node: Node) -> Node:
    return {name: value for name, value in node.items() if value not in (None, "", [], {})}


def _clinic_id() -> str:
    return f"{settings.SITE_URL}/#clinic"


def _clinic(clinic: Clinic, now: datetime | None) -> Node:
    address = {
        "streetAddress": clinic.street,
        "addressLocality": clinic.town,
        "addressRegion": clinic.region_code or clinic.region,
        "postalCode": clinic.postal_code,
    }
    return _filled(
        {
            "@type": ["MedicalClinic", "HealthAndBeautyBusiness"],
            "@id": _clinic_id(),
            "name": clinic.name,
            "url": f"{settings.SITE_URL}/",
            "description": clinic.tagline_for_reader.text,
            "telephone": "" if clinic.has_fictional_telephone else clinic.telephone_link,
            "email": clinic.email,
            "address": {"@type": "PostalAddress", **_filled(address)} if _filled(address) else None,
            "hasMap": clinic.map_url,
            **(_hours(clinic, now) if clinic.hours_confirmed else {}),
        }
    )


def _hours(clinic: Clinic, now: datetime | None) -> Node:
    days_of: dict[tuple[time, time], list[str]] = {}
    for row in clinic.hours.all():
        days_of.setdefault((row.opens_at, row.closes_at), []).append(SCHEMA_DAYS[row.weekday])
    week = [
        {
            "@type": "OpeningHoursSpecification",
            "dayOfWeek": days,
            "opens": f"{opens:%H:%M}",
            "closes": f"{closes:%H:%M}",
        }
        for (opens, closes), days in days_of.items()
    ]
    # Closed all day is said as open from midnight to midnight:
    # https://developers.google.com/search/docs/appearance/structured-data/local-business#seasonal-hours
    closures = [
        {
            "@type": "OpeningHoursSpecification",
            "validFrom": row.starts_on.isoformat(),
            "validThrough": row.ends_on.isoformat(),
            "opens": "00:00",
            "closes": "00:00",
        }
        for row in clinic.coming_closures(now)
    ]
    return {"openingHoursSpecification": week, "specialOpeningHoursSpecification": closures if week else []}


def _page(treatment: Treatment, url: str) -> Node:
    reviewer = treatment.reviewed_by
    return _filled(
        {
            "@type": "MedicalWebPage",
            "@id": url,
            "url": url,
            "name": treatment.name,
            "description": treatment.description or treatment.summary,
            "inLanguage": treatment.language,
            "dateModified": treatment.updated_at.isoformat(timespec="seconds"),
            "reviewedBy": {"@type": "Person", "name": reviewer} if reviewer else None,
            "lastReviewed": treatment.reviewed_on.isoformat() if reviewer and treatment.reviewed_on else None,
            "breadcrumb": {"@id": f"{url}#breadcrumb"},
            "about": {"@id": f"{url}#therapy"},
            "publisher": {"@id": _clinic_id()},
        }
    )


def _therapy(treatment: Treatment, url: str) -> Node:
    """A therapy and not a procedure: only a therapy has contraindications at schema.org."""
    reasons = treatment.contraindications.all()
    return _filled(
        {
            "@type": "MedicalTherapy",
            "@id": f"{url}#therapy",
            "name": treatment.name,
            "description": treatment.summary,
            "url": url,
            "howPerformed": " ".join(step.text for step in treatment.steps.all() if step.text),
            "followup": " ".join(f"{note.when}: {note.text}" for note in treatment.recovery_notes.all()),
            "contraindication": [{"@type": "MedicalContraindication", "name": row.page_words} for row in reasons],
        }
    )


def _breadcrumbs(trail: list[tuple[str, str]], url: str) -> Node:
    steps = [
        {"@type": "ListItem", "position": place, "name": name, "item": address}
        for place, (name, address) in enumerate(trail, start=1)
    ]
    return {"@type": "BreadcrumbList", "@id": f"{url}#breadcrumb", "itemListElement": steps}


def _service(treatment: Treatment, url: str) -> list[Node]:
    """What it costs, where the page shows a price in dollars; otherwise nothing is offered."""
    found = IN_DOLLARS.search(treatment.price_from)
    if not found:
        return []
    price = {"@type": "PriceSpecification", "minPrice": found[1].replace(",", ""), "priceCurrency": "USD"}
    offer = {"@type": "Offer", "url": url, "priceSpecification": price}
    service = {"@type": "Service", "@id": f"{url}#service", "name": treatment.name, "serviceType": treatment.name}
    return [{**service, "provider": {"@id": _clinic_id()}, "offers": offer}]


def _questions(treatment: Treatment, url: str) -> list[Node]:
    questions = [
        {
            "@type": "Question",
            "name": faq.question,
            "acceptedAnswer": {"@type": "Answer", "text": _plain(faq.answer_html)},
        }
        for faq in treatment.faqs.all()
    ]
    return [{"@type": "FAQPage", "@id": f"{url}#questions", "mainEntity": questions}] if questions else []


def _plain(html: str) -> str:
    return unescape(strip_tags(html)).strip()
