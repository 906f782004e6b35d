"""Puts the site on a Debian server behind nginx, brings it up to date, goes back, and brings a backup back.

    sudo python3 deploy/server.py install clinic.example [--dry-run]
    sudo python3 deploy/server.py upgrade [--dry-run]
    sudo python3 /opt/medspa/current/deploy/server.py back [--dry-run]
    sudo python3 /opt/medspa/current/deploy/server.py restore BACKUP [--dry-run]
    sudo medspa COMMAND ...       a command of manage.py, as the site's own user and with its environment

Each can be repeated. `install` and `upgrade` take the release from the folder that this file is in. docs/operations.md
tells the whole way.
"""

import argparse
import base64
import os
import pwd
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from ask_health import ask
from hands import ENVIRONMENT, CannotGoOn, Hands, as_the_site, read_environment

HERE = Path(__file__).resolve().parent.parent
HOME = Path("/opt/medspa")
RELEASES, CURRENT = HOME / "releases", HOME / "current"
TLS = Path("/etc/medspa/tls")
SOCKET = "/run/medspa/web.sock"
UNITS = Path("/etc/systemd/system")
SITES = Path("/etc/nginx")
COMMAND = Path("/usr/local/bin/medspa")
USER, MAY_KNOCK, WEB_SERVER = "medspa", "medspa-web", "www-data"
BACKUPS = Path("/var/backups/medspa")
FLOORS = ("medspa", "treatments", "appointments")
FIRST_LOGIN = "/var/lib/medspa/first-login.txt"
FOLDERS = {  # what each is for stands in docs/operations.md
    "/opt/medspa/releases": ("root", 0o755),
    "/etc/medspa/tls": ("root", 0o700),
    "/var/lib/medspa": (USER, 0o700),
    "/var/cache/medspa": (USER, 0o755),
    "/var/backups/medspa": (USER, 0o700),
    "/var/www/acme": ("root", 0o755),
}
TIMERS = ("medspa-backup.timer", "medspa-retention.timer")
STARTED = ("medspa-web.socket", "medspa-web.service", "medspa-sender.service", *TIMERS)
AT_NIGHT = tuple(timer.replace(".timer", ".service") for timer in TIMERS)
NEEDED = {"nginx": "nginx", "systemctl": "systemd", "openssl": "openssl", "runuser": "util-linux"}
KEPT_RELEASES = 3
RAN = "was-well"  # in a release that has served
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis", RAN)
PATIENCE_SECONDS = 60
HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")


def install(host: str, hands: Hands) -> None:
    host = host.lower()
    if not HOST.fullmatch(host):
        raise CannotGoOn(f"{host!r} is no name of a site. Try clinic.example.")
    insist_on_what_is_needed(has_nginx=hands.has_nginx)
    make_users_and_folders(hands)
    if ENVIRONMENT.exists():
        print(f"  {ENVIRONMENT} is there and stays as it is")
        hands.run("chmod", "0600", str(ENVIRONMENT))  # it may have been put back by hand
    else:
        hands.write(ENVIRONMENT, first_environment(host), 0o600)
    if not (TLS / "certificate.pem").exists():
        wanted = f"-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj /CN={host}"
        wanted += f" -addext subjectAltName=DNS:{host} -keyout {TLS}/key.pem -out {TLS}/certificate.pem"
        hands.run("openssl", "req", *wanted.split())
    arrive(hands, host)
    print(f"Keep a copy of {ENVIRONMENT} away from this server: without it no backup can be opened.")


def upgrade(hands: Hands) -> None:
    if not ENVIRONMENT.exists():
        raise CannotGoOn(f"There is no {ENVIRONMENT}. Install first: sudo python3 deploy/server.py install NAME")
    insist_on_what_is_needed(has_nginx=hands.has_nginx)
    arrive(hands, own_host())


def arrive(hands: Hands, host: str) -> None:
    """The release in this folder becomes the site. Until the link is moved the former one goes on."""
    release = RELEASES / time.strftime("%Y%m%d-%H%M%S")
    print(f"+ copy {HERE} to {release}", flush=True)
    if not hands.dry:
        shutil.copytree(HERE, release, ignore=LEFT_OUT, symlinks=True)
        release.chmod(0o755)
    hands.run("python3", f"{release}/deploy/install.py")
    hands.run("chmod", "--recursive", "go=u-w", str(release))
    hands.run(f"{release}/.venv/bin/python", "-m", "compileall", "-q", *(f"{release}/{floor}" for floor in FLOORS))
    prepare(hands, release, ["migrate", "--noinput"], ["open_clinic"])
    move_in(hands, host, release)
    forget_old_releases(hands, release)


