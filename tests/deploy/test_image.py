"""The Dockerfile's own lines, carried out in a bare Debian without Docker; and what compose.yaml says of the site.

The first takes minutes and a network, so that it runs where TEST_IMAGE=1 is set, by root, with debootstrap.
"""

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests.site import PROJECT

LINES = (PROJECT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((PROJECT / "compose.yaml").read_text())
IGNORED = (PROJECT / ".dockerignore").read_text().split()
KNOWN = {"FROM", "RUN", "COPY", "WORKDIR", "ENV", "USER", "HEALTHCHECK", "CMD"}
TRUSTED = "/etc/ssl/certs/ca-certificates.crt"  # of this machine, whose way to the package index may be its own


def instructions() -> list[tuple[str, str]]:
    words = re.sub(r"^#.*\n", "", LINES, flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in words.splitlines() if line.strip()]


def is_ignored(path: str) -> bool:
    parts = path.split("/")
    return any(fnmatch.fnmatch(part, rule.removeprefix("**/")) for rule in IGNORED for part in parts)


class Image:
    """A folder in which a Dockerfile's instructions have been carried out."""

    def __init__(self, root: Path):
        self.root, self.place, self.user, self.environment = (
            root,
            "/",
            "root",
            {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
        )
        self.command, self.health = [], []

    def carry_out(self, kind: str, words: str) -> None:
        assert kind in KNOWN, f"this test does not know {kind}"
        getattr(self, f"_{kind.lower()}")(words)

    def _from(self, words: str) -> None:
        release = {"debian:12-slim": "bookworm"}[words]
        subprocess.run(["debootstrap", "--variant=minbase", release, str(self.root)], check=True, capture_output=True)
        self.root.chmod(0o755)
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        (self.root / "trusted.pem").write_bytes(Path(TRUSTED).read_bytes())

    def _run(self, words: str) -> None:
        self.inside("sh", "-c", words, PIP_CERT="/trusted.pem")

    def _copy(self, words: str) -> None:
        source, target = words.split()
        into = self.root / self.place.strip("/") / target
        into.mkdir(parents=True, exist_ok=True)
        if source != ".":
            shutil.copy(PROJECT / source, into)
            return
        for file in PROJECT.rglob("*"):
            name = str(file.relative_to(PROJECT))
            if file.is_file() and not is_ignored(name):
                (into / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, into / name)

    def _workdir(self, words: str) -> None:
        self.place = words
        (self.root / words.strip("/")).mkdir(parents=True, exist_ok=True)

    def _env(self, words: str) -> None:
        self.environment |= dict(pair.split("=", 1) for pair in shlex.split(words))

    def _user(self, words: str) -> None:
        self.user = words

    def _healthcheck(self, words: str) -> None:
        self.health = json.loads(words.partition(" CMD ")[2])

    def _cmd(self, words: str) -> None:
        self.command = json.loads(words)

    def started(self, *command: str, **told: str) -> subprocess.Popen:
        """Once it is built nothing can be written but what the first lines of the Dockerfile name."""
        writable = "" if self.user == "root" else READ_ONLY
        script = writable.format(root=shlex.quote(str(self.root))) + CHROOT.format(root=shlex.quote(str(self.root)))
        return subprocess.Popen(
            ["unshare", "--mount", "sh", "-ec", script, "sh", self.user, self.place, *command],
            env=self.environment | told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def inside(self, *command: str, **told: str) -> str:
        running = self.started(*command, **told)
        words, _nothing = running.communicate(timeout=900)
        assert running.returncode == 0, words
        return words


READ_ONLY = """
mount --bind {root} {root}
for folder in var/lib/medspa var/cache/medspa run/medspa tmp; do mount --bind {root}/$folder {root}/$folder; done
mount -o remount,ro,bind {root}
"""
CHROOT = """
mount -t proc proc {root}/proc
user=$1 place=$2; shift 2
exec chroot --userspec="$user:$user" {root} sh -c 'cd "$1"; shift; exec "$@"' sh "$place" "$@"
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    if os.environ.get("TEST_IMAGE") != "1" or os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("it takes minutes, root and debootstrap; TEST_IMAGE=1 asks for it")
    built = Image(tmp_path_factory.mktemp("image"))
    for kind, words in instructions():
        built.carry_out(kind, words)
    return built


def test_the_images_steps_make_a_site_that_is_well_on_a_root_that_cannot_be_written(image):
    told = {
        "ALLOWED_HOSTS": "clinic.example",
        "SECRET_KEY": "thrown-away-after-this-test-0123456789-abcdefghijklmnop",
        "DATA_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    }
    image.inside(*COMPOSE["services"]["prepare"]["command"], **told)
    web = image.started(*image.command, **told)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and not (image.root / "run/medspa/web.sock").exists():
            time.sleep(0.2)
        assert '"status": "ok"' in image.inside(*image.health, **told)
        refused = image.started("touch", "/var/tmp/anything", **told)
        assert "Read-only file system" in refused.communicate()[0]
    finally:
        web.terminate()
        web.communicate(timeout=40)
    unheard = image.started(*image.health, **told)
    assert "Nobody answers" in unheard.communicate()[0]
    assert unheard.returncode == 1


def test_every_line_of_the_dockerfile_is_understood_and_nothing_private_is_copied():
    assert {kind for kind, _words in instructions()} == KNOWN
    for private in (".git/config", "var/clinic.sqlite3", ".venv/bin/python", "clinic.env", "medspa/__pycache__/x.pyc"):
        assert is_ignored(private)
    for needed in ("manage.py", "medspa/settings.py", "deploy/ask_health.py", "static/css/site.css"):
        assert not is_ignored(needed)


def test_compose_runs_the_image_with_nothing_to_gain_and_names_what_is_there():
    services, volumes = COMPOSE["services"], COMPOSE["volumes"]
    for name in ("prepare", "web", "sender"):
        assert services[name]["read_only"]
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
        assert "ports" not in services[name]
    for service in services.values():
        for mounted in service.get("volumes", []):
            source = mounted.partition(":")[0]
            assert source in volumes or (PROJECT / source).exists()
        assert set(service.get("depends_on", {})) <= set(services)
    assert "/var/cache/medspa" in (PROJECT / "deploy" / "Caddyfile").read_text()
