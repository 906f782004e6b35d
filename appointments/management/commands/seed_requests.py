"""Fake requests in bulk, for load tests and demonstrations."""

from collections.abc import Iterator
from itertools import islice

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from appointments import event_log
from appointments.management.seeding import ADDRESS, Seeder, Story, providers_for
from appointments.models import Appointment, AppointmentRequest, PreferredTime
from treatments.models import Provider

AT_ONCE = 2000
NAME = "Fake provider"


class Command(BaseCommand):
    help = (
        "Make fake requests that look like three years of a busy clinic: with their histories and visits, without any "
        f"mail. Their addresses end in {ADDRESS}. A site that has requests of real patients is left alone: exit code 1."
    )

    def add_arguments(self, parser):
        parser.add_argument("many", type=int, metavar="N", help="how many requests")
        parser.add_argument("--seed", type=int, default=1, help="another number makes other patients (default 1)")
        parser.add_argument("--force", action="store_true", help="also on a site that has real requests")

    def handle(self, *, many: int, seed: int, force: bool, **options):
        if many < 1:
            raise CommandError("N must be at least 1.")
        if not force and AppointmentRequest.objects.exclude(email__endswith=ADDRESS).exists():
            raise CommandError("This site has requests of real patients. Nothing was made. --force makes them anyway.")
        seeder = Seeder(many, seed, timezone.now(), self._staff(), self._providers(many))
        stories, made = seeder.stories(), 0
        while batch := list(islice(stories, AT_ONCE)):
            self._store(batch)
            made += len(batch)
            self.stderr.write(f"\r{made:,} of {many:,} requests", ending="" if made < many else "\n")
        self.stdout.write(f"{made} fake requests were made.")

    @transaction.atomic
    def _store(self, stories: list[Story]) -> None:
        def all_of(name: str) -> Iterator:
            return (row for story in stories for row in getattr(story, name))

        AppointmentRequest.objects.bulk_create(story.request for story in stories)
        PreferredTime.objects.bulk_create(all_of("times"))
        events = list(all_of("events"))
        for event in events:
            event.appointment_request_id = event.appointment_request.pk  # known only now
        event_log.append_all(events)
        Appointment.objects.bulk_create(all_of("visits"))

    def _staff(self) -> User:
        """Who did it all: an account with which nobody can sign in."""
        staff, is_new = User.objects.get_or_create(
            username="fake-desk", defaults={"first_name": "Fake", "last_name": "Desk", "is_active": False}
        )
        if is_new:
            staff.set_unusable_password()
            staff.save()
        return staff

    def _providers(self, many: int) -> list[Provider]:
        """New ones, so that nobody is booked twice, however often this runs."""
        first = Provider.objects.filter(name__startswith=NAME).count() + 1
        rows = [Provider(name=f"{NAME} {number}") for number in range(first, first + providers_for(many))]
        return Provider.objects.bulk_create(rows)
