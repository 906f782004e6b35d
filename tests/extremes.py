"""Clinics at their extremes: each function turns a running site's clinic into one, and prints the pages to read.

They run inside the site, as `site.manage("shell", "-c", ...)` does. What an earlier one published is taken off again.
"""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from io import BytesIO

from django.core.files.base import ContentFile
from django.db import models
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from PIL import Image

from appointments import workflow
from appointments.models import PreferredTime
from medspa.models import Clinic, Closure, OpeningHours
from tests import factories
from treatments.models import Treatment, start_translation

LONG = 5_000  # characters
SPANISH = ["Electroencefalografistas", "contraindicaciones", "esternocleidomastoideo", "otorrinolaringológicamente"]
STANDING = ["/", "/treatments/", "/request-an-appointment/", "/privacy/", "/accessibility/"]
TEXTS = ["what_it_is", "benefits_intro", "benefits_close", "who_it_suits", "on_the_day", "risks", "recovery_intro"]
TEXTS += ["prices", "closing"]

Words = Callable[[int], str]  # words for a field that holds so many characters


def prose(most: int) -> str:
    """Plain sentences, as many as fit."""
    return "".join(itertools.islice(itertools.cycle("Most people go back to work on the next day. "), most)).strip()


def no_spaces(most: int) -> str:
    return "".join(itertools.islice(itertools.cycle("pneumonoultramicroscopicsilicovolcanoconiosis"), most))


def spanish_words(most: int) -> str:
    """The longest words of the language, and of the trade."""
    return " ".join(itertools.islice(itertools.cycle(SPANISH), 6))[: min(most, 120)].strip()


def nothing() -> None:
    """No treatment, no hours, no telephone, no address."""
    _empty_clinic()
    _show(STANDING, _requests(None))


def one_bare_treatment() -> None:
    _empty_clinic()
    row = factories.treatment(name="Peel", slug="bare")
    _show([*STANDING, *_of(row)], _requests(row))


def one_of_each() -> None:
    _clinic_with(lambda most: "One."[:most])
    _show_treatment("one", lambda most: "One."[:most], rows=1)


def a_hundred_of_each() -> None:
    """A hundred treatments, hours and closures; one treatment with a hundred entries in every list."""
    _clinic_with(lambda most: prose(min(most, 40)))
    OpeningHours.objects.all().delete()
    today = Clinic.objects.current().today()
    for number in range(100):
        weekday, place = number % 7, number // 7
        hours = {"opens_at": time(place + 6), "closes_at": time(place + 6, 30 + weekday)}
        OpeningHours.objects.create(weekday=weekday, **hours)
        day = today + timedelta(days=number % 50)
        Closure.objects.create(starts_on=day, ends_on=day + timedelta(days=number % 3), reason=f"Reason {number}")
    for number in range(99):
        factories.treatment(name=f"Treatment {number % 9}", slug=f"hundred-{number}", summary=prose(90))
    _show_treatment("hundred", lambda most: prose(min(most, 60)), rows=100)


def long_fields() -> None:
    """Every field as full as it can be."""
    _clinic_with(prose)
    _show_treatment("long", prose, rows=2)


def fields_without_spaces() -> None:
    """The same without a place to break a line."""
    _clinic_with(no_spaces)
    _show_treatment("no-spaces", no_spaces, rows=2)


def longest_spanish_words() -> None:
    _clinic_with(spanish_words)
    _show_treatment("spanish", spanish_words, rows=3)


def _empty_clinic() -> None:
    gone = Concat(models.Value("gone-"), Cast("pk", models.CharField()))
    Treatment.objects.update(status=Treatment.Status.DRAFT, slug=gone)
    OpeningHours.objects.all().delete()
    Closure.objects.all().delete()
    words = ["tagline", "tagline_es", "street", "town", "region", "region_code", "postal_code", "telephone", "email"]
    names = {"name": "Mirror Mirror Med Spa", "site_name": "Tucson Med Spa"}
    Clinic.objects.update(**dict.fromkeys(words, ""), map_url="", **names)


