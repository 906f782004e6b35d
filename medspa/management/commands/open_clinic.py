"""The first run: the clinic, who may do what, the first words on the site, and somebody who can sign in."""

import os
import secrets
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Q
from django.utils.dates import WEEKDAYS

from appointments import event_log
from appointments.models import SavedReply
from medspa.models import Clinic, FirstPassword
from medspa.sealed import CannotUnseal
from treatments.models import Provider, Treatment

OPENING_CONTENT = Path(__file__).resolve().parents[2] / "opening_content"
LISTS = ["benefits", "contraindications", "steps", "recovery_notes", "faqs"]


def every(*models: str) -> list[str]:
    """All four of Django's permissions on each model, given as `app.model`."""
    split = [name.split(".") for name in models]
    return [f"{app}.{verb}_{model}" for app, model in split for verb in ("view", "add", "change", "delete")]


WORKING_REQUESTS = [
    "appointments.view_appointmentrequest",
    "appointments.work_appointmentrequest",  # press the moves
    "appointments.view_appointment",
    "appointments.view_event",
    "appointments.view_message",
    "treatments.view_provider",
    "appointments.view_providerhours",
    *every("appointments.timeoff"),
]
EDITING = [
    "medspa.view_clinic",
    "medspa.change_clinic",
    *every("medspa.openinghours", "medspa.closure"),
    *every("treatments.treatment", "treatments.benefit", "treatments.contraindication", "treatments.procedurestep"),
    *every("treatments.recoverynote", "treatments.faq", "treatments.photo", "treatments.result"),
]
REPLYING = [*every("appointments.savedreply"), "appointments.view_mailwording"]
READING_HEALTH_ANSWERS = ["appointments.view_healthanswer"]
OWNING = [
    "appointments.view_reports",
    "appointments.review_event",
    "medspa.review_doorevent",
    "medspa.view_sign",  # how the site is
    "appointments.export_appointmentrequest",
    "appointments.erase_appointmentrequest",
    "appointments.hold_appointmentrequest",
    *every("treatments.provider", "appointments.providerhours", "appointments.mailwording", "auth.user", "auth.group"),
    "admin.view_logentry",
]

GROUPS = {
    "Front desk": [*WORKING_REQUESTS, *REPLYING],
    "Clinician": [*WORKING_REQUESTS, *READING_HEALTH_ANSWERS],
    "Editor": EDITING,
    "Owner": [*WORKING_REQUESTS, *READING_HEALTH_ANSWERS, *REPLYING, *EDITING, *OWNING],
}

# A password that can be read out: consonants and vowels in turn, none that sound or look alike. 16 bits a group.
CONSONANTS, VOWELS, PASSWORD_GROUPS = "bdfghjklmnprstvz", "aiou", 8


class Command(BaseCommand):
    help = (
        "Opens the clinic on a migrated database: the clinic's facts and hours, the staff groups, the first texts and "
        "the first owner. Safe to run at every start: what is there already is left alone, what staff edited or "
        "deleted stays so, and a group only ever gains the permissions that this version needs. "
        "The owner's login is printed once and kept in first-login.txt in VAR_DIR; delete that file when you have it. "
        "Its password opens for a week unless it is changed; after that: manage.py changepassword owner."
    )

    def add_arguments(self, parser):
        parser.add_argument("--no-owner", action="store_true", help="make no account, even if nobody can sign in")

    def handle(self, *, no_owner: bool, **options):
        try:
            event_log.insist_on_keys()
        except CannotUnseal as trouble:
            raise CommandError(str(trouble)) from None
        event_log.begin()
        with transaction.atomic():
            done = [open_doors(), *give_groups_their_permissions()]
            if not no_owner:
                done += welcome_owner()
        for line in done:
            self.stdout.write(line)