def back(hands: Hands) -> None:
    """The release before the current one. The database stays as it is: it fits both."""
    older = [release for release in releases_that_ran() if release.name < CURRENT.resolve().name]
    if not older:
        raise CannotGoOn("There is no older release to go back to.")
    move_in(hands, own_host(), older[-1])
    print(f"The site is back at {older[-1].name}. To go forward again, upgrade.")


def restore(file: Path | None, hands: Hands) -> None:
    """A backup becomes the clinic, and what was there is put aside. One that cannot be brought back stops nothing."""
    insist_on_what_is_needed(has_nginx=False)
    if not CURRENT.exists():
        raise CannotGoOn("There is no site yet. Install first: sudo python3 deploy/server.py install NAME")
    if file is None or not file.is_file():
        asked = f"There is no backup {file}." if file else "Which backup?"
        raise CannotGoOn(f"{asked} Those of this server:\n{backups_here()}")
    backup = BACKUPS / file.name
    if not (backup.exists() and backup.samefile(file)):
        hands.run("cp", str(file), str(backup))
    hands.run("chown", f"{USER}:{USER}", str(backup))
    hands.run("chmod", "0600", str(backup))
    prepare(hands, CURRENT, ["restore", "--verify-only", str(backup)])
    hands.run("systemctl", "stop", *on_this_server(*reversed(STARTED), *AT_NIGHT))
    try:
        prepare(hands, CURRENT, ["restore", "--overwrite", str(backup)], ["migrate", "--noinput"])
        hands.run("rm", "--force", FIRST_LOGIN)  # of a clinic that is no more
    finally:
        hands.run("systemctl", "start", *on_this_server(*STARTED))
    prepare(hands, CURRENT, ["check_integrity"], ["export_pages", "/var/cache/medspa"])
    if not hands.dry:
        insist_on_health(own_host())


def backups_here() -> str:
    return "\n".join(sorted(str(file) for file in BACKUPS.glob("*.tar.gz*"))) or f"none in {BACKUPS}"


def releases_that_ran() -> list[Path]:
    """Those that were well once, the oldest first."""
    return sorted(mark.parent for mark in RELEASES.glob(f"*/{RAN}"))


def move_in(hands: Hands, host: str, release: Path) -> None:
    """Who asks meanwhile waits at the socket. nginx gets its pages once the new release can send what they name."""
    prepare(hands, release, ["collectstatic", "--noinput", "-v", "0"])
    hands.point(CURRENT, release)
    hands.write(COMMAND, f'#!/bin/sh\nexec python3 {CURRENT}/deploy/server.py manage "$@"\n', 0o755)
    start_units(hands, release)
    prepare(hands, release, ["export_pages", "/var/cache/medspa"])
    if hands.has_nginx:
        put_behind_nginx(hands, host, release)
    if not hands.dry:
        insist_on_health(host)
    hands.write(release / RAN, "")


def start_units(hands: Hands, release: Path) -> None:
    """Those that the release brings. What a newer one brought, and this one does not know, goes."""
    brought = {file.name: file for file in sorted((release if release.exists() else HERE).glob("deploy/systemd/*"))}
    if unknown := [unit for unit in on_this_server(*STARTED, *AT_NIGHT) if unit not in brought]:
        hands.run("systemctl", "disable", "--quiet", "--now", *unknown)
        hands.run("rm", *(str(UNITS / unit) for unit in unknown))
    for name, file in brought.items():
        hands.write(UNITS / name, file.read_text())
    hands.run("systemctl", "daemon-reload")
    started = [unit for unit in STARTED if unit in brought]
    hands.run("systemctl", "enable", "--quiet", *started)
    hands.run("systemctl", "start", *(unit for unit in started if not unit.endswith(".service")))
    hands.run("systemctl", "restart", "medspa-web.service", "medspa-sender.service")


def on_this_server(*units: str) -> list[str]:
    """Those that a release has brought here: an older one may not have known them all."""
    return [unit for unit in units if (UNITS / unit).exists()]


def put_behind_nginx(hands: Hands, host: str, release: Path) -> None:
    given = (release if release.exists() else HERE) / "deploy" / "nginx.conf"
    hands.write(SITES / "sites-available" / "medspa", given.read_text().replace("clinic.example", host))
    hands.point(SITES / "sites-enabled" / "medspa", SITES / "sites-available" / "medspa")
    if (SITES / "sites-enabled" / "default").is_symlink():
        hands.run("rm", str(SITES / "sites-enabled" / "default"))
    hands.run("nginx", "-t", "-q")
    hands.run("systemctl", "enable", "--quiet", "nginx")
    hands.run("systemctl", "reload-or-restart", "nginx")


def prepare(hands: Hands, release: Path, *commands: list[str]) -> None:
    for command in commands:
        hands.run(f"{release}/.venv/bin/python", f"{release}/manage.py", *command, user=USER)


