"""Asking in Spanish: the form and its errors, the private page, the mails, and how days and hours are said."""

import re
from datetime import UTC, datetime, time

import pytest
import time_machine
from django.core import mail
from django.utils import translation

from appointments import outbox, workflow
from appointments.models import AppointmentRequest, Message
from appointments.response_clock import promise, spoken
from medspa.opening_times import clock_time, day_names
from tests import factories
from treatments.models import start_translation

pytestmark = pytest.mark.django_db
FORM = "/es/request-an-appointment/"


@pytest.fixture(autouse=True)
def peel(clinic):
    row = factories.treatment(name="Peel", slug="peel")
    translated = start_translation(row, "es")
    translated.name, translated.status = "Exfoliación", "published"
    translated.save()
    return row


def answers(**changes):
    return factories.form_answers(**{"treatment": "peel", "message": "Después de las tres.", **changes})


def plain(response):
    return response.content.decode().replace("\u00a0", " ")


@time_machine.travel(factories.TUESDAY_MORNING, tick=False)
def test_the_form_asks_in_spanish(client):
    html = plain(client.get(FORM))
    for words in [
        "Solicitar una cita",
        "Nombre completo",
        "Número de teléfono",
        "Correo electrónico (opcional)",
        "¿Cómo prefiere que nos comuniquemos?",
        "Mensaje de texto",
        "Llamada telefónica",
        "¿Qué tratamiento le interesa?",
        '<option value="peel" selected>Exfoliación</option>',
        "¿Cuándo podría venir? (opcional)",
        "Martes a viernes por la mañana",
        "Sábado por la tarde",
        "¿Algo más? (opcional)",
        "Enviar solicitud",
        "Le responderemos hoy antes de las 11 a. m. para acordar una hora.",
    ]:
        assert words in html
    assert f'action="{FORM}"' in html


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"full_name": ""}, "Escriba su nombre completo"),
        ({"phone": ""}, "Escriba su número de teléfono"),
        ({"phone": "555"}, "Escriba un número de teléfono de 10 dígitos"),
        ({"email": "ana@"}, "Escriba un correo electrónico con el formato correcto, como nombre@example.com"),
        ({"contact_by": "email", "email": ""}, "Escriba su correo electrónico, o elija otra manera de comunicarnos"),
        ({"contact_by": ""}, "Elija cómo debemos comunicarnos con usted"),
        ({"treatment": ""}, "Elija un tratamiento, o elija que no sabe cuál"),
        ({"message": "x" * 501}, "Su mensaje debe tener 500 caracteres o menos"),
        ({"preferred_times": ["x"]}, "Elija horarios de la lista"),
    ],
)
def test_an_error_says_in_spanish_what_to_do_and_the_other_language_is_the_forms_address(client, changes, words):
    response = client.post(FORM, answers(**changes))
    html = plain(response)
    assert response.status_code == 422
    assert "<title>Error: Solicitar una cita" in html
    assert "Hay un problema" in html
    assert html.count(words) == 2
    assert re.search(r'href="/request-an-appointment/(\?treatment=peel)?" lang="en"', html)


def test_the_request_keeps_its_language_and_points_at_the_treatment_itself(client, peel):
    response = client.post(FORM, answers())
    stored = AppointmentRequest.objects.get()
    assert response["Location"] == f"/es/my-request/{stored.private_token}/"
    assert (stored.language, stored.treatment) == ("es", peel)

    client.post("/request-an-appointment/", answers())
    assert AppointmentRequest.objects.order_by("pk").last().language == "en"


@time_machine.travel(factories.TUESDAY_MORNING, tick=False)
def test_the_private_page_is_read_in_either_language(client):
    address = client.post(FORM, answers())["Location"]
    spanish, english = plain(client.get(address)), plain(client.get(address.removeprefix("/es")))
    assert "Tenemos su solicitud" in spanish
    assert "Le respondemos hoy antes de las 11 a. m. para acordar una hora." in spanish
    assert "Exfoliación" in spanish
    assert "Martes a viernes por la mañana" in spanish
    assert "We have your request" in english
    assert "Peel" in english
    assert "Exfoliación" not in english


def test_a_wrong_link_is_not_found_in_spanish(client):
    response = client.get("/es/my-request/wrong/")
    assert response.status_code == 404
    assert "No encontramos la página" in plain(response)


