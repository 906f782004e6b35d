"""Telephone numbers: kept as typed, and read as E.164 so that the same number is found again."""

import phonenumbers

HOME_REGION = "US"


def as_e164(typed: str) -> str:
    """`typed` as `+15205550142`, a number without a country taken as a US one; empty where it is not a number."""
    try:
        number = phonenumbers.parse(typed, HOME_REGION)
    except phonenumbers.NumberParseException:
        return ""
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return ""  # also a number without its area code, which several people have
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def has_enough_digits(typed: str) -> bool:
    """Whether somebody could dial it: ten digits, or seven after a `+` and a country."""
    digits = sum(character.isdigit() for character in typed)
    return digits >= (7 if typed.lstrip().startswith("+") else 10)
