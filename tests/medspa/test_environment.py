"""Whatever the environment says, the site either means it or refuses it in one line that betrays nothing."""

import os
import stat
import subprocess
import sys
import threading

import pytest
from cryptography.fernet import Fernet

from medspa import environment
from medspa.environment import (
    POSTGRES_PATIENCE,
    Environment,
    EnvironmentRefused,
    own_secret,
    read_database,
    read_mail,
    read_site_url,
)
from tests.house.blueprint import PROJECT

GOOD_SECRET = "$" + "0123456789abcdef" * 4
CLINIC = {"ALLOWED_HOSTS": "clinic.example", "SECRET_KEY": GOOD_SECRET, "DATA_KEYS": Fernet.generate_key().decode()}


def refusal(function, *given, **options) -> str:
    with pytest.raises(EnvironmentRefused) as caught:
        function(*given, **options)
    words = str(caught.value)
    assert "\n" not in words
    assert "s3cr" not in words
    return words


class TestTypedValues:
    def test_empty_counts_as_not_set(self):
        env = Environment({"DEBUG": "", "PORT": " ", "DESK_EMAIL": ""})
        assert (env.flag("DEBUG", True), env.number("PORT", 8000), env.text("DESK_EMAIL", "a@b")) == (True, 8000, "a@b")

    @pytest.mark.parametrize(("word", "meant"), [("1", True), ("Yes", True), ("0", False), ("off", False)])
    def test_a_flag_is_yes_or_no(self, word, meant):
        assert Environment({"DEBUG": word}).flag("DEBUG", not meant) is meant

    @pytest.mark.parametrize("word", ["ture", "2", "nope"])
    def test_a_misspelt_flag_is_refused_not_taken_for_no(self, word):
        assert "DEBUG" in refusal(Environment({"DEBUG": word}).flag, "DEBUG", False)

    @pytest.mark.parametrize("word", ["many", "-1", "1.5", "²", "0"])
    def test_a_number_that_is_none_or_too_small_is_refused(self, word):
        assert "SECONDS" in refusal(Environment({"SECONDS": word}).number, "SECONDS", 900, at_least=1)

    def test_blanks_around_the_names_of_a_list_do_not_count(self):
        assert Environment({"HOSTS": " a.example, b.example ,"}).names("HOSTS", []) == ["a.example", "b.example"]

    def test_a_choice_that_is_none_is_refused_with_the_choices(self):
        assert "text or json" in refusal(Environment({"LOG_FORMAT": "xml"}).one_of, "LOG_FORMAT", ["text", "json"])

    @pytest.mark.parametrize(
        "word", ["short-s3cr", "s3cr" * 10, "a s3cr3t of many different words", "s3crété-très-longue-abcdef"]
    )
    def test_a_token_that_could_be_guessed_is_refused(self, word):
        assert "METRICS_TOKEN is too weak" in refusal(Environment({"METRICS_TOKEN": word}).token, "METRICS_TOKEN")

    def test_without_a_token_there_is_none(self):
        assert Environment({}).token("METRICS_TOKEN") == ""
        assert Environment({"METRICS_TOKEN": f" {GOOD_SECRET} "}).token("METRICS_TOKEN") == GOOD_SECRET


class TestFolders:
    def test_a_folder_is_made_for_its_owner_alone(self, tmp_path):
        folder = Environment({"VAR_DIR": str(tmp_path / "new" / "var")}).folder("VAR_DIR", "var")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_a_folder_that_cannot_be_made_is_refused(self, tmp_path):
        (tmp_path / "file").write_text("")
        assert "VAR_DIR" in refusal(environment.private_folder, tmp_path / "file" / "var")

    @pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
    def test_a_folder_that_cannot_be_written_is_refused(self, tmp_path):
        tmp_path.chmod(0o500)
        assert "VAR_DIR" in refusal(environment.private_folder, tmp_path)


