"""An account for a member of staff, ready to sign in."""

import sys
from getpass import getpass

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from medspa.doors.codes import give_secret


class Command(BaseCommand):
    help = (
        "Makes an account that can sign in at /admin/, in one or more groups: Front desk, Clinician, Editor, Owner. "
        "The password is asked for twice, or read from standard input when that is not a terminal."
    )

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument("--group", action="append", required=True, help="may be given more than once")

        parser.add_argument(
            "--totp-secret", default="", help="Base32: the second step is set up with it, as in an authenticator app"
        )

    def handle(self, *, username: str, group: list[str], totp_secret: str, **options):
        groups = [find_group(name) for name in group]
        user = User(username=username, is_staff=True)
        try:
            user.clean_fields(exclude=["password"])
            user.validate_unique()
            password = read_password()
            validate_password(password, user)
        except ValidationError as refused:
            raise CommandError(" ".join(refused.messages)) from None
        user.set_password(password)
        try:
            with transaction.atomic():
                user.save()
                user.groups.set(groups)
                if totp_secret:
                    give_secret(user, totp_secret)
        except ValueError:  # binascii.Error is one
            raise CommandError("--totp-secret must be Base32 of 16 bytes or more. Nothing was made.") from None
        except IntegrityError:  # somebody else took the name meanwhile
            raise CommandError(f"There is an account {username} already.") from None
        self.stdout.write(f"Made {username}, who may sign in as: {', '.join(map(str, groups))}.")


def find_group(name: str) -> Group:
    group = Group.objects.filter(name=name).first()
    if group is None:
        known = ", ".join(Group.objects.order_by("name").values_list("name", flat=True)) or "none; run open_clinic"
        raise CommandError(f"There is no group {name!r}. There are: {known}.")
    return group


def read_password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass("Password: ")
    if getpass("Password again: ") != password:
        raise CommandError("The two passwords differ.")
    return password
