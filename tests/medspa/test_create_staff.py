import sys
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from medspa.management.commands import create_staff

pytestmark = pytest.mark.django_db
GOOD = "tall-green-saguaro"


@pytest.fixture(autouse=True)
def groups():
    for name in ("Front desk", "Editor"):
        Group.objects.get_or_create(name=name)


@pytest.fixture
def piped(monkeypatch):
    """Standard input that is not a terminal."""
    return lambda text: monkeypatch.setattr(sys, "stdin", StringIO(text))


def test_the_password_is_read_from_standard_input(piped):
    piped(f"{GOOD}\n")
    said = StringIO()
    call_command("create_staff", "ana", "--group", "Front desk", "--group", "Editor", stdout=said)
    ana = authenticate(username="ana", password=GOOD)
    assert ana.is_staff
    assert not ana.is_superuser
    assert {group.name for group in ana.groups.all()} == {"Front desk", "Editor"}
    assert said.getvalue() == "Made ana, who may sign in as: Front desk, Editor.\n"


@pytest.fixture
def typed(monkeypatch):
    """A terminal at which these passwords are typed, one after the other."""

    def type_in(*passwords):
        answers = iter(passwords)
        monkeypatch.setattr(sys, "stdin", type("Terminal", (StringIO,), {"isatty": lambda self: True})())
        monkeypatch.setattr(create_staff, "getpass", lambda prompt: next(answers))

    return type_in


def test_at_a_terminal_the_password_is_asked_for_twice(typed):
    typed(GOOD, GOOD)
    call_command("create_staff", "ana", "--group", "Editor", stdout=StringIO())
    assert authenticate(username="ana", password=GOOD)


def test_two_different_passwords_make_no_account(typed):
    typed(GOOD, GOOD.upper())
    with pytest.raises(CommandError, match="The two passwords differ"):
        call_command("create_staff", "ana", "--group", "Editor")
    assert not User.objects.filter(username="ana").exists()


@pytest.mark.parametrize(
    ("username", "group", "password", "words"),
    [
        ("ana", "Janitor", GOOD, r"There is no group 'Janitor'\. There are: .*Editor"),
        ("taken", "Editor", GOOD, "already exists"),
        ("ana", "Editor", "short", "too short"),
        ("ana", "Editor", "", "too short"),
        ("saguaro-green", "Editor", "saguaro-green", "too similar to the username"),
        ("ana", "Editor", "q1w2e3r4t5y6", "too common"),
        ("with space", "Editor", GOOD, "Enter a valid username"),
        ("", "Editor", GOOD, "cannot be blank"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_makes_no_account(piped, username, group, password, words):
    User.objects.create_user("taken")
    piped(f"{password}\n")
    with pytest.raises(CommandError, match=words) as refused:
        call_command("create_staff", username, "--group", group)
    assert "\n" not in str(refused.value)
    assert User.objects.count() == User.objects.filter(username="taken").count() == 1
