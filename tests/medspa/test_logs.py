"""A log tells what went wrong and where, never whose request it was."""

import json
import logging
import os
import subprocess
import sys

import pytest

from medspa.logs import PrivateFormatter

TEXT, JSON = PrivateFormatter(), PrivateFormatter(as_json=True)
BOTH = pytest.mark.parametrize("formatter", [TEXT, JSON], ids=["text", "json"])


def record(message: str, *arguments, error: bool = False) -> logging.LogRecord:
    exc_info = sys.exc_info() if error else None
    return logging.LogRecord("django.request", logging.ERROR, __file__, 1, message, arguments, exc_info)


@BOTH
def test_a_private_link_is_cut_in_every_language(formatter):
    line = formatter.format(record("Not Found: %s", "/es/my-request/tok3n-of-ana/cancel/"))
    assert "tok3n" not in line
    assert "/es/my-request/" in line


@BOTH
def test_a_query_is_cut(formatter):
    line = formatter.format(record('"GET /admin/?q=Ana+Ruiz HTTP/1.1" 200'))
    assert "Ana" not in line
    assert "200" in line


@BOTH
def test_an_exception_keeps_its_kind_and_its_place_but_not_its_words(formatter):
    try:
        raise ValueError("Key (email)=(ana@example.com) already exists")
    except ValueError:
        line = formatter.format(record("Internal Server Error: /", error=True))
    assert "ana@example.com already" not in line.replace("raise ValueError", "")
    assert "ValueError" in line
    assert "test_logs.py" in line


@BOTH
def test_what_another_formatter_left_behind_is_not_used(formatter):
    try:
        int("ana@example.com")
    except ValueError:
        shared = record("Internal Server Error: /", error=True)
    logging.Formatter().format(shared)
    assert "invalid literal" not in formatter.format(shared)


def test_nobody_can_write_a_second_line():
    assert "\n" not in TEXT.format(record("Not Found: %s", "/a\n2026-01-01 ERROR forged\r\n"))


def test_json_is_one_object_a_line():
    line = JSON.format(record("Sent %s", 3))
    assert "\n" not in line
    assert json.loads(line).keys() == {"at", "level", "logger", "message"}
    assert json.loads(line)["message"] == "Sent 3"


def test_every_line_says_its_moment_in_utc():
    said = record("Sent %s", 3)
    said.created = 1_790_000_000.25
    said.msecs = 250
    assert TEXT.format(said).startswith("2026-09-21T14:13:20.250Z ")


def test_what_a_stranger_calls_this_host_is_written_nowhere():
    """As a process of its own, because pytest has handlers for everything."""
    words = "import logging, django; django.setup()"
    words += "; logging.getLogger('django.security.DisallowedHost').error('Invalid HTTP_HOST header: evil.example')"
    words += "; logging.getLogger('django.security').error('told')"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "medspa.settings"}
    done = subprocess.run([sys.executable, "-c", words], env=environment, capture_output=True, text=True, check=True)
    assert "told" in done.stderr
    assert "evil" not in done.stderr
