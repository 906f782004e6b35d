"""Every word of the public pages is translated, and the compiled words are the written ones."""

import ast
import re
from collections.abc import Iterator
from gettext import GNUTranslations
from html import unescape
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.template.loader import get_template
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.utils.translation import trim_whitespace

from medspa.models import Clinic
from tests.house.blueprint import PROJECT, modules
from treatments.models import Treatment

FOLDER = PROJECT / "medspa" / "locale" / "es" / "LC_MESSAGES"
TEMPLATES = PROJECT / "templates"
PUBLIC = sorted(
    str(file.relative_to(TEMPLATES))
    for file in TEMPLATES.rglob("*")
    if file.suffix in {".html", ".txt"} and file.relative_to(TEMPLATES).parts[0] != "admin"
)
FOR_THE_DESK = {"appointments/email/desk_notice.subject.txt", "appointments/email/desk_notice.txt"}
ASKING = {"_": 0, "gettext": 0, "gettext_lazy": 0, "ngettext": 0, "pgettext": 1, "pgettext_lazy": 1}
PAGES = [
    "/es/",
    "/es/treatments/",
    "/es/treatments/microneedling/",
    "/es/treatments/microneedling/aftercare/",
    "/es/request-an-appointment/",
    "/es/privacy/",
    "/es/accessibility/",
]


def read_po(path: Path) -> Iterator[tuple[str, str, list[str], str]]:
    """Context, words, their translations, flags; the header has no words."""
    for block in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
        entry: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if found := re.match(r'(msg\w+(?:\[\d\])?) (".*")$', line):
                name, quoted = found.groups()
                entry[name] = ast.literal_eval(quoted)
            elif line.startswith('"'):
                entry[name] += ast.literal_eval(line)
        if "msgid" in entry:
            words = [value for key, value in entry.items() if key.startswith("msgstr")]
            flags = " ".join(line for line in block.splitlines() if line.startswith("#,"))
            yield entry.get("msgctxt", ""), entry["msgid"], words, flags


@pytest.fixture(scope="module")
def written() -> dict[tuple[str, str], list[str]]:
    return {(context, words): spanish for context, words, spanish, _flags in read_po(FOLDER / "django.po") if words}


def test_every_word_is_translated_and_none_is_a_guess(written):
    assert len(written) > 200
    assert [words for words, spanish in written.items() if not all(spanish)] == []
    assert [words for _context, words, _spanish, flags in read_po(FOLDER / "django.po") if "fuzzy" in flags] == []


def test_what_stands_for_a_value_stands_in_the_translation_too(written):
    def values(text: str) -> list[str]:
        return sorted(re.findall(r"%\(\w+\)s", text))

    wrong = [words for (_c, words), spanish in written.items() if any(values(words) != values(one) for one in spanish)]
    assert wrong == []


def test_the_compiled_words_are_the_written_ones(written):
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = GNUTranslations(file)._catalog
    expected = {}
    for (context, words), spanish in written.items():
        key = f"{context}\x04{words}" if context else words
        expected |= {key: spanish[0]} if len(spanish) == 1 else {(key, n): form for n, form in enumerate(spanish)}
    assert {key: words for key, words in compiled.items() if key} == expected, "run: make messages"


def asked_in_code() -> Iterator[str]:
    for tree in modules().values():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            place = ASKING.get(name)
            if place is not None and len(node.args) > place and isinstance(node.args[place], ast.Constant):
                yield node.args[place].value


def asked_in(name: str) -> Iterator[str]:
    template = get_template(name).template
    for node in template.nodelist.get_nodes_by_type(TranslateNode):
        yield node.filter_expression.var.literal
    for node in template.nodelist.get_nodes_by_type(BlockTranslateNode):
        words, _names = node.render_token_list(node.singular)
        yield trim_whitespace(words) if node.trimmed else words


def test_every_word_that_code_asks_for_is_written(written):
    asked = [*asked_in_code()]
    assert len(asked) > 50
    assert {*asked} - {words for _context, words in written} == set(), "run: make messages"


@pytest.mark.parametrize("name", PUBLIC)
def test_every_word_that_a_template_asks_for_is_written(name, written):
    assert {*asked_in(name)} - {words for _context, words in written} == set(), "run: make messages"


class Words(HTMLParser):
    """What a reader reads or hears: text, and the attributes that are read out. Not what is marked as English."""

    HEARD = {"alt", "title", "aria-label", "placeholder", "data-wait", "data-left", "data-over"}
    EMPTY = {"meta", "link", "img", "input", "br", "hr", "source"}

    def __init__(self, html: str):
        super().__init__()
        self.words: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        silent = (
            tag in {"script", "style"}
            or (tag != "html" and facts.get("lang") == "en")
            or (self._open and self._open[-1][1])
        )
        if tag not in self.EMPTY:
            self._open.append((tag, bool(silent)))
        if not silent:
            heard = [value for name, value in attrs if name in self.HEARD and value]
            if tag == "meta" and facts.get("name") == "description":
                heard.append(facts.get("content") or "")
            self.words += heard

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if data.strip() and not (self._open and self._open[-1][1]):
            self.words.append(" ".join(data.split()))


@pytest.mark.parametrize("name", [name for name in PUBLIC if name not in FOR_THE_DESK])
def test_no_words_stand_in_a_template_without_being_asked_for(name):
    """Addresses, marks and tags aside, nothing is left of a template once what it asks for is taken out."""
    text = (TEMPLATES / name).read_text()
    text = re.sub(r"{% blocktranslate.*?{% endblocktranslate %}", "", text, flags=re.DOTALL)
    text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", "", text, flags=re.DOTALL)
    text = re.sub(r"^[?#][\w=-]+$", "", text, flags=re.MULTILINE)  # the end of an address that stands in a block
    left = " ".join(Words(text).words)
    assert re.findall(r"[A-Za-z]{2,}", left) == []


@pytest.fixture
def opened(db):
    Clinic.objects.all().delete()
    Treatment.objects.all().delete()
    call_command("open_clinic", "--no-owner", stdout=StringIO())


def english(written: dict) -> list[str]:
    """Stretches of English, longer than a name, that no Spanish sentence holds as well."""
    stretches = {
        " ".join(stretch.split())
        for (_context, words), (spanish, *_more) in written.items()
        for stretch in re.split(r"%\(\w+\)s|<[^>]+>", unescape(words))
        if words != spanish
    }
    return sorted(stretch for stretch in stretches if len(stretch) > 12)


@pytest.mark.parametrize("address", PAGES)
def test_no_english_is_left_on_a_spanish_page(opened, client, written, address):
    response = client.get(address)
    assert response.status_code == 200
    read = " ".join(Words(response.content.decode()).words)
    assert [words for words in english(written) if words in read] == []


def test_no_english_is_left_among_the_errors_of_the_form(opened, client, written):
    response = client.post("/es/request-an-appointment/", {"email": "x", "message": "x" * 501})
    assert response.status_code == 422
    read = " ".join(Words(response.content.decode()).words)
    assert [words for words in english(written) if words in read] == []


def test_the_check_for_english_finds_english(opened, client, written):
    read = " ".join(Words(client.get("/request-an-appointment/").content.decode()).words)
    assert len([words for words in english(written) if words in read]) > 15