class TestSecrets:
    def test_a_secret_of_our_own_is_made_once_and_kept_for_its_owner_alone(self, tmp_path):
        made = own_secret("SECRET_KEY", "", tmp_path, may_make=True)
        assert own_secret("SECRET_KEY", "", tmp_path, may_make=True) == made
        assert stat.S_IMODE((tmp_path / "secret_key.txt").stat().st_mode) == 0o600
        assert [file.name for file in tmp_path.iterdir()] == ["secret_key.txt"]

    def test_programs_that_start_together_go_on_with_one_secret(self, tmp_path):
        found = []
        threads = [
            threading.Thread(target=lambda: found.append(own_secret("DATA_KEYS", "", tmp_path, may_make=True)))
            for _each in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 8
        assert len(set(found)) == 1

    def test_a_site_for_other_machines_does_not_make_its_own(self, tmp_path):
        assert "SECRET_KEY is not set" in refusal(own_secret, "SECRET_KEY", "", tmp_path, may_make=False)

    @pytest.mark.parametrize("weak", ["short", "x" * 64, "django-insecure-" + "0123456789" * 5])
    def test_a_weak_secret_is_refused(self, tmp_path, weak):
        assert "too weak" in refusal(own_secret, "SECRET_KEY", weak, tmp_path, may_make=True)

    def test_a_secret_may_begin_with_a_dollar_sign(self, tmp_path):
        assert own_secret("SECRET_KEY", GOOD_SECRET, tmp_path, may_make=False) == GOOD_SECRET

    def test_data_keys_that_are_none_are_refused(self, tmp_path):
        assert "Fernet" in refusal(
            own_secret, "DATA_KEYS", f"{Fernet.generate_key().decode()},s3cr", tmp_path, may_make=True
        )

    @pytest.mark.parametrize("left", ["", "half-a-ke"])
    def test_a_damaged_key_file_is_told_and_never_replaced(self, tmp_path, left):
        kept = tmp_path / "data_keys.txt"
        kept.write_text(left)
        assert "backup" in refusal(own_secret, "DATA_KEYS", "", tmp_path, may_make=True)
        assert kept.read_text() == left


class TestTheSitesAddress:
    @pytest.mark.parametrize(
        ("given", "hosts", "is_local", "address"),
        [
            ("", ["localhost"], True, "http://127.0.0.1:8001"),
            ("", ["clinic.example"], False, "https://clinic.example"),
            ("https://clinic.example/", ["clinic.example"], False, "https://clinic.example"),
            ("http://10.0.0.5:8080", ["10.0.0.5"], False, "http://10.0.0.5:8080"),
        ],
    )
    def test_it_is_said_or_follows_from_the_hosts(self, given, hosts, is_local, address):
        assert read_site_url(given, hosts, is_local=is_local, port=8001) == address

    @pytest.mark.parametrize(
        "given", ["clinic.example", "ftp://a", "https://", "https://a/path", "https://a:x", "https://[a"]
    )
    def test_what_is_no_address_is_refused(self, given):
        assert "SITE_URL" in refusal(read_site_url, given, ["a"], is_local=False, port=8000)

    @pytest.mark.parametrize("host", ["*", ".clinic.example"])
    def test_it_must_be_said_when_the_hosts_are_many(self, host):
        assert "SITE_URL" in refusal(read_site_url, "", [host], is_local=False, port=8000)


class TestTheDatabase:
    def test_it_is_a_file_in_var_when_nothing_is_said(self, tmp_path):
        database = read_database("", tmp_path)
        assert database["NAME"] == str(tmp_path / "clinic.sqlite3")
        assert "synchronous=FULL" in database["OPTIONS"]["init_command"]

    def test_a_sqlite_file_is_taken_by_its_absolute_path(self, tmp_path):
        assert read_database(f"sqlite:///{tmp_path}/a%20b.sqlite3", tmp_path)["NAME"] == f"{tmp_path}/a b.sqlite3"

    def test_a_relative_path_is_meant_from_the_projects_root(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert read_database("sqlite:///clinic.db", tmp_path)["NAME"] == str(PROJECT / "clinic.db")

    def test_postgres_is_read_part_by_part(self, tmp_path):
        database = read_database("postgres://us%40er:p%23w%2F@db.example:5433/clinic?sslmode=require", tmp_path)
        wanted = {"USER": "us@er", "PASSWORD": "p#w/", "HOST": "db.example", "PORT": "5433", "NAME": "clinic"}
        assert {name: database[name] for name in wanted} == wanted
        assert database["ENGINE"] == "django.db.backends.postgresql"
        assert database["OPTIONS"] == {**POSTGRES_PATIENCE, "sslmode": "require"}

    @pytest.mark.parametrize(
        ("url", "host"),
        [
            ("postgres:///clinic", ""),
            ("postgres://u@%2Fvar%2FRun/clinic", "/var/Run"),
            ("postgresql://u:p@[::1]:5432/clinic", "::1"),
            ("postgres://u:p@host:/clinic", "host"),
        ],
    )
    def test_a_host_may_be_a_name_an_address_or_a_sockets_folder(self, tmp_path, url, host):
        assert read_database(url, tmp_path)["HOST"] == host

    @pytest.mark.parametrize(
        "url",
        [
            "s3cret",
            "mysql://u:s3cret@host/db",
            "postgres://",
            "postgres://u:s3cret@host",
            "postgres://u:s3cret@host/",
            "postgres://u:s3cret@host/a/b",
            "postgres://u:s3cr#et@host/db",
            "postgres://u:s3cr/et@host/db",
            "postgres://u:1?s3cret@host/db",
            "postgres://u:s3cret@host:port/db",
            "postgres://u:s3cret@host:99999/db",
            "postgres://u:s3cret@[::1/db",
            "postgres://u:s3cret@host/db?pool=yes",
            "sqlite://",
            "sqlite:///",
            "sqlite://:memory:",
            "sqlite:///:memory:",
            "sqlite://clinic.sqlite3",
        ],
    )
    def test_a_url_that_cannot_be_meant_is_refused(self, tmp_path, url):
        assert "DATABASE_URL" in refusal(read_database, url, tmp_path)

    def test_a_folder_a_missing_folder_and_another_kind_of_file_are_refused(self, tmp_path):
        (tmp_path / "letter.txt").write_text("Dear clinic, here is something that is no database.")
        assert "is a folder" in refusal(read_database, f"sqlite:///{tmp_path}", tmp_path)
        assert "no folder" in refusal(read_database, f"sqlite:///{tmp_path}/missing/a.db", tmp_path)
        assert "no SQLite database" in refusal(read_database, f"sqlite:///{tmp_path}/letter.txt", tmp_path)
        assert (tmp_path / "letter.txt").read_text().startswith("Dear clinic")


class TestMail:
    def test_it_goes_to_files_when_nothing_is_said(self, tmp_path):
        mail = read_mail("", tmp_path)
        assert mail["EMAIL_BACKEND"].endswith("filebased.EmailBackend")
        assert mail["EMAIL_FILE_PATH"] == str(tmp_path / "mail")

    @pytest.mark.parametrize(
        ("url", "port", "tls", "ssl"),
        [
            ("smtp://host", 25, False, False),
            ("smtp://host:1025", 1025, False, False),
            ("smtp+tls://host", 587, True, False),
            ("smtp+ssl://host", 465, False, True),
        ],
    )
    def test_it_goes_to_a_server_in_the_way_that_is_said(self, tmp_path, url, port, tls, ssl):
        mail = read_mail(url, tmp_path)
        assert (mail["EMAIL_HOST"], mail["EMAIL_PORT"]) == ("host", port)
        assert (mail["EMAIL_USE_TLS"], mail["EMAIL_USE_SSL"]) == (tls, ssl)
        assert mail["EMAIL_TIMEOUT"] > 0

    def test_a_user_may_be_an_address(self, tmp_path):
        mail = read_mail("smtp+tls://desk%40clinic.example:p%40ss@host", tmp_path)
        assert (mail["EMAIL_HOST_USER"], mail["EMAIL_HOST_PASSWORD"]) == ("desk@clinic.example", "p@ss")

    @pytest.mark.parametrize(
        "url", ["host", "smtp://", "smtps://u:s3cret@host", "smtp://u:s3cr#et@host", "smtp://host:s3cr", "http://host"]
    )
    def test_what_cannot_be_meant_is_refused_and_mail_is_not_lost(self, tmp_path, url):
        assert "EMAIL_URL" in refusal(read_mail, url, tmp_path)


class TestAWholeStart:
    """manage.py in a process of its own, as a person would start it."""

    def start(self, tmp_path, *words, **given):
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=PROJECT,
            env={"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), **given},
            capture_output=True,
            text=True,
            timeout=60,
        )

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("ALLOWED_HOSTS", "clinic.example"),
            ("SECRET_KEY", "s3cret"),
            ("DATABASE_URL", "postgres://u:s3cret@127.0.0.1:1/db"),
            ("DATABASE_URL", "postgres://u:s3cret@nowhere.invalid/db"),
            ("TIME_ZONE", "Mars/Olympus"),
            ("VAR_DIR", "/dev/null/var"),
        ],
    )
    def test_nonsense_is_one_line_and_no_traceback(self, tmp_path, name, value):
        told = self.start(tmp_path, "migrate", **{name: value})
        assert told.returncode == 1
        assert told.stdout == ""
        assert len(told.stderr.splitlines()) == 1
        assert "s3cret" not in told.stderr

    def test_a_broken_database_file_is_one_line(self, tmp_path):
        (tmp_path / "clinic.sqlite3").write_bytes(environment.SQLITE_HEADER + b"and then nothing that makes sense" * 99)
        told = self.start(tmp_path, "migrate")
        assert told.returncode == 1
        assert len(told.stderr.splitlines()) == 1

    def test_traceback_shows_where(self, tmp_path):
        told = self.start(tmp_path, "migrate", "--traceback", DATABASE_URL="postgres://u@127.0.0.1:1/db")
        assert "Traceback" in told.stderr

    def test_djangos_deployment_checks_have_no_complaint(self, tmp_path):
        told = self.start(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **CLINIC)
        assert told.returncode == 0, told.stderr
