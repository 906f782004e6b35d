"""What is made of content for one visitor after another: kept for as long as the content is the same."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from django.db import Error

from treatments.models import ContentVersion, Standing

Made = TypeVar("Made")


def while_content_is_the_same(make: Callable[[str], Made]) -> Callable[[str], Made]:
    """`make`, called once for each language, and again when content has changed or a scheduled page is shown.

    Each time the database is asked what the content's version is, so what somebody changed is there at once. While it
    is away, what was made last is still there; Django's Error where nothing was. What is kept is alike for everybody
    and is changed by nobody.
    """
    kept: dict[str, tuple[Standing, Made]] = {}

    @wraps(make)
    def known(language: str) -> Made:
        try:
            standing = ContentVersion.objects.standing()
            standing_then, made = kept.get(language, (None, None))
            if made is None or standing_then != standing:
                made = make(language)
                if standing is not None:  # it was read first: what changed meanwhile makes it an old one
                    kept[language] = standing, made
        except Error:
            if language not in kept:
                raise
            made = kept[language][1]
        return made

    return known
