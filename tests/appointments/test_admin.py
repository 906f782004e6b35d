"""The queue at the desk: what waits, who may see it, and how it is searched."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from appointments.models import AppointmentRequest
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"
CANARY = "Canary Zwitscher"
TUESDAY_NOON = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday_noon")]


def names(page: str) -> list[str]:
    return re.findall(r'<th class="field-name">.*?<bdi>(.*?)</bdi>', page)


def title(page: str) -> str:
    return re.search(r"<title>(.*?)</title>", page, re.DOTALL)[1]


def look_for(desk, words: str):
    found = desk.post(QUEUE, {"q": words})
    assert found.status_code == 303
    return found["Location"], desk.get(found["Location"]).content.decode()


def test_the_queue_opens_on_what_waits_with_the_oldest_first(desk):
    now = TUESDAY_NOON
    factories.appointment_request(full_name="Second", now=now - timedelta(minutes=20))
    factories.appointment_request(full_name="First", now=now - timedelta(hours=2))
    factories.booked(full_name="Answered")

    assert names(desk.get(QUEUE).content.decode()) == ["First", "Second"]
    assert set(names(desk.get(QUEUE, {"state": "all"}).content.decode())) == {"First", "Second", "Answered"}


def test_the_title_says_how_many_wait_and_names_nobody(desk):
    for _ in range(3):
        factories.appointment_request(full_name=CANARY)
    factories.booked(full_name=CANARY)

    assert title(desk.get(QUEUE).content.decode()).startswith("(3) Requests to answer | Mirror Mirror Med Spa front")
    assert CANARY not in title(look_for(desk, CANARY)[1])


def test_an_empty_queue_says_so(desk):
    factories.booked()
    page = desk.get(QUEUE).content.decode()
    assert "Nobody waits for an answer." in page
    assert title(page).startswith("(0)")


def test_how_long_a_patient_waits_is_said_in_one_unit_and_marked_once_late(desk):
    factories.appointment_request(now=TUESDAY_NOON - timedelta(minutes=19))
    factories.appointment_request(now=TUESDAY_NOON - timedelta(hours=2, minutes=10))
    factories.appointment_request(now=TUESDAY_NOON - timedelta(seconds=5))

    page = desk.get(QUEUE).content.decode().replace("\xa0", " ")

    assert '<td class="field-waiting">19 minutes <small>by 12:41 pm</small></td>' in page
    assert '<td class="field-waiting"><span class="overdue">2 hours<small>, late</small></span></td>' in page
    assert '<td class="field-waiting">Just now <small>by 12:59 pm</small></td>' in page


@pytest.mark.parametrize(
    ("answers", "button"),
    [
        ({"contact_by": "call", "phone": "520-555-0102"}, 'href="tel:+15205550102">Call <bdi>520-555-0102</bdi>'),
        ({"contact_by": "text", "phone": "520-555-0102"}, 'href="sms:+15205550102">Text <bdi>520-555-0102</bdi>'),
        ({"contact_by": "email", "email": "a+b@example.com"}, 'href="mailto:a%2Bb@example.com">Email'),
        ({"contact_by": "text", "phone": "", "email": "ana@example.com"}, 'href="mailto:ana@example.com">Email'),
        ({"contact_by": "email", "phone": "520 555 0102", "email": ""}, 'href="sms:+15205550102">Text'),
        ({"contact_by": "call", "phone": "ask Bob", "email": ""}, '<td class="field-reach"><bdi>ask Bob</bdi></td>'),
    ],
)
def test_a_patient_is_reached_as_they_prefer_or_as_can_be(desk, answers, button):
    factories.appointment_request(**answers)
    assert button in desk.get(QUEUE).content.decode()


def test_what_a_patient_typed_is_escaped(desk):
    nasty = '"><script>alert(1)</script>'
    row = factories.appointment_request(full_name=nasty, phone=nasty, email="", message=nasty)

    for address in (QUEUE, f"{QUEUE}{row.pk}/change/", f"{QUEUE}{row.pk}/move/book/"):
        page = desk.get(address).content.decode()
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page


def test_filters_narrow_by_status_and_treatment(desk):
    kind = factories.treatment(name="Peel", slug="peel")
    factories.appointment_request(full_name="Unsure")
    factories.appointment_request(full_name="Peel", treatment=kind)
    factories.booked(full_name="Booked", treatment=kind)

    def shown(**filters):
        return sorted(names(desk.get(QUEUE, filters).content.decode()))

    assert shown(status="booked") == ["Booked"]
    assert shown(treatment="unsure") == ["Unsure"]
    assert shown(treatment="peel") == ["Peel"]
    assert shown(treatment="peel", state="all") == ["Booked", "Peel"]
    assert shown(state="nonsense") == ["Peel", "Unsure"]
    assert shown(status="nonsense") == []


@pytest.mark.parametrize("words", ["zwitscher", "(520) 555-0177", "+1 520 555 0177", "CANARY@example.com", "0177"])
def test_a_search_finds_a_patient_and_puts_no_words_into_addresses(desk, words):
    # More than a page of them, so that there are links to other pages.
    for _ in range(30):
        factories.appointment_request(full_name=CANARY, phone="520 555 0177", email="canary@example.com")
    factories.appointment_request(full_name="Other", phone="520 555 0100", email="other@example.com")

    address, page = look_for(desk, words)

    assert set(names(page)) == {CANARY}
    assert f'href="?{address.partition("?")[2]}&amp;p=2"' in page
    links = re.findall(r'(?:href|action)="([^"]*)"', page) + [address]
    inside = [link for link in links if not link.startswith(("tel:", "sms:", "mailto:"))]
    assert not [link for link in inside if "wit" in link.lower() or "0177" in link or "canary" in link.lower()]


def test_a_search_looks_among_all_requests(desk):
    factories.booked(full_name=CANARY)
    assert names(look_for(desk, "canary")[1]) == [CANARY]
    assert "Nothing fits." in look_for(desk, "nobody of that name")[1]


def test_a_reference_is_found_by_post_and_in_an_address(desk):
    row = factories.booked(full_name=CANARY)
    factories.appointment_request()
    assert names(look_for(desk, row.reference.lower().replace("-", " "))[1]) == [CANARY]
    assert names(desk.get(QUEUE, {"q": row.reference}).content.decode()) == [CANARY]


def test_a_key_of_another_session_finds_nothing_and_says_so(desk):
    factories.appointment_request()
    lost = desk.get(QUEUE, {"found": "another"}, follow=True)
    assert lost.redirect_chain == [(QUEUE, 302)]
    assert "no longer kept" in lost.content.decode()


def test_words_typed_into_an_address_leave_it_at_once(desk):
    factories.appointment_request(full_name=CANARY)
    factories.appointment_request(full_name="Somebody Else")

    response = desk.get(QUEUE, {"q": CANARY}, follow=True)
    assert names(response.content.decode()) == [CANARY]
    assert "Canary" not in response.request["QUERY_STRING"]


def test_an_empty_search_leads_back_to_what_waits(desk):
    assert desk.post(QUEUE, {"q": "  "})["Location"] == QUEUE


def test_old_searches_make_room_for_new_ones(desk):
    for number in range(25):
        look_for(desk, f"name {number}")
    assert list(desk.session["searches"].values()) == [f"name {number}" for number in range(5, 25)]


@pytest.mark.parametrize("rows", [1, 30])
def test_the_queue_takes_as_many_queries_for_one_row_as_for_thirty(desk, django_assert_num_queries, rows):
    for _ in range(rows):
        factories.appointment_request()
    AppointmentRequest.objects.update(claimed_by=factories.user())
    with django_assert_num_queries(9):
        page = desk.get(QUEUE).content.decode()
    assert len(names(page)) == min(rows, 25)


def test_requests_are_neither_added_nor_deleted_nor_edited_at_the_desk(desk, client):
    row = factories.appointment_request(full_name="Before")
    client.force_login(factories.user(is_superuser=True))

    assert client.get(f"{QUEUE}add/").status_code == 403
    assert client.post(f"{QUEUE}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{QUEUE}{row.pk}/change/", {"full_name": "After", "status": "closed"}).status_code == 405
    client.post(QUEUE, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    row.refresh_from_db()
    assert (row.full_name, row.status) == ("Before", "new")


def urls_of_the_desk(row: AppointmentRequest) -> list[str]:
    change = reverse("admin:appointments_appointmentrequest_change", args=[row.pk])
    history = reverse("admin:appointments_appointmentrequest_history", args=[row.pk])
    return [QUEUE, change, history, f"{QUEUE}{row.pk}/move/claim/"]


def test_staff_without_the_permission_see_no_requests(client, clinic, db):
    row = factories.booked(full_name=CANARY)
    message, visit = row.messages.first(), row.appointments.get()
    more = [f"/admin/appointments/message/{message.pk}/change/", f"/admin/appointments/appointment/{visit.pk}/change/"]
    more += ["/admin/appointments/message/", "/admin/appointments/appointment/"]
    client.force_login(factories.user("medspa.change_clinic", "treatments.change_treatment"))

    for url in urls_of_the_desk(row) + more:
        assert client.get(url).status_code == 403, url
    assert client.post(QUEUE, {"q": CANARY}).status_code == 403
    assert "Requests to answer" not in client.get("/admin/").content.decode()


def test_nobody_is_asked_to_sign_in(client, clinic):
    row = factories.appointment_request(full_name=CANARY)
    for url in urls_of_the_desk(row):
        answer = client.get(url)
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={url}")
    assert client.post(f"{QUEUE}{row.pk}/move/claim/", {"seen": 1}).status_code == 302
    row.refresh_from_db()
    assert row.claimed_by is None
