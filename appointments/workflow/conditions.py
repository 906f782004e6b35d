"""What a move asks for besides the request's status: questions about a request, a person and a moment."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User

from appointments.models import Appointment, AppointmentRequest, ClosedReason

EARLIEST = timedelta(hours=12)  # before a visit; whoever comes earlier has come on another day


def whatever(row: AppointmentRequest, user: User, now: datetime) -> bool:
    return True


def is_not_theirs(row: AppointmentRequest, user: User, now: datetime) -> bool:
    return row.claimed_by_id != user.pk


def may_be_called(row: AppointmentRequest, user: User, now: datetime) -> bool:
    return row.is_open or row.to_tell_since is not None


def can_be_mailed(row: AppointmentRequest, user: User, now: datetime) -> bool:
    return bool(row.email)


def is_to_come(row: AppointmentRequest, user: User, now: datetime) -> bool:
    visit = row.booked_appointment()
    return visit is not None and visit.status == Appointment.Status.BOOKED


def may_arrive(row: AppointmentRequest, user: User, now: datetime) -> bool:
    visit = row.booked_appointment()
    return visit is not None and is_to_come(row, user, now) and visit.starts_at - now < EARLIEST


def has_begun(row: AppointmentRequest, user: User, now: datetime) -> bool:
    visit = row.booked_appointment()
    return visit is not None and visit.has_begun(now)


def is_missed(row: AppointmentRequest, user: User, now: datetime) -> bool:
    visit = row.booked_appointment()
    return visit is not None and is_to_come(row, user, now) and visit.starts_at <= now


def has_others_alike(row: AppointmentRequest, user: User, now: datetime) -> bool:
    return AppointmentRequest.objects.alike(row).filter(duplicate_of=None).exists()


def has_mail_to_hold_back(row: AppointmentRequest, user: User, now: datetime) -> bool:
    return any(message.can_be_held_back for message in row.messages.all())


def has_mail_held_back(row: AppointmentRequest, user: User, now: datetime) -> bool:
    return any(message.held_back for message in row.messages.all())


def has_mail_that_failed(row: AppointmentRequest, user: User, now: datetime) -> bool:
    return any(message.can_be_sent_again for message in row.messages.all())


def asks_for_another_time(row: AppointmentRequest, user: User, now: datetime) -> bool:
    return row.asks_for_another_time


def is_to_be_reviewed(row: AppointmentRequest, user: User, now: datetime) -> bool:
    return row.review_since is not None


def may_be_erased(row: AppointmentRequest, user: User, now: datetime) -> bool:
    return row.legal_hold_since is None


def is_on_hold(row: AppointmentRequest, user: User, now: datetime) -> bool:
    return row.legal_hold_since is not None


def is_spam(row: AppointmentRequest, user: User, now: datetime) -> bool:
    return row.closed_reason == ClosedReason.SPAM
