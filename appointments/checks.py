"""What `manage.py check` insists on: every field is sorted for privacy."""

from django.core.checks import CheckMessage, Error, register

from appointments import privacy


@register()
def every_field_has_a_privacy_rule(**_asked: object) -> list[CheckMessage]:
    return [Error(words, id="appointments.E001") for words in privacy.gaps()]
