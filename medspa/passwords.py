"""Which passwords staff may not take, beside Django's rules: common ones in disguise, and the clinic's own words."""

import re

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

from medspa.models import Clinic, FirstPassword

OUR_FIELD = ("medspa", "clinic", "microneedling", "receptionist", "frontdesk", "appointment", "treatment", "beauty")
LEFT_AT_LEAST = 8  # characters beside our own words
SHORTEST_WORD = 5


class CommonAtHeart(CommonPasswordValidator):
    """Refuses one of Django's 20,000 common passwords also with digits and marks around it, or said twice."""

    def validate(self, password: str, user: User | None = None) -> None:
        core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password.lower())
        half = core[: len(core) // 2]
        if {core, half if half * 2 == core else core} & self.passwords:
            raise ValidationError("This password is a common one with something around it.", code="common_at_heart")

    def get_help_text(self) -> str:
        return "It can’t be a common password with digits around it."


class NotTheFirst:
    """Refuses to keep the password that the program made, and notes when it has been changed."""

    def validate(self, password: str, user: User | None = None) -> None:
        if user and user.pk and FirstPassword.objects.filter(user=user).exists() and user.check_password(password):
            raise ValidationError("This is the password that was made for you. Choose your own.", code="the_first")

    def password_changed(self, password: str, user: User | None = None) -> None:
        if user and user.pk:
            FirstPassword.objects.filter(user=user).delete()

    def get_help_text(self) -> str:
        return "It can’t be the one that was made for you."


class OurOwnWords:
    """Refuses what is little more than the clinic's name, its town or its trade: the first that anybody tries."""

    def validate(self, password: str, user: User | None = None) -> None:
        rest = re.sub(r"[\W_]", "", password.lower())
        for word in sorted(self._words(), key=len, reverse=True):
            rest = rest.replace(word, "")
        if len(rest) < LEFT_AT_LEAST and len(rest) < len(password):
            raise ValidationError("This password is made of the clinic’s own words.", code="own_words")

    def get_help_text(self) -> str:
        return "It can’t be made of the clinic’s own words."

    def _words(self) -> set[str]:
        facts = Clinic.objects.values_list("name", "site_name", "town", "street", "region").first() or ()
        own = {word for fact in facts for word in re.findall(r"[a-z]+", fact.lower())}
        return {word for word in own if len(word) >= SHORTEST_WORD} | set(OUR_FIELD)
