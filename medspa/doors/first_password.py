"""The password that the program made for the first owner: it opens for a week, and never again once it is changed."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from medspa.models import FirstPassword

OPENS_FOR = timedelta(days=7)


def first_password_ends(user: User) -> datetime | None:
    """When it stops opening, past or to come. None for who has chosen a password."""
    made_at = FirstPassword.objects.filter(user=user).values_list("made_at", flat=True).first()
    return made_at + OPENS_FOR if made_at else None


def first_password_has_ended(user: User) -> bool:
    ends = first_password_ends(user)
    return ends is not None and ends <= timezone.now()