def test_a_form_without_its_cookie_comes_back_in_spanish(client):
    client.handler.enforce_csrf_checks = True
    response = client.post(FORM, answers())
    assert response.status_code == 403
    assert "Esta página estuvo abierta demasiado tiempo" in plain(response)
    assert "Ana Ruiz" in plain(response)


def test_every_mail_speaks_the_language_of_the_request_whatever_language_the_desk_works_in(receptionist):
    asked = factories.appointment_request(email="ana@example.com", language="es")
    move = {"by": receptionist}
    at = datetime(2030, 1, 8, 17, tzinfo=UTC)
    outbox.send_due()
    workflow.book(asked, **move, seen=1, provider=factories.provider(), starts_at=at, minutes=30)
    outbox.send_due()
    room = factories.provider()
    workflow.reschedule(asked, **move, seen=2, provider=room, starts_at=at.replace(hour=20), minutes=30)
    outbox.send_due()
    workflow.cancel(asked, **move, seen=3)
    outbox.send_due()

    to_patient = [sent for sent in mail.outbox if sent.to == ["ana@example.com"]]
    assert [sent.subject.partition(" (")[0] for sent in to_patient] == [
        f"Tenemos su solicitud {asked.reference}",
        "Su visita está reservada",
        "Su visita tiene una nueva hora",
        "Su visita está cancelada",
    ]
    texts = [sent.body.replace("\u00a0", " ") for sent in to_patient]
    assert "Esto todavía no es una cita." in texts[0]
    assert "Su visita del martes 8 de enero a las 10 a. m. a Mirror Mirror Med Spa está reservada." in texts[1]
    assert "El martes 8 de enero a la 1 p. m. es la nueva hora de su visita" in texts[2]
    assert all(f"/es/my-request/{asked.private_token}/" in text for text in texts)
    assert [event.details for event in asked.events.all() if "Tuesday, January 8 at 10 am" in event.details]
    (notice,) = [sent for sent in mail.outbox if sent.to == ["front-desk@localhost"]]
    assert "1 new request" in notice.subject


def test_the_desk_is_told_in_english_of_a_request_in_spanish(client, receptionist):
    client.post(FORM, answers())
    notice = Message.objects.get(kind="desk_notice")
    assert "There is 1 new request" in notice.text
    assert "/es/" not in notice.text
    client.force_login(receptionist)
    stored = AppointmentRequest.objects.get()
    html = plain(client.get(f"/admin/appointments/appointmentrequest/{stored.pk}/change/"))
    assert "<dt>Language</dt><dd>Español</dd>" in html
    assert "Peel" in html
    assert "Exfoliación" not in html


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (datetime(2026, 11, 25, 0, 0, tzinfo=UTC), "hoy antes de las 5 p. m."),
        (datetime(2026, 11, 24, 20, 0, tzinfo=UTC), "hoy antes de la 1 p. m."),
        (datetime(2026, 11, 24, 19, 0, tzinfo=UTC), "hoy antes del mediodía"),
        (datetime(2026, 11, 25, 17, 0, tzinfo=UTC), "mañana antes de las 10 a. m."),
        (datetime(2026, 11, 28, 17, 0, tzinfo=UTC), "el sábado 28 de noviembre antes de las 10 a. m."),
    ],
)
def test_the_promise_is_said_in_spanish(clinic, due, words):
    with translation.override("es"):
        assert promise(clinic, due, factories.TUESDAY_MORNING).replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("hour", "words"),
    [
        (16, "martes 24 de noviembre a las 9:30 a. m."),
        (20, "martes 24 de noviembre a la 1:30 p. m."),
    ],
)
def test_a_moment_is_said_in_spanish(clinic, hour, words):
    with translation.override("es"):
        at = datetime(2026, 11, 24, hour, 30, tzinfo=UTC)
        assert spoken(clinic, at).replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ([5], "sábado"),
        ([0, 6], "lunes y domingo"),
        ([1, 2, 3, 4, 5], "martes a sábado"),
        ([0, 2, 4], "lunes, miércoles y viernes"),
    ],
)
def test_days_are_named_in_spanish(days, words):
    with translation.override("es"):
        assert day_names(days) == words


@pytest.mark.parametrize(("at", "words"), [(time(9), "9 a. m."), (time(12), "mediodía"), (time(17, 30), "5:30 p. m.")])
def test_hours_are_said_in_spanish(at, words):
    with translation.override("es"):
        assert clock_time(at).replace("\u00a0", " ") == words
