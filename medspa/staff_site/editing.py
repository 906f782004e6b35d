"""Two who edit one record at once: the second save is told so, and keeps what was typed."""

import hashlib
import json
from typing import Any

from django import forms
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.http import HttpRequest

CHANGED_MEANWHILE = (
    "Somebody else has changed this since you opened it. Nothing was saved, and what you typed is still here. "
    "Open it in another tab and compare. Saved again, yours takes its place."
)


class NoticesOtherEdits:
    """For a ModelAdmin. The page carries a digest of what its reader saw; another one on saving is refused once.

    `edited_along` names the lists that are edited on the same page; `changes_by_itself` fields that nobody edits.
    """

    edited_along: tuple[str, ...] = ()
    changes_by_itself: tuple[str, ...] = ()

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not self.has_change_permission(request, obj):
            return fieldsets
        (name, last), before = fieldsets[-1], list(fieldsets[:-1])
        return [*before, (name, {**last, "fields": [*last["fields"], "edition"]})]

    def get_form(self, request: HttpRequest, obj: models.Model | None = None, change: bool = False, **kwargs: Any):
        wanted = kwargs.pop("fields", None) or []
        fields = [name for name in wanted if name != "edition"] or None
        base = super().get_form(request, obj, change=change, fields=fields, **kwargs)
        if "edition" not in wanted:
            return base
        return type("EditionForm", (EditionForm, base), {"edition_of": staticmethod(self._edition_of)})

    def _edition_of(self, row: models.Model) -> str:
        seen = [self._values(row)]
        for name in self.edited_along:
            seen += [self._values(part) for part in getattr(row, name).order_by("pk")]
        return hashlib.sha256(json.dumps(seen, cls=DjangoJSONEncoder).encode()).hexdigest()[:32]

    def _values(self, row: models.Model) -> list[Any]:
        fields = [field for field in row._meta.concrete_fields if field.name not in self.changes_by_itself]
        return [str(field.value_from_object(row)) for field in fields]


class EditionForm(forms.ModelForm):
    edition = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.initial["edition"] = self.edition_of(self._stored())

    def _stored(self) -> models.Model:
        return type(self.instance)._base_manager.get(pk=self.instance.pk)

    def clean(self) -> dict[str, Any]:
        answers = super().clean()
        rows = type(self.instance)._base_manager.select_for_update()
        now = self.edition_of(rows.get(pk=self.instance.pk))  # locked until this save is committed
        if self.cleaned_data.get("edition") not in ("", now):  # a program that read no page has seen nothing
            self.data = self.data.copy()
            self.data[self.add_prefix("edition")] = now
            raise forms.ValidationError(CHANGED_MEANWHILE)
        return answers
