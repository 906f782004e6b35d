"""Telephone numbers: kept as typed, and read as E.164 so that the same number is found again."""

import phonenumbers

HOME_REGION = "US"


def as_e164(typed: str) -> str:
    """The first number in `typed` as `+15205550142`, a US one where no country is said; empty where there is none."""
    for match in phonenumbers.PhoneNumberMatcher(typed, HOME_REGION, phonenumbers.Leniency.POSSIBLE):
        # A number without its area code is left out: several people have it.
        if phonenumbers.is_possible_number_with_reason(match.number) == phonenumbers.ValidationResult.IS_POSSIBLE:
            return phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
    return ""


def has_enough_digits(typed: str) -> bool:
    """Whether somebody could dial it: ten digits, or seven after a `+` and a country."""
    digits = sum(character.isdigit() for character in typed)
    return digits >= (7 if typed.lstrip().startswith("+") else 10)
