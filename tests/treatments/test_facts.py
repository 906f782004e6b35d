"""The practice's own facts, each by its number, on the microneedling page as patients get it.

A row says in which section the fact stands and what must all be found there. Facts are ours to word, not to drop.
"""

import re
import tomllib
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from medspa.management.commands import open_clinic
from medspa.models import Clinic
from treatments.claims import claim_words
from treatments.models import Treatment

# fact: (section, what must all be found in it)
FACTS = {
    "O1": ("what-it-is", [r"cosmetic treatment", r"helps your skin make more collagen"]),
    "O2": ("what-it-is", [r"also known as collagen induction therapy"]),
    "O3": ("what-it-is", [r"more collagen can mean healthier, younger-looking skin"]),
    "O4": ("what-it-is", [r"can soften the look of stretch marks and scars, or even remove it"]),
    "O5": ("what-it-is", [r"some people combine it with other anti-aging", r"sun spots removed", r"eyelid surgery"]),
    "O6": ("what-it-is", [r"ideal if you are generally healthy", r"certain skin concerns"]),
    "O7": ("what-it-is", [r"treatments or home remedies not helped", r"often the last option before surgery"]),
    "E1": (
        "on-the-day",
        [r"tiny pinpricks", r"very small amount of damage", r"prompts it to make new tissue, rich in"],
    ),
    "E2": ("on-the-day", [r"new skin has better tone and a firmer texture", r"more collagen makes skin firmer"]),
    "E3": ("on-the-day", [r"so small that patients rarely feel anything until afterwards"]),
    "E4": ("on-the-day", [r"the doctor uses a tool", r"works over your skin evenly"]),
    "E5": ("on-the-day", [r"in most cases", r"numb the area first", r"topical anesthetic", r"keep discomfort low"]),
    "E6": ("on-the-day", [r"about 30 minutes for most patients"]),
    "E7": ("on-the-day", [r"often a calming treatment or serum", r"adds 30 to 60 minutes to your visit"]),
    "B1": ("benefits", [r"removing acne scars"]),
    "B2": ("benefits", [r"getting rid of sun spots"]),
    "B3": ("benefits", [r"wrinkles and fine lines", r"eliminate them"]),
    "B4": ("benefits", [r"removing other scars", r"not every scar comes from acne"]),
    "B5": ("benefits", [r"improving fine lines and wrinkles"]),
    "B6": ("benefits", [r"firming loose skin"]),
    "B7": ("benefits", [r"evening out skin tone"]),
    "B8": ("benefits", [r"fixing large pores"]),
    "B9": ("benefits", [r"scars and stretch marks elsewhere on the body", r"whatever caused them"]),
    "C0": ("who-it-suits", [r"people who are healthy overall"]),
    "C1": ("who-it-suits", [r"wait with this treatment if you", r"are pregnant"]),
    "C2": ("who-it-suits", [r"open sores in the area to be treated"]),
    "C3": ("who-it-suits", [r"skin disease, such as eczema or psoriasis"]),
    "C4": ("who-it-suits", [r"are having radiation treatment"]),
    "R1": ("recovery", [r"not invasive like surgery, so there is little recovery period"]),
    "R2": ("recovery", [r"most patients need no downtime"]),
    "R3": (
        "recovery",
        [r"first few days", r"some people notice minor redness or irritation", r"body.s reaction to the"],
    ),
    "R4": ("recovery", [r"more sensitive to sunlight"]),
    "R5": ("recovery", [r"right after", r"best to stay in the shade"]),
    "R6": ("recovery", [r"skin starts to make new tissue quickly"]),
    "R7": ("recovery", [r"within a few weeks", r"results should show"]),
    "Z1": ("visit-us", [r"mirror mirror med spa", r"help with a wide range of skin concerns with microneedling"]),
    "Z2": ("visit-us", [r"visit our tucson office", r"learn how it can improve the way you look"]),
}
THE_PRACTICES_LIST = Path(__file__).resolve().parents[3] / "shared" / "content" / "microneedling.md"


class Sections(HTMLParser):
    """The text of each `<section id=…>`, by its id, in small letters with single spaces."""

    def __init__(self, html: str):
        super().__init__()
        self._open, self._words = [], {}
        self.feed(html)
        self.text = {name: " ".join("".join(words).split()).lower() for name, words in self._words.items()}

    def handle_starttag(self, tag, attrs):
        if tag == "section":
            self._open.append(dict(attrs).get("id"))
        self.handle_data(" ")

    def handle_endtag(self, tag):
        if tag == "section":
            self._open.pop()

    def handle_data(self, data):
        for name in self._open:
            self._words.setdefault(name, []).append(data)


@pytest.fixture
def page(client, db):
    """The sections of the microneedling page, the day the clinic opens."""
    Clinic.objects.all().delete()
    Treatment.objects.all().delete()
    call_command("open_clinic", "--no-owner", stdout=StringIO())
    answer = client.get("/treatments/microneedling/")
    assert answer.status_code == 200
    return Sections(answer.content.decode()).text


