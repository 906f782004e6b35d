"""Packages that somebody else's code names are loaded when they are first used: once, and whole."""

import importlib
import sys
import threading

import pytest

from medspa.late import StandIn, load_late

HOW = """
import time
opened = time.monotonic()
time.sleep(0.2)
word = "said"
"""


@pytest.fixture
def rare(tmp_path, monkeypatch):
    """A package that takes its time, and a module inside it."""
    package = tmp_path / "rarely_used"
    package.mkdir()
    (package / "__init__.py").write_text(HOW)
    (package / "inside.py").write_text("word = 'said inside'\n")
    monkeypatch.syspath_prepend(tmp_path)
    load_late("rarely_used")
    yield importlib.import_module("rarely_used")
    for name in ["rarely_used", "rarely_used.inside"]:
        sys.modules.pop(name, None)


def test_it_is_loaded_by_its_first_word(rare):
    assert sys.modules["rarely_used"] is rare
    assert rare.word == "said"
    assert not isinstance(sys.modules["rarely_used"], StandIn)
    assert sys.modules["rarely_used"].opened == rare.opened


def test_threads_that_use_it_at_once_get_the_same(rare):
    opened: list[float] = []
    start = threading.Barrier(8)
    threads = [threading.Thread(target=lambda: (start.wait(10), opened.append(rare.opened))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(opened) == 8
    assert len(set(opened)) == 1


def test_a_module_inside_it_is_found(rare):
    assert importlib.import_module("rarely_used.inside").word == "said inside"


def test_what_is_not_there_is_said_when_it_is_used():
    load_late("never_written")
    with pytest.raises(ModuleNotFoundError, match="never_written"):
        importlib.import_module("never_written").word  # noqa: B018


def test_what_is_there_already_stays():
    load_late("threading")
    assert sys.modules["threading"] is threading
