"""Lift a lockout."""

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from medspa import doors


class Command(BaseCommand):
    help = (
        "Lets a member of staff try again at once, after too many wrong passwords or codes. Without it the lock ends "
        "by itself after half an hour. Exit code 1 where nobody has that name."
    )

    def add_arguments(self, parser):
        parser.add_argument("username")

    def handle(self, *, username: str, **options):
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no account {username}.")
        doors.unlock(user)
        self.stdout.write(f"{username} may try again.")
