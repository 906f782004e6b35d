"""The policy as the program reads it: of what kind every field is, and how long what stays."""

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import models

KINDS = ("person", "words", "health", "fact", "secret", "inner", "staff", "clinic")
HANDED_OUT = ("person", "words", "health", "fact")
FLOORS = ("medspa", "treatments", "appointments")
SORTED_BESIDES = ("auth.User",)


@cache
def _policy() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("policy.toml").read_text(encoding="utf-8"))


def months(name: str) -> int:
    """How many months the period of that name is. KeyError for one that the policy does not have."""
    return _policy()["months"][name]


def kinds_of(model: type[models.Model]) -> dict[str, str]:
    """Field name to kind; what is not sorted is missing."""
    sorted_fields = _policy().get(model._meta.app_label, {}).get(model._meta.object_name, {})
    return {name: kind for kind, names in sorted_fields.items() for name in names}


def fields_of(model: type[models.Model], *kinds: str) -> list[str]:
    return [name for name, kind in kinds_of(model).items() if kind in kinds]


def erasing_of(model: type[models.Model]) -> str:
    """`empty`, `delete`, or "" where the row has nothing that would have to go."""
    return _policy()["erasing"].get(model._meta.label, "")


def gaps() -> Iterator[str]:
    """One sentence for each field that has no rule, and for each rule that has no field."""
    for model in _models():
        there = {field.name for field in [*model._meta.local_concrete_fields, *model._meta.local_many_to_many]}
        kinds = kinds_of(model)
        label, where = model._meta.label, "appointments/privacy/policy.toml"
        yield from (f"{label}.{name} has no privacy rule. Sort it in {where}." for name in sorted(there - set(kinds)))
        yield from (f"{where} sorts {label}.{name}, which there is not." for name in sorted(set(kinds) - there))
        unknown = set(kinds.values()) - set(KINDS)
        yield from (f"{where} has the kind {kind!r} for {label}, which is none." for kind in sorted(unknown))


def _models() -> list[type[models.Model]]:
    ours = [model for floor in FLOORS for model in apps.get_app_config(floor).get_models()]
    return [*ours, *(apps.get_model(label) for label in SORTED_BESIDES)]