def _clinic_with(words: Words) -> None:
    _empty_clinic()
    fields = ["name", "tagline", "tagline_es", "street", "town", "region", "region_code", "postal_code"]
    facts = {name: words(_room(Clinic, name)) for name in fields}
    telephone = "(520) 555-0142" if words is not no_spaces else "5" * 40
    facts |= {
        "telephone": telephone,
        "email": f"{words(60)}@clinic.example".replace(" ", ""),
        "map_url": "https://m.us",
    }
    Clinic.objects.update(**facts)
    OpeningHours.objects.create(weekday=1, opens_at=time(9), closes_at=time(17))
    today = Clinic.objects.current().today()
    Closure.objects.create(starts_on=today, ends_on=today, reason=words(100), reason_es=words(100))


def _show_treatment(slug: str, words: Words, *, rows: int) -> None:
    row = _full_treatment(slug, words)
    _fill_lists(row, words, rows)
    translation = start_translation(row, "es")
    translation.status = Treatment.Status.PUBLISHED
    translation.save()
    _show([*STANDING, *_of(row)], _requests(row, words))


def _full_treatment(slug: str, words: Words) -> Treatment:
    short = ["name", "summary", "description", "time_off", "price_from", "reviewed_by"]
    facts = {name: words(_room(Treatment, name)) for name in short} | {name: words(LONG) for name in TEXTS}
    today = timezone.localdate()
    facts |= {"calming_minutes_min": 30, "calming_minutes_max": 60, "reviewed_on": today, "next_review_on": today}
    return factories.treatment(slug=slug, **facts)


def _fill_lists(row: Treatment, words: Words, rows: int) -> None:
    said = {"alt": words(200), "alt_es": words(200), "caption": words(200), "caption_es": words(200)}
    consent = {"consent_by": "A patient", "consent_on": timezone.localdate() - timedelta(days=2)}
    for _number in range(rows):
        row.benefits.create(name=words(100), text=words(400))
        row.contraindications.create(page_words=words(200), question=words(200))
        row.steps.create(name=words(100), minutes=words(60), text=words(600))
        row.recovery_notes.create(when=words(60), text=words(600))
        row.faqs.create(question=words(200), answer=words(LONG if rows < 10 else 60))
        row.photos.create(image=_photo(), **said)
        row.results.create(before=_photo(), after=_photo(), **said, **consent)


def _photo() -> ContentFile:
    encoded = BytesIO()
    Image.new("RGB", (240, 180), "teal").save(encoded, "JPEG")
    return ContentFile(encoded.getvalue(), "photo.jpg")


def _requests(row: Treatment | None, words: Words | None = None) -> list[str]:
    """The private pages of a request that waits and of one that is booked."""
    waiting, booked = (factories.appointment_request(treatment=row, **_answers(words)) for _each in range(2))
    visit = {
        "provider": factories.provider(name=booked.reference),
        "starts_at": datetime(2030, 1, 8, 17, 0, tzinfo=UTC),
    }
    staff = factories.receptionist(username=booked.reference)
    workflow.book(booked, by=staff, seen=booked.version, minutes=30, anyway=True, **visit)
    return [f"/my-request/{one.private_token}/" for one in (waiting, booked)]


def _answers(words: Words | None) -> dict:
    if not words:
        return {"email": "", "phone": "5205550142", "preferred_times": []}
    every = [PreferredTime(weekdays=str(day), part=part) for day in range(7) for part in PreferredTime.Part]
    email = f"{words(60)}@clinic.example".replace(" ", "")
    typed = {"full_name": words(100), "phone": words(100), "email": email, "message": words(500)}
    return {**typed, "preferred_times": every}


def _of(row: Treatment) -> list[str]:
    return [f"/treatments/{row.slug}/", f"/treatments/{row.slug}/aftercare/"]


def _room(model: type[models.Model], field: str) -> int:
    return model._meta.get_field(field).max_length


def _show(pages: list[str], requests: list[str]) -> None:
    print(*pages, *requests)  # noqa: T201  (the site's caller reads it)
