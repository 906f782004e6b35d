"""Who may do what at the desk: each staff group, each move, each page."""

import pytest
from django.core.management import call_command

from appointments import workflow
from medspa.management.commands.open_clinic import GROUPS
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"
AT_THE_DESK = {"Front desk", "Clinician", "Owner"}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday_noon")]


@pytest.fixture
def member(client, db):
    """Somebody of a group, signed in."""
    call_command("open_clinic", no_owner=True, verbosity=0)

    def of(group: str):
        client.force_login(factories.user(group=group) if group else factories.user())
        return client

    return of


@pytest.mark.parametrize("group", [*GROUPS, ""])
def test_a_move_is_shown_to_and_made_by_the_groups_of_the_desk_alone(member, group):
    row, person = factories.appointment_request(), member(group)
    statuses = {}
    for name in workflow.MOVES:
        address = f"{QUEUE}{row.pk}/move/{name}/"
        statuses[name] = (person.get(address).status_code != 403, person.post(address).status_code != 403)
    allowed = group in AT_THE_DESK
    reads_health = group in {"Clinician", "Owner"}
    everything = dict.fromkeys(workflow.MOVES, (allowed, allowed)) | {"review": (reads_health, reads_health)}
    everything |= dict.fromkeys(["export", "erase", "place_hold", "lift_hold"], (group == "Owner",) * 2)
    assert statuses == everything
    row.refresh_from_db()
    assert row.version == 1  # nothing was answered, so nothing was done
    page = person.get(f"{QUEUE}{row.pk}/change/")
    assert page.status_code == (200 if allowed else 403)
    assert ("/move/" in page.content.decode()) == allowed


@pytest.mark.parametrize("group", [*GROUPS, ""])
def test_a_page_of_the_desk_opens_for_the_groups_of_the_desk_alone(member, group):
    person = member(group)
    for address in (QUEUE, "/admin/appointments/timeoff/", "/admin/appointments/timeoff/add/"):
        assert (person.get(address).status_code == 200) == (group in AT_THE_DESK), address


@pytest.mark.parametrize("group", GROUPS)
def test_providers_and_their_hours_are_changed_by_the_owner_alone(member, group):
    provider, person = factories.provider(), member(group)
    page = person.get(f"/admin/treatments/provider/{provider.pk}/change/")
    assert page.status_code == (200 if group in AT_THE_DESK else 403)
    assert (b'name="hours-0-weekday"' in page.content) == (group == "Owner")
