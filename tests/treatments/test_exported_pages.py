"""Pages as files."""

import gzip
import os
from datetime import timedelta
from io import StringIO

import brotli
import pytest
from django.core.management import CommandError, call_command
from django.core.wsgi import get_wsgi_application
from django.utils import timezone

from appointments.management.commands import send_messages
from tests import factories
from treatments import exported_pages
from treatments.models import ContentVersion, Treatment

PAGE = "pages/treatments/microneedling/index.html"


@pytest.fixture(autouse=True)
def connection_stays(monkeypatch):
    """Between requests Django closes connections that are not to be kept, such as the tests' one."""
    monkeypatch.setattr("django.core.signals.request_started.receivers", [])
    monkeypatch.setattr("django.core.signals.request_finished.receivers", [])


@pytest.fixture
def treatment(clinic):
    return factories.treatment(slug="microneedling", name="Microneedling")


def export(folder):
    words = StringIO()
    call_command("export_pages", str(folder), stdout=words)
    return words.getvalue()


def test_every_finished_page_lies_there_in_each_encoding(treatment, client, tmp_path):
    words = export(tmp_path)
    found = sorted(str(file.relative_to(tmp_path / "pages").parent) for file in tmp_path.rglob("index.html"))
    standing = {"", "treatments", "treatments/microneedling", "privacy", "accessibility"}
    spanish = {f"es/{path}".strip("/") for path in standing - {"treatments/microneedling"}}
    assert set(found) == {path or "." for path in standing | spanish}
    assert words.startswith(f"{len(found)} pages in {tmp_path}, 0 removed, true until 20")
    for file in tmp_path.rglob("index.html"):
        page = file.read_bytes()
        assert gzip.decompress(file.with_name("index.html.gz").read_bytes()) == page
        assert brotli.decompress(file.with_name("index.html.br").read_bytes()) == page
        assert client.get(f"/{file.parent.relative_to(tmp_path / 'pages')}/".replace("/./", "/")).content == page


def test_the_web_servers_own_user_can_read_them(treatment, tmp_path):
    former = os.umask(0o077)  # as the site runs
    try:
        export(tmp_path / "below" / "here")
    finally:
        os.umask(former)
    made = list(tmp_path.rglob("*"))
    assert {one.stat().st_mode & 0o777 for one in made if one.is_dir()} == {0o755}
    assert {one.stat().st_mode & 0o777 for one in made if one.is_file()} == {0o644}


def test_no_page_of_a_person_or_a_form_is_among_them(treatment, tmp_path):
    factories.appointment_request(full_name="Canary Person")
    export(tmp_path)
    assert not list(tmp_path.rglob("*request*"))
    assert not [file for file in tmp_path.rglob("index.html") if "Canary" in file.read_text()]


def test_the_headers_are_there_for_nginx(treatment, tmp_path):
    export(tmp_path)
    words = (tmp_path / "headers.conf").read_text()
    for name in (
        "Content-Security-Policy",
        "Cross-Origin-Opener-Policy",
        "Vary",
        "Cache-Control",
        "Permissions-Policy",
    ):
        assert f"add_header {name} " in words
    assert "ETag" not in words
    assert "Content-Length" not in words


def test_what_the_web_server_says_by_itself_has_the_telephone_number(treatment, clinic, tmp_path):
    export(tmp_path)
    for name in exported_pages.TROUBLE:
        english, spanish = ((tmp_path / f"trouble/{name}.{language}.html").read_text() for language in ("en", "es"))
        assert clinic.telephone in english
        assert clinic.telephone in spanish
        assert '<html lang="en">' in english
        assert '<html lang="es">' in spanish
        assert english != spanish
    assert "what you typed is still there" in (tmp_path / "trouble/away.en.html").read_text()
    assert "sigue ahí" in (tmp_path / "trouble/away.es.html").read_text()


def test_a_page_that_is_gone_loses_its_files_and_nothing_else_changes(treatment, tmp_path):
    export(tmp_path)
    privacy = tmp_path / "pages/privacy/index.html"
    os.utime(privacy, (1, 1))
    treatment.delete()
    assert "1 removed" in export(tmp_path)
    assert not (tmp_path / PAGE).parent.exists()
    assert privacy.stat().st_mtime == 1


def test_nothing_is_removed_when_a_page_cannot_be_made(treatment, tmp_path):
    export(tmp_path)
    Treatment.objects.update(summary="New")

    def broken(environ, start_response):
        start_response("500 Internal Server Error", [("Content-Type", "text/html")])
        return [b"no"]

    with pytest.raises(exported_pages.PageNotFinished, match="/ answered 500"):
        exported_pages.export(broken, tmp_path)
    assert "New" not in (tmp_path / PAGE).read_text()


def test_a_folder_that_cannot_be_written_is_said(treatment, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CommandError, match="The pages were not exported"):
        export(tmp_path / "file")


def test_the_sender_writes_them_anew_when_content_changes_and_when_the_clock_says_so(treatment, tmp_path, settings):
    assert send_messages.keep_pages_fresh(None) is None
    assert not any(tmp_path.iterdir())
    settings.PAGES_DIR = str(tmp_path)
    first = send_messages.keep_pages_fresh(None)
    assert send_messages.keep_pages_fresh(first) is first
    Treatment.objects.filter(pk=treatment.pk).update(summary="Changed by a program")
    second = send_messages.keep_pages_fresh(first)
    assert second is not first
    assert "Changed by a program" in (tmp_path / PAGE).read_text()
    assert exported_pages.is_fresh(second, timezone.now())
    assert not exported_pages.is_fresh(second, second.until + timedelta(seconds=1))


def test_trouble_with_the_pages_keeps_no_mail_back(treatment, tmp_path, settings):
    (tmp_path / "file").write_text("in the way")
    settings.PAGES_DIR = str(tmp_path / "file")
    assert send_messages.keep_pages_fresh(None) is None


def test_a_scheduled_page_is_written_when_its_time_comes(treatment, tmp_path):
    coming = timezone.now() + timedelta(minutes=1)
    Treatment.objects.filter(pk=treatment.pk).update(publish_at=coming)
    done = exported_pages.export(get_wsgi_application(), tmp_path)
    assert done.until == coming
    assert ContentVersion.objects.standing(coming).until is None
