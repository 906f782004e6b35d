"""Fake requests that look like three years of a busy clinic's. Nobody in them is real, and nobody is mailed."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from django.contrib.auth.models import User

from appointments.models import (
    WAITING,
    Appointment,
    AppointmentRequest,
    ClosedReason,
    Event,
    PreferredTime,
    Status,
    hash_token,
)
from appointments.references import new_reference
from appointments.response_clock import respond_by
from medspa.models import Clinic
from treatments.models import Provider, Treatment

ADDRESS = "@patients.example"  # of every fake request, and of no real one: RFC 2606 reserves the name
FIRST_NAMES = "Ana Ben Carla Diego Elif Farah Grace Hugo Ines Joe Kim Lena Maya Nadia Omar Priya Quinn Rosa Sam Wei"
LAST_NAMES = "Alvarez Baker Chen Delgado Evans Fuentes Garcia Hill Ito Jones Kim Lopez Miller Nguyen Ortiz Patel Ruiz"
PERIOD = timedelta(days=3 * 365)
STILL_OPEN, STILL_TO_COME = timedelta(days=2), timedelta(days=40)  # how old a request may be that waits, or is booked
KEPT = timedelta(days=20)  # what ended earlier might be over by the retention policy, which would empty it
OUTCOMES = {
    ClosedReason.COMPLETED: 62,
    ClosedReason.UNREACHABLE: 12,
    ClosedReason.PATIENT_DECLINED: 12,
    ClosedReason.NOT_A_CANDIDATE: 5,
    ClosedReason.DUPLICATE: 4,
    ClosedReason.SPAM: 4,
    ClosedReason.OTHER: 1,
}
DAY_BEGINS, VISITS_A_DAY, VISIT = timedelta(hours=16), 15, timedelta(minutes=30)  # from 9 am in Arizona, in UTC


@dataclass
class Story:
    """One request and all that belongs to it, unsaved."""

    request: AppointmentRequest
    times: list[PreferredTime] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    visits: list[Appointment] = field(default_factory=list)


class Seeder:
    """Makes `many` stories from the oldest to the newest. The same seed makes the same ones but for their secrets."""

    def __init__(self, many: int, seed: int, now: datetime, staff: User, providers: list[Provider]):
        self.references = set(AppointmentRequest.objects.values_list("reference", flat=True))
        self.random, self.many, self.now, self.staff = Random(seed), many, now, staff
        self.clinic = Clinic.objects.current()
        self.treatments = [*Treatment.objects.originals(), None]
        self.free = [_first_of_day(now - PERIOD)] * len(providers)  # from when on each is, of the time that is over
        self.coming = [_first_of_day(now + timedelta(days=1))] * len(providers)
        self.providers = providers

    def stories(self) -> Iterator[Story]:
        for number in range(self.many):
            yield self._story(self.now - PERIOD * (1 - (number + 1) / (self.many + 1)))

    def _story(self, at: datetime) -> Story:
        story = Story(self._request(at))
        preferred = {(days, part) for days, part in [self._pick([("1234", "am"), ("1234", "pm"), ("5", "am")])]}
        story.times = [PreferredTime(appointment_request=story.request, weekdays=w, part=p) for w, p in preferred]
        self._happens(story, Event.Kind.RECEIVED, at, None)
        age = self.now - at
        if age < STILL_OPEN:
            self._waits(story, at)
        elif age < STILL_TO_COME and self.random.random() < 0.5:
            self._booked(story, self.coming)
        elif self.random.random() < 0.004:
            self._moves(story, Event.Kind.WAITLISTED, at + timedelta(minutes=50), status=Status.WAITLISTED)
        else:
            self._closed(story, at)
        return story

    def _request(self, at: datetime) -> AppointmentRequest:
        random, token = self.random, uuid.uuid4().hex
        name = f"{self._pick(FIRST_NAMES.split())} {self._pick(LAST_NAMES.split())}"
        number = f"{random.randrange(200, 1000)}55501{random.randrange(100):02}"  # reserved for fiction
        due = respond_by(self.clinic, at)
        return AppointmentRequest(
            reference=self._reference(),
            private_token=token,
            private_token_hash=hash_token(token),
            full_name=name,
            phone=f"({number[:3]}) {number[3:6]}-{number[6:]}",
            phone_e164=f"+1{number}",
            email=f"{name.lower().replace(' ', '.')}.{random.randrange(10**6)}{ADDRESS}",
            contact_by=self._pick(AppointmentRequest.ContactBy.values),
            treatment=self._pick(self.treatments),
            created_at=at,
            respond_by=due,
            next_action_at=due,
        )

    def _reference(self) -> str:
        """One that nothing else has: among a million drawn, several hundred would be drawn twice."""
        while (reference := new_reference()) in self.references:
            pass
        self.references.add(reference)
        return reference

    def _waits(self, story: Story, at: datetime) -> None:
        if self.random.random() < 0.4:
            called = at + timedelta(minutes=self.random.randrange(5, 90))
            self._moves(story, Event.Kind.CALLED, called, status=Status.CONTACTING, calls_in_vain=1)

    def _booked(self, story: Story, free: list[datetime]) -> None:
        answered = story.request.created_at + timedelta(minutes=self.random.expovariate(1 / 45))
        self._moves(story, Event.Kind.BOOKED, answered, status=Status.BOOKED, first_response_at=answered)
        visit = self._visit(story.request, free, answered + timedelta(days=1))
        if free is not self.coming and visit.ends_at >= self.now:
            visit = self._visit(story.request, self.coming, self.now)
        story.visits = [visit]

    def _closed(self, story: Story, at: datetime) -> None:
        reason = self.random.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
        closing = at + timedelta(hours=self.random.randrange(1, 40))
        if reason == ClosedReason.COMPLETED:
            self._booked(story, self.free)
            visit = story.visits[0]
            if visit.ends_at > self.now:
                return  # it is still to come
            missed = self.random.random() < 0.07
            visit.status = Appointment.Status.NOSHOW if missed else Appointment.Status.FULFILLED
            reason, closing = ClosedReason.PATIENT_DECLINED if missed else reason, visit.ends_at
        answered = story.request.first_response_at or closing
        ended_at = max(closing, self.now - KEPT)
        done = {"status": Status.CLOSED, "closed_reason": reason, "ended_at": ended_at, "first_response_at": answered}
        self._moves(story, Event.Kind.CLOSED, closing, **done)

    def _visit(self, row: AppointmentRequest, free: list[datetime], after: datetime) -> Appointment:
        """The next free half hour after `after` of whoever is free first."""
        place = min(range(len(free)), key=lambda place: max(free[place], after))
        starts_at = max(free[place], _half_hour(after))
        begins = starts_at.replace(hour=0, minute=0) + DAY_BEGINS
        if not begins <= starts_at < begins + VISITS_A_DAY * VISIT:
            starts_at = begins if starts_at < begins else begins + timedelta(days=1)
        free[place] = starts_at + VISIT
        return Appointment(
            appointment_request=row, provider=self.providers[place], starts_at=starts_at, ends_at=starts_at + VISIT
        )

    def _moves(self, story: Story, kind: Event.Kind, at: datetime, **changes: object) -> None:
        row = story.request
        row.version, row.claimed_by = row.version + 1, self.staff
        for name, value in changes.items():
            setattr(row, name, value)
        if row.status not in WAITING:
            row.next_action_at = None
        self._happens(story, kind, min(at, self.now), self.staff)

    def _happens(self, story: Story, kind: Event.Kind, at: datetime, by: User | None) -> None:
        row = story.request
        story.events.append(Event(appointment_request=row, kind=kind, at=at, by=by, version=row.version))

    def _pick(self, choices):
        return self.random.choice(choices)


def providers_for(many: int) -> int:
    """How many providers see so many patients in PERIOD."""
    return 1 + many * OUTCOMES[ClosedReason.COMPLETED] // (100 * PERIOD.days * VISITS_A_DAY * 3 // 4)


def _first_of_day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0) + DAY_BEGINS


def _half_hour(at: datetime) -> datetime:
    at = at.replace(second=0, microsecond=0)
    return at + timedelta(minutes=-at.minute % 30)
