"""The practice's own facts, each by its number, on the Spanish page, in the section where the English page has them."""

import re
from io import StringIO

import pytest
from django.core.management import call_command

from medspa.management.commands import open_clinic
from medspa.models import Clinic
from tests.treatments.test_facts import FACTS as ENGLISH
from tests.treatments.test_facts import Sections, sentences
from treatments.claims import claim_words
from treatments.models import Treatment

# fact: what must all be found in the section where the English page has it
FACTS = {
    "O1": [r"tratamiento cosmético", r"ayuda a su piel a producir más colágeno"],
    "O2": [r"también se conoce como terapia de inducción de colágeno"],
    "O3": [r"más colágeno puede dar una piel más sana y de aspecto más joven"],
    "O4": [r"puede suavizar el aspecto de las estrías y las cicatrices, o incluso quitarlo"],
    "O5": [r"algunas personas lo combinan con otros", r"contra la edad", r"manchas del sol", r"cirugía de párpados"],
    "O6": [r"ideal si usted está en general sano", r"le preocupan ciertas cosas de su piel"],
    "O7": [r"otros tratamientos o remedios caseros no le ayudaron", r"suele ser la última opción antes de .* cirugía"],
    "E1": [r"pinchazos muy pequeños", r"daño mínimo", r"la impulsa a formar tejido nuevo, rico en colágeno"],
    "E2": [r"piel nueva tiene mejor tono y una textura más firme", r"con más colágeno, la piel es más firme"],
    "E3": [r"tan pequeños que los pacientes rara vez sienten algo hasta después"],
    "E4": [r"el doctor usa un instrumento", r"trabaja su piel de manera pareja"],
    "E5": [r"en la mayoría de los casos", r"dormimos la zona", r"anestésico tópico", r"la molestia sea poca"],
    "E6": [r"unos 30 minutos para la mayoría de los pacientes"],
    "E7": [r"a menudo sigue un tratamiento o suero calmante", r"agrega de 30 a 60 minutos a su visita"],
    "B1": [r"quitar cicatrices de acné"],
    "B2": [r"deshacerse de las manchas del sol"],
    "B3": [r"arrugas y líneas finas", r"eliminarlas"],
    "B4": [r"quitar otras cicatrices", r"no todas las cicatrices vienen del acné"],
    "B5": [r"mejorar las líneas finas y las arrugas"],
    "B6": [r"reafirmar la piel floja"],
    "B7": [r"emparejar el tono de la piel"],
    "B8": [r"corregir los poros grandes"],
    "B9": [r"cicatrices y estrías en otras partes del cuerpo", r"sea cual sea la causa"],
    "C0": [r"personas con buena salud en general"],
    "C1": [r"espere para hacerse este tratamiento si usted", r"está embarazada"],
    "C2": [r"llagas abiertas en la zona que se va a tratar"],
    "C3": [r"enfermedad de la piel, como eccema o psoriasis"],
    "C4": [r"está en tratamiento con radiación"],
    "R1": [r"no es invasivo como una cirugía, así que el período de recuperación es corto"],
    "R2": [r"la mayoría de los pacientes no necesita reposo"],
    "R3": [
        r"los primeros días",
        r"algunas personas notan un poco de enrojecimiento o irritación",
        r"reacción de su cuerpo",
    ],
    "R4": [r"más sensible al sol"],
    "R5": [r"justo después", r"lo mejor es quedarse en la sombra"],
    "R6": [r"empieza pronto a formar tejido nuevo"],
    "R7": [r"en unas semanas", r"los resultados deberían notarse"],
    "Z1": [r"mirror mirror med spa", r"ayudamos con muchos problemas de la piel por medio del microneedling"],
    "Z2": [r"visite nuestro consultorio en tucson", r"cómo puede mejorar su aspecto"],
}


@pytest.fixture
def page(client, db):
    """The sections of the Spanish page, the day the clinic opens."""
    Clinic.objects.all().delete()
    Treatment.objects.all().delete()
    call_command("open_clinic", "--no-owner", stdout=StringIO())
    answer = client.get("/es/treatments/microneedling/")
    assert answer.status_code == 200
    return Sections(answer.content.decode()).text


def content():
    return open_clinic.read("microneedling.es")


def seeded_texts():
    texts = [text for text in content().values() if isinstance(text, str)]
    for name in open_clinic.LISTS:
        for point in content()[name]:
            texts += [text for key, text in point.items() if key != "staff_advice"]
    return texts


def test_every_fact_is_on_the_spanish_page_in_its_section(page):
    missing = [
        (fact, wanted)
        for fact, all_wanted in FACTS.items()
        for wanted in all_wanted
        if not re.search(wanted, page.get(ENGLISH[fact][0], ""))
    ]
    assert missing == []


def test_no_fact_of_the_english_list_is_left_out():
    assert [*FACTS] == [*ENGLISH]


def test_each_list_has_as_many_points_as_in_english_with_the_same_numbers():
    english = open_clinic.read("microneedling")
    for name in open_clinic.LISTS:
        pairs = list(zip(english[name], content()[name], strict=True))
        for ours, theirs in pairs:
            assert ours.keys() == theirs.keys()
            numbers = [re.findall(r"\d+", " ".join(point.values())) for point in (ours, theirs)]
            assert numbers[0] == numbers[1]


def test_reasons_are_reasons_and_not_promises(page):
    assert "son razones para venir, no promesas" in page["benefits"]
    assert "los resultados varían" in page["benefits"]
    assert len({benefit["name"] for benefit in content()["benefits"]}) == 8


def test_nothing_is_claimed_that_nobody_can_promise():
    assert claim_words(seeded_texts()) == []
    assert not [text for text in seeded_texts() if re.search(r"radiofrecuencia|\bRF\b|\$|sesi(?:ón|ones)\b", text)]


def test_the_reader_is_spoken_to_formally_and_in_short_sentences():
    assert not [text for text in seeded_texts() if re.search(r"\b(?:tú|tu|tus|ti|contigo|tienes|puedes|estás)\b", text)]
    lengths = [len(re.findall(r"\w+", sentence)) for sentence in sentences(seeded_texts())]
    assert sum(lengths) / len(lengths) <= 12
    assert max(lengths) <= 24


def test_facts_that_need_no_words_come_from_the_english_row(page):
    english, spanish = Treatment.objects.order_by("language")
    assert not {*Treatment.FACTS} & content().keys()
    assert [getattr(spanish, fact) for fact in Treatment.FACTS] == [getattr(english, fact) for fact in Treatment.FACTS]


def test_the_description_has_the_length_that_search_engines_show():
    assert 70 <= len(content()["description"]) <= 160
