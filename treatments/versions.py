"""What a treatment's page said before: keeping a version, telling two apart, returning to one.

A version holds every text, fact and list that staff edit, and the words beside photos. It holds no files and no
before-and-after pictures: those are shown by a patient's consent, which nobody may bring back from here.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils.text import capfirst

from treatments.models import Point, Treatment, TreatmentVersion

Content = dict[str, Any]

LISTS = ["photos", "benefits", "contraindications", "steps", "recovery_notes", "faqs"]
WITHOUT_FILES = "photos"  # their words alone are kept and returned to
# Returning to old words must not take a page off the site, put one on it, break its address or reorder the list.
STAYS_AS_IT_IS = {"status", "publish_at", "slug", "position"}


class SavedMeanwhile(Exception):
    """Somebody saved the treatment after the person who wants to change it had looked at it."""


def content_of(treatment: Treatment) -> Content:
    """Everything that a version keeps, as it stands in the database, in JSON's own types."""
    row = Treatment.objects.get(pk=treatment.pk)
    lists = {name: [{"pk": one.pk, **_values(one)} for one in getattr(row, name).all()] for name in LISTS}
    return json.loads(json.dumps({"fields": _values(row), "lists": lists}, cls=DjangoJSONEncoder))


def keep(treatment: Treatment, *, by: User | None, at: datetime | None = None) -> TreatmentVersion | None:
    """A version of the page as it is, unless the latest one says the same. Call it inside the save's transaction."""
    content, latest = content_of(treatment), treatment.versions.first()
    if latest and latest.content == content:
        return None
    version = TreatmentVersion(treatment=treatment, by=by, content=content)
    if at:
        version.at = max(at, latest.at) if latest else at
    version.save()
    return version


def keep_what_was(treatment: Treatment) -> None:
    """Before a save: a version of what somebody wrote elsewhere, at the first run or by a program."""
    before = Treatment.objects.get(pk=treatment.pk)
    keep(before, by=None, at=before.updated_at)


def return_to(version: TreatmentVersion, *, by: User, seen: str) -> Treatment:
    """The page says again what it said in `version`; that is a new version itself. All of it or nothing.

    `seen` is the `updated_at` that the person saw, in ISO format. Raises SavedMeanwhile if it has moved on.
    Rows that are still there are changed in place, so that what refers to them still does.
    """
    with transaction.atomic():
        treatment = Treatment.objects.select_for_update().get(pk=version.treatment_id)
        if treatment.updated_at.isoformat() != seen:
            raise SavedMeanwhile
        keep_what_was(treatment)
        fields = {name: value for name, value in version.content["fields"].items() if name not in STAYS_AS_IT_IS}
        _fill(treatment, fields)
        treatment.save()
        for name, rows in version.content["lists"].items():
            _return_list(treatment, name, rows)
        keep(treatment, by=by)
    return treatment


def _return_list(treatment: Treatment, name: str, rows: list[Content]) -> None:
    points = getattr(treatment, name)
    there = {point.pk: point for point in points.all()}
    for row in rows:
        if row["pk"] not in there and name == WITHOUT_FILES:
            continue
        point = there.pop(row["pk"], None) or _again(points.model, treatment, row["pk"])
        _fill(point, {field: value for field, value in row.items() if field != "pk"})
        point.save()
    if name != WITHOUT_FILES:
        points.filter(pk__in=there).delete()


def _again(model: type[Any], treatment: Treatment, pk: int) -> Point:
    """A row that was deleted, under its old number unless that is taken."""
    return model(treatment=treatment, pk=None if model._base_manager.filter(pk=pk).exists() else pk)


def _kept(model: type[models.Model]) -> Iterator[models.Field]:
    for field in model._meta.fields:
        if (
            field.editable
            and not field.primary_key
            and not field.is_relation
            and not isinstance(field, models.FileField)
        ):
            yield field


def _values(row: models.Model) -> Content:
    return {field.name: field.value_from_object(row) for field in _kept(type(row))}


def _fill(row: models.Model, values: Content) -> None:
    """Fields that the version does not know, or no longer exist, are left alone."""
    for field in _kept(type(row)):
        if field.name in values:
            setattr(row, field.name, field.to_python(values[field.name]))


def differences(before: Content | None, after: Content) -> list[str]:
    """What changed from one to the other, in the words of the form: `Summary`, `Questions: “Why?” added`."""
    if before is None:
        return ["First version"]
    found = [
        capfirst(str(field.verbose_name))
        for field in _kept(Treatment)
        if before["fields"].get(field.name) != after["fields"].get(field.name)
    ]
    for name in LISTS:
        changes = _changes(name, before["lists"].get(name, []), after["lists"].get(name, []))
        found += [f"{list_name(name)}: {change}" for change in changes]
    return found


def _changes(name: str, before: list[Content], after: list[Content]) -> Iterator[str]:
    was, now = ({row["pk"]: row for row in rows} for rows in (before, after))
    for pk, row in now.items():
        if pk not in was:
            yield f"“{_title(name, row)}” added"
        elif changed := [key for key, value in row.items() if key != "position" and was[pk].get(key) != value]:
            fields = [str(field.verbose_name) for field in _kept(_model(name)) if field.name in changed]
            yield f"“{_title(name, row)}” changed ({', '.join(fields)})"
    for pk, row in was.items():
        if pk not in now:
            yield f"“{_title(name, row)}” removed"
    if [pk for pk in was if pk in now] != [pk for pk in now if pk in was]:
        yield "order"


def _model(name: str) -> type[models.Model]:
    model = Treatment._meta.get_field(name).related_model
    assert isinstance(model, type)
    return model


def list_name(name: str) -> str:
    return {"contraindications": "Who should wait"}.get(name, capfirst(str(_model(name)._meta.verbose_name_plural)))


def _title(name: str, row: Content) -> str:
    """By what people know an entry: its first words. PostgreSQL keeps a row's keys in an order of its own."""
    words = (row.get(field.name) for field in _kept(_model(name)))
    return next((value for value in words if isinstance(value, str) and value), "")


def read(content: Content) -> list[tuple[str, str, list[str]]]:
    """A version for reading: each filled field and list by its name, with its words or its entries."""
    parts: list[tuple[str, str, list[str]]] = [
        (capfirst(str(field.verbose_name)), str(value), [])
        for field in _kept(Treatment)
        if (value := content["fields"].get(field.name)) not in (None, "")
    ]
    for name in LISTS:
        rows = content["lists"].get(name, [])
        words = [[str(value) for key, value in row.items() if value and key not in ("pk", "position")] for row in rows]
        if rows:
            parts.append((list_name(name), "", [" · ".join(one) for one in words]))
    return parts