def open_doors() -> str:
    """The clinic and its first content, once. A second process waits here until the first is done."""
    opening = read("clinic")
    clinic, is_new = Clinic.objects.get_or_create(pk=1, defaults=opening["clinic"])
    Clinic.objects.select_for_update().get(pk=clinic.pk)
    if not is_new:
        return f"Clinic: {clinic} is open already; its facts and texts are left as staff keep them."
    weekdays = {str(name): number for number, name in WEEKDAYS.items()}
    for hours in opening["hours"]:
        for name in hours["weekdays"]:
            clinic.hours.create(weekday=weekdays[name], opens_at=hours["opens_at"], closes_at=hours["closes_at"])
    for provider in opening["providers"]:
        Provider.objects.get_or_create(**provider)
    for reply in read("replies")["replies"]:
        kept = {"name": reply.pop("name"), "language": reply.pop("language")}
        SavedReply.objects.get_or_create(**kept, defaults=texts_of(reply))
    treatment = write_first_treatment(read("microneedling"), {"es": read("microneedling.es")})
    return f"Clinic: opened {clinic} with example hours and the page {treatment}."


def read(name: str) -> dict:
    return tomllib.loads((OPENING_CONTENT / f"{name}.toml").read_text(encoding="utf-8"))


def write_first_treatment(content: dict, translations: dict[str, dict]) -> Treatment:
    """The treatment and its points in every language, in the order of the files.

    One with the same address is left alone.
    """
    texts = texts_of(content)
    treatment, is_new = Treatment.objects.originals().get_or_create(slug=texts["slug"], defaults=texts)
    if is_new:
        write_points(treatment, content)
        for language, words in translations.items():
            texts = texts_of(words) | {"language": language, "status": treatment.status}
            write_points(treatment.translations.create(**texts), words)
    return treatment


def texts_of(content: dict) -> dict:
    fields = {name: value for name, value in content.items() if name not in LISTS}
    return {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}


def write_points(treatment: Treatment, content: dict) -> None:
    for name in LISTS:
        for position, point in enumerate(content[name], start=1):
            getattr(treatment, name).create(position=position, **point)


def give_groups_their_permissions() -> list[str]:
    known = {
        f"{app}.{codename}": pk
        for pk, app, codename in Permission.objects.values_list("pk", "content_type__app_label", "codename")
    }
    return [_give(name, wanted, known) for name, wanted in GROUPS.items()]


def _give(name: str, wanted: Iterable[str], known: dict[str, int]) -> str:
    group, _is_new = Group.objects.get_or_create(name=name)
    for permission in wanted:
        if permission not in known:
            raise CommandError(f"There is no permission {permission!r}, which the group {name} needs. Run: migrate")
    had = set(group.permissions.values_list("pk", flat=True))
    missing = {known[permission] for permission in wanted} - had
    group.permissions.add(*missing)
    if not missing:
        return f"Group {name}: as it should be."
    return f"Group {name}: {len(missing)} permission{'s' if len(missing) > 1 else ''} added."


def welcome_owner() -> list[str]:
    """Somebody who can sign in and give others accounts, if there is nobody. The login is on disk before the commit."""
    owners = User.objects.filter(is_active=True, is_staff=True).filter(Q(is_superuser=True) | Q(groups__name="Owner"))
    if owners.exists():
        return ["Owner: there is one."]
    username, number = "owner", 1
    while User.objects.filter(username=username).exists():
        number += 1
        username = f"owner{number}"
    password = speakable_password()
    owner = User.objects.create_superuser(username, password=password)
    owner.groups.add(Group.objects.get(name="Owner"))
    FirstPassword.objects.create(user=owner)
    kept = settings.VAR_DIR / "first-login.txt"
    write_durably(kept, f"{username}\n{password}\n")
    return [
        "Owner: made the first account. Sign in at /admin/ within a week and change the password.",
        f"  username  {username}",
        f"  password  {password}",
        f"  Shown once, and kept in {kept}. Delete that file when you have it.",
    ]


def speakable_password() -> str:
    """128 random bits as eight groups such as `botim-gujak-...`."""
    kinds = [CONSONANTS, VOWELS, CONSONANTS, VOWELS, CONSONANTS]
    return "-".join("".join(secrets.choice(kind) for kind in kinds) for _group in range(PASSWORD_GROUPS))


def write_durably(path: Path, text: str) -> None:
    """`text` whole or not at all, for its owner's eyes, and on disk when this returns."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(text)  # mkstemp has made it mode 600
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
