"""Templates and styles: they compile, nobody is forgotten, and nothing comes from elsewhere or runs inline."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.template import engines
from django.template.loader import get_template

from tests.house.blueprint import PROJECT, file_of, modules

FOLDER = PROJECT / "templates"
TEMPLATES = sorted(str(file.relative_to(FOLDER)) for file in FOLDER.rglob("*") if file.is_file())
PAGES = [name for name in TEMPLATES if name.endswith(".html")]
STYLES = sorted(PROJECT.glob("static/**/*.css"))
NAMES_THAT_ARE_NO_ADDRESS = ("http://www.w3.org/", "https://schema.org")
IN_A_MAILBOX = {"appointments/email/page.html"}  # no mailbox fetches a stylesheet
FOUND_BY_DJANGO = {"400.html", "403.html", "404.html", "500.html"}


def source(name: str) -> str:
    """The template without its comments."""
    text = (FOLDER / name).read_text()
    return re.sub(r"{#.*?#}|{% comment %}.*?{% endcomment %}|<!--.*?-->", "", text, flags=re.DOTALL)


def tags(name: str, tag: str) -> list[str]:
    return re.findall(rf"<{tag}\b(?:{{%.*?%}}|{{{{.*?}}}}|[^>])*>", source(name), re.DOTALL)


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_compiles_and_so_does_what_it_extends_and_includes(name):
    get_template(name)
    for other in re.findall(r"{% (?:extends|include) \"([^\"]+)\"", source(name)):
        get_template(other)
    for asset in re.findall(r"{% static \"([^\"]+)\"", source(name)):
        assert finders.find(asset), f"there is no {asset} in static/"


@pytest.mark.parametrize("name", PAGES)
def test_nothing_runs_or_is_styled_inline(name):
    if name in IN_A_MAILBOX:
        return
    assert not tags(name, "style")
    assert not re.search(r"<[^>]*\s(?:style|on[a-z]+)\s*=", source(name))
    inline = [tag for tag in tags(name, "script") if " src=" not in tag and 'type="application/ld+json"' not in tag]
    assert not inline
    assert "javascript:" not in source(name)


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_fetched_from_elsewhere(name):
    addresses = re.findall(r"(?:https?:)?//[a-z0-9][^\s\"'<>]*", source(name))
    assert [address for address in addresses if not address.startswith(NAMES_THAT_ARE_NO_ADDRESS)] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_image_has_its_size_and_its_words(name):
    for image in tags(name, "img"):
        assert all(f" {attribute}=" in image for attribute in ("width", "height", "alt")), image


@pytest.mark.parametrize("style", STYLES, ids=lambda file: file.name)
def test_styles_bring_nothing_from_elsewhere_and_shout_nowhere(style):
    css = re.sub(r"/\*.*?\*/", "", style.read_text(), flags=re.DOTALL)
    assert not re.search(r"@import|(?:https?:)?//|expression\(", css)
    assert "!important" not in css
    for asset in re.findall(r"url\([\"']?([^\"')]+)", css):
        assert asset.startswith("data:") or (style.parent / asset.partition("#")[0]).exists(), asset


def test_no_template_is_forgotten():
    words = "\n".join(file_of(module).read_text() for module in modules())
    words += "\n".join(source(name) for name in TEMPLATES)
    forgotten = [name for name in TEMPLATES if not _is_wanted(name, words)]
    assert not forgotten


def _is_wanted(name: str, words: str) -> bool:
    """Named in the code or in a template, by its folder where the last part is a variable, or an override."""
    if name in FOUND_BY_DJANGO or name in words:
        return True
    parts = Path(name)
    if f"{parts.parent}/{{" in words or f"{parts.parent}/%" in words:
        return True
    return name.startswith(("admin/", "medspa/")) and _overrides_or_is_found_by_name(parts)


def _overrides_or_is_found_by_name(name: Path) -> bool:
    """The admin looks for `admin/<app>/<model>/change_form.html`; our crispy pack is looked up by its own names."""
    stock = [Path(folder) for engine in engines.all() for folder in engine.template_dirs if Path(folder) != FOLDER]
    return name.parts[0] == "medspa" or any(list(folder.glob(f"admin/**/{name.name}")) for folder in stock)
