"""What is made of content for one visitor after another: kept for as long as the content is the same."""

from collections.abc import Callable, Hashable
from functools import wraps
from typing import TypeVar

from django.conf import settings
from django.db import Error

from treatments.models import ContentVersion, Standing

Asked = TypeVar("Asked", bound=Hashable)
Made = TypeVar("Made")

MOST_KEPT = 500  # of one kind: what is made only for what there is does not come near


def while_content_is_the_same(
    *, even_while_away: bool = False
) -> Callable[[Callable[[Asked], Made]], Callable[[Asked], Made]]:
    """For a function of a language, or of whatever else: called once for each, and again when content has changed or
    a scheduled page is shown.

    Each time the database is asked what the content's version is, so what somebody changed is there at once. What is
    kept is alike for everybody and is changed by nobody. Django's Error while the database is away; `even_while_away`
    what was made last is still there, which no page may rely on that is kept itself. An exception is kept by nobody.
    """

    def keeping(make: Callable[[Asked], Made]) -> Callable[[Asked], Made]:
        kept: dict[Asked, tuple[Standing, Made]] = {}

        @wraps(make)
        def known(asked: Asked) -> Made:
            try:
                # read first: what changes while something is made, makes it an old one
                standing = ContentVersion.objects.standing()
                standing_then, made = kept.get(asked, (None, None))
                if made is None or standing_then != standing:
                    made = make(asked)
                    if standing is not None and not settings.DEBUG:  # whoever works on the site changes templates too
                        while len(kept) >= MOST_KEPT and asked not in kept:
                            kept.pop(next(iter(kept)), None)
                        kept[asked] = standing, made
            except Error:
                if not even_while_away or asked not in kept:
                    raise
                made = kept[asked][1]
            return made

        return known

    return keeping
