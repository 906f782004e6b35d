"""Two who edit one record at once: the second is told so, loses no word, and decides."""

import re
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client

from appointments.models import MailWording, ProviderHours, SavedReply, TimeOff
from medspa.models import Clinic
from medspa.staff_site import CHANGED_MEANWHILE
from tests import factories

pytestmark = pytest.mark.django_db


def records():
    clinic = factories.clinic()
    provider = factories.provider(name="Room")
    ProviderHours.objects.create(provider=provider, weekday=1, starts_at="09:00", ends_at="12:00")
    reply = SavedReply.objects.create(name="Ready", subject="Hello", text="Call us at {telephone}.")
    wording = MailWording.objects.create(kind="received", language="en", subject="We have it", text="{link} {promise}")
    off = TimeOff.objects.create(provider=provider, starts_on="2030-01-01", ends_on="2030-01-02")
    user = factories.receptionist(username="eva")
    return {
        "clinic": (f"/admin/medspa/clinic/{clinic.pk}/change/", "street", Clinic),
        "provider": (f"/admin/treatments/provider/{provider.pk}/change/", "name", type(provider)),
        "reply": (f"/admin/appointments/savedreply/{reply.pk}/change/", "subject", SavedReply),
        "wording": (f"/admin/appointments/mailwording/{wording.pk}/change/", "subject", MailWording),
        "time off": (f"/admin/appointments/timeoff/{off.pk}/change/", "ends_on", TimeOff),
        "account": (f"/admin/auth/user/{user.pk}/change/", "first_name", User),
    }


def filled(client, address):
    """What the page's form would send."""
    context = client.get(address).context
    parts = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        parts += [inline.formset.management_form, *inline.formset.forms]
    values = {field.html_name: field.value() for part in parts for field in part}
    split = {}
    for name, value in values.items():
        if value is None or value is False:
            continue
        if hasattr(value, "strftime") and name in ("last_login", "date_joined"):
            split |= {f"{name}_0": f"{value:%Y-%m-%d}", f"{name}_1": f"{value:%H:%M:%S}"}
        else:
            split[name] = value
    return split


@pytest.mark.parametrize("name", ["clinic", "provider", "reply", "wording", "time off", "account"])
def test_the_second_save_is_told_so_and_keeps_its_words(name):
    address, field, model = records()[name]
    first, second = "2030-01-05" if field == "ends_on" else "First", "2030-01-09" if field == "ends_on" else "Second"
    here, there = Client(), Client()
    for client in (here, there):
        client.force_login(factories.user(is_superuser=True))
    ours, theirs = filled(here, address), filled(there, address)

    assert here.post(address, {**ours, field: first}).status_code == 302
    answer = there.post(address, {**theirs, field: second})
    page = unescape(answer.content.decode())
    assert answer.status_code == 200
    assert CHANGED_MEANWHILE in page
    assert f'value="{second}"' in page
    key = int(re.search(r"/(\d+)/change/", address)[1])
    assert str(getattr(model.objects.get(pk=key), field)) == first

    edition = answer.context["adminform"].form["edition"].value()
    assert there.post(address, {**theirs, field: second, "edition": edition}).status_code == 302
    assert str(getattr(model.objects.get(pk=key), field)) == second


def test_a_list_on_the_same_page_counts_too():
    address = records()["clinic"][0]
    client = Client()
    client.force_login(factories.user(is_superuser=True))
    typed = filled(client, address)
    Clinic.objects.get().closures.create(starts_on="2030-01-01", ends_on="2030-01-01")
    assert CHANGED_MEANWHILE in unescape(client.post(address, typed).content.decode())


def test_signing_in_is_no_edit(settings):
    address, _field, _model = records()["account"]
    client = Client()
    client.force_login(factories.user(is_superuser=True))
    typed = filled(client, address)
    Client().force_login(User.objects.get(username="eva"))
    assert client.post(address, {**typed, "first_name": "Eva"}).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_eight_saves_at_one_moment_one_goes_through(at_once):
    address = records()["reply"][0]
    owner = factories.user(is_superuser=True)
    probe = Client()
    probe.force_login(owner)
    typed = filled(probe, address)

    def save(number):
        client = Client()
        client.force_login(owner)
        return client.post(address, {**typed, "subject": f"Number {number}"}).status_code

    assert sorted(at_once(save, range(8))) == [200] * 7 + [302]
