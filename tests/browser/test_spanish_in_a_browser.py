"""A patient who reads Spanish, on a narrow phone: nothing hangs over the edge, and every step stays in Spanish."""

import pytest

from tests.site import PUBLIC_PAGES

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("address", PUBLIC_PAGES)
def test_nothing_hangs_over_the_edge_of_a_narrow_phone(look, address):
    page = look(f"/es{address}", width=320)
    assert page.evaluate(OVERFLOW) == 0


def test_a_patient_asks_in_spanish_without_javascript(look):
    page = look("/", width=320, scripts=False)
    page.get_by_role("link", name="Español").click()
    page.get_by_role("link", name="Microneedling").click()
    page.get_by_role("link", name="Solicitar una cita").last.click()
    assert page.get_by_label("¿Qué tratamiento le interesa?").input_value() == "microneedling"

    page.get_by_role("button", name="Enviar solicitud").click()
    assert page.title().startswith("Error: ")
    assert page.evaluate(OVERFLOW) == 0
    page.get_by_label("Nombre completo").fill("Ana Ruiz")
    page.get_by_label("Número de teléfono").fill("520 555 0199")
    page.get_by_label("Mensaje de texto").check()
    page.get_by_role("button", name="Enviar solicitud").click()

    assert "/es/my-request/" in page.url
    assert page.get_by_role("heading", name="Tenemos su solicitud").is_visible()
    assert page.evaluate("document.documentElement.lang") == "es"
    assert page.evaluate(OVERFLOW) == 0
    page.get_by_role("link", name="English").click()
    assert page.get_by_role("heading", name="We have your request").is_visible()