def test_every_fact_is_on_the_page_in_its_section(page):
    missing = [
        (fact, wanted)
        for fact, (section, all_wanted) in FACTS.items()
        for wanted in all_wanted
        if not re.search(wanted, page.get(section, ""))
    ]
    assert missing == []


def test_no_fact_has_been_left_out_of_this_list():
    counts = {"O": (1, 7), "E": (1, 7), "B": (1, 9), "C": (0, 4), "R": (1, 7), "Z": (1, 2)}
    assert [*FACTS] == [f"{letter}{n}" for letter, (first, last) in counts.items() for n in range(first, last + 1)]


@pytest.mark.skipif(not THE_PRACTICES_LIST.exists(), reason="the practice's list is not kept beside this copy")
def test_this_list_is_the_practices_list():
    numbered = re.findall(r"^([A-Z]\d)\s", THE_PRACTICES_LIST.read_text(encoding="utf-8"), re.MULTILINE)
    assert numbered == [*FACTS]


def test_each_reason_to_come_says_something_of_its_own(page):
    benefits = read("benefits")
    assert len(benefits) == 8
    for words in ([benefit["name"] for benefit in benefits], [benefit["text"] for benefit in benefits]):
        assert len({*words}) == 8
    assert re.search(r"reasons to come, not promises", page["benefits"])
    assert re.search(r"results differ", page["benefits"])


def test_questions_are_answered_from_the_facts_alone(page):
    for faq in read("faqs"):
        assert faq["question"].lower() in page["questions"]
        assert faq["answer"].lower() in page["questions"]


def read(name):
    return open_clinic.read("microneedling")[name]


def seeded_texts():
    """Every text of the file that a patient reads, sentence marks kept."""
    content = open_clinic.read("microneedling")
    texts = [text for key, text in content.items() if isinstance(text, str) and key not in {"slug", "status"}]
    for name in open_clinic.LISTS:
        for point in content[name]:
            texts += [text for key, text in point.items() if key != "staff_advice"]
    return texts


def sentences(texts):
    """Whole sentences; headings and other stumps without a full stop are not counted as any."""
    joined = [" ".join(text.split()) for text in texts]
    return [part for text in joined for part in re.findall(r"[^.?!]+[.?!]", text)]


def words_in(sentence):
    return re.findall(r"[A-Za-z0-9']+", sentence)


def syllables(word):
    """Groups of vowels, without a silent e at the end: near enough for a grade."""
    word = re.sub(r"(?<=[^aeiouyl])es?$|(?<=[^aeiouytd])ed$", "", word.lower())
    return max(1, len(re.findall(r"[aeiouy]+", word)))


def grade(texts):
    """Flesch-Kincaid: the US school year in which this is read with ease."""
    all_sentences = sentences(texts)
    all_words = [word for sentence in all_sentences for word in words_in(sentence)]
    per_word = sum(map(syllables, all_words)) / len(all_words)
    return 0.39 * len(all_words) / len(all_sentences) + 11.8 * per_word - 15.59


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("skin", 1),
        ("make", 1),
        ("collagen", 3),
        ("area", 2),
        ("treated", 2),
        ("needle", 2),
        ("scars", 1),
        ("helped", 1),
    ],
)
def test_syllables_are_counted_near_enough(word, count):
    assert syllables(word) == count


def test_a_grade_tells_plain_words_from_hard_ones():
    plain = ["Your skin makes new cells. You may go home the same day."]
    hard = ["Percutaneous collagen induction necessitates appropriate postoperative photoprotection considerations."]
    assert grade(plain) < 3 < 15 < grade(hard)


def test_the_texts_can_be_read_in_sixth_grade():
    assert grade(seeded_texts()) <= 6


def test_sentences_have_twelve_words_or_fewer_on_average():
    lengths = [len(words_in(sentence)) for sentence in sentences(seeded_texts())]
    assert sum(lengths) / len(lengths) <= 12
    assert max(lengths) <= 20


def test_nothing_is_claimed_that_nobody_can_promise():
    assert claim_words(seeded_texts()) == []


def test_radiofrequency_is_never_mixed_in():
    assert not [text for text in seeded_texts() if re.search(r"\bRF\b|radio ?frequency", text)]


def test_nothing_is_invented_where_the_practice_said_nothing():
    content = tomllib.loads((open_clinic.OPENING_CONTENT / "microneedling.toml").read_text(encoding="utf-8"))
    unsaid = {"price_from", "prices", "risks", "reviewed_by", "reviewed_on", "next_review_on", "photos"}
    assert not unsaid & content.keys()
    assert not [text for text in seeded_texts() if re.search(r"\$|\bsessions?\b|\bDr\.?\s", text)]


def test_the_description_has_the_length_that_search_engines_show():
    assert 70 <= len(read("description")) <= 160
