"""What deploy/server.py does on the machine: each step is said before it is done, and a dry run only says it."""

import os
import pwd
import shlex
import subprocess
from pathlib import Path

ENVIRONMENT = Path("/etc/medspa/clinic.env")


class CannotGoOn(Exception):
    """Why the work stops here, in one line. What was done stays, and may be done again."""


class Hands:
    """Does what it says, or only says it."""

    def __init__(self, *, dry: bool, has_nginx: bool = True) -> None:
        self.dry, self.has_nginx = dry, has_nginx

    def run(self, *command: str, user: str = "") -> None:
        """`user`: as whom, with the site's environment; else as root."""
        print("+", *([f"[as {user}]"] if user else []), shlex.join(command), flush=True)
        if not self.dry and subprocess.run(command, **(as_the_site(user) if user else {})).returncode:
            raise CannotGoOn(f"This failed: {shlex.join(command)}")

    def write(self, file: Path, text: str, mode: int = 0o644) -> None:
        print(f"+ write {file}", flush=True)
        if not self.dry:
            beside = file.with_name(f".{file.name}.new")
            beside.unlink(missing_ok=True)
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as out:
                os.fchmod(out.fileno(), mode)
                out.write(text)
            beside.replace(file)

    def point(self, link: Path, target: Path) -> None:
        print(f"+ {link} -> {target}", flush=True)
        if not self.dry:
            beside = link.with_name(f".{link.name}.new")
            beside.unlink(missing_ok=True)
            beside.symlink_to(target)
            beside.replace(link)


def as_the_site(user: str) -> dict:
    """How a program is started that may do no more than the site, and knows what the site knows."""
    told = {"PATH": "/usr/bin:/bin", "HOME": "/var/lib/medspa", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    person = pwd.getpwnam(user)
    who = {"user": user, "group": person.pw_gid, "extra_groups": [], "umask": 0o077}
    return {**who, "env": told | read_environment(ENVIRONMENT.read_text()), "cwd": "/"}


def read_environment(text: str) -> dict[str, str]:
    """Lines of NAME='value', as systemd reads them: nothing in a value is expanded."""
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            name, _equals, value = line.partition("=")
            found[name.strip()] = "".join(shlex.split(value))
    return found