def insist_on_health(host: str) -> None:
    """That the site answers with its database. Mail that is stuck, say, was so before and is no reason to go back."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        status, words = ask(SOCKET, host)
        if status == 200:
            print(f"The site is well: {words}")
            return
        time.sleep(1)
    if '"database": "ok"' in words:
        print(f"The site runs, and says: {words}")
        return
    raise CannotGoOn(
        f"The site is not well: {words} Look: sudo journalctl -u medspa-web -n 50\n"
        f"After an upgrade, go back: sudo python3 {CURRENT}/deploy/server.py back"
    )


def insist_on_what_is_needed(*, has_nginx: bool = True) -> None:
    if os.geteuid() != 0:
        raise CannotGoOn("This needs root. Put sudo before it.")
    wanted = {program: package for program, package in NEEDED.items() if has_nginx or program != "nginx"}
    missing = {package for program, package in wanted.items() if not shutil.which(program)}
    if subprocess.run(["python3", "-c", "import ensurepip, venv"], capture_output=True).returncode:
        missing.add("python3-venv")
    if missing:
        raise CannotGoOn(f"Something is missing. Run: apt-get install --yes {' '.join(sorted(missing))}")


def make_users_and_folders(hands: Hands) -> None:
    hands.run("groupadd", "--system", "--force", MAY_KNOCK)
    if not any(person.pw_name == USER for person in pwd.getpwall()):
        hands.run("useradd", "--system", "--user-group", "--home-dir", "/var/lib/medspa", "--no-create-home",
                  "--shell", "/usr/sbin/nologin", USER)  # fmt: skip
    if hands.has_nginx:
        hands.run("usermod", "--append", "--groups", MAY_KNOCK, WEB_SERVER)
    for folder, (owner, mode) in FOLDERS.items():
        hands.run("install", "--directory", f"--owner={owner}", f"--group={owner}", f"--mode={mode:o}", folder)
    hands.run("chmod", "0755", "/etc/medspa")


def first_environment(host: str) -> str:
    """The example, with the site's name and secrets of its own."""
    text = (HERE / "deploy" / "clinic.env.example").read_text().replace("clinic.example", host)
    text = text.replace("SECRET_KEY=''", f"SECRET_KEY='{secrets.token_urlsafe(64)}'")
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()  # a Fernet key
    text = text.replace("DATA_KEYS=''", f"DATA_KEYS='{key}'")
    text = text.replace("BACKUP_KEY=''", f"BACKUP_KEY='{secrets.token_urlsafe(32)}'")
    return text.replace("WEB_CONCURRENCY='2'", f"WEB_CONCURRENCY='{max(2, os.cpu_count() or 2)}'")


def own_host() -> str:
    return read_environment(ENVIRONMENT.read_text())["ALLOWED_HOSTS"].split(",")[0]


def forget_old_releases(hands: Hands, newest: Path) -> None:
    """The last ones that ran stay, to go back to; what was never well goes."""
    kept = {newest, *releases_that_ran()[-KEPT_RELEASES:]}
    for release in sorted(RELEASES.iterdir()) if RELEASES.exists() else []:
        if release not in kept:
            hands.run("rm", "--recursive", "--force", str(release))


def manage(command: list[str]) -> int:
    """manage.py as the site's user, with this terminal."""
    insist_on_what_is_needed(has_nginx=False)
    python = [f"{CURRENT}/.venv/bin/python", f"{CURRENT}/manage.py", *command]
    return subprocess.run(python, **as_the_site(USER)).returncode


def main(words: Iterable[str]) -> int:
    words = [*words]
    if words[:1] == ["manage"]:  # what follows is manage.py's own
        return manage(words[1:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, promise in (
        ("install", "put the site on this server under the name HOST"),
        ("upgrade", "put the release in this folder in place of the one that runs"),
        ("back", "run the release before the current one again"),
        ("restore", "stop the site, bring BACKUP back, and start it again; what was there is put aside"),
    ):
        one = verbs.add_parser(verb, help=promise, description=promise)
        one.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
        one.add_argument("--no-nginx", action="store_true", help="another web server stands before the site")
        if verb == "install":
            one.add_argument("host", metavar="HOST", help="the site's name, such as clinic.example")
        if verb == "restore":
            one.add_argument("backup", metavar="BACKUP", type=Path, nargs="?", help="the file, wherever it lies")
    asked = parser.parse_args(words)
    hands = Hands(dry=asked.dry_run, has_nginx=not asked.no_nginx)
    if asked.verb == "install":
        install(asked.host, hands)
    elif asked.verb == "restore":
        restore(asked.backup, hands)
    else:
        {"upgrade": upgrade, "back": back}[asked.verb](hands)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotGoOn as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        sys.exit("Stopped. What was done stays; the same command goes on from there.")
