"""Builds .venv from the pinned requirements, when it is missing, half built or stale. Plain Python, nothing installed.

    python3 deploy/install.py [--dev]

The stamp inside .venv is written last: whatever is interrupted before that is built anew.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
FLOORS = ("medspa", "treatments", "appointments", "deploy")
NO_VENV = "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv."
NO_NETWORK = "The package index does not answer. Is this machine online?"
NO_BUILD = "A package has no ready build for this machine and could not be compiled."
REASONS = [  # what pip says, what a person can do; the first that is found in the log counts
    ("No space left on device", "The disk is full."),
    ("DO NOT MATCH THE HASHES", "A package is not the one that was pinned, so it was not installed."),
    ("No module named venv", NO_VENV),
    ("ensurepip", NO_VENV),
    ("NewConnectionError", NO_NETWORK),
    ("ConnectTimeout", NO_NETWORK),
    ("ReadTimeout", NO_NETWORK),
    ("ProxyError", "The proxy refuses to fetch packages. Check https_proxy."),
    ("Failed building wheel", NO_BUILD),
    ("subprocess-exited-with-error", NO_BUILD),
    ("No matching distribution", "A pinned package is not on the package index for this Python or machine."),
]


class CannotInstall(Exception):
    """Why there is no .venv, in one line."""


def main(wanted: list[str]) -> None:
    with open(PROJECT / "requirements.txt") as requirements:
        fcntl.flock(requirements, fcntl.LOCK_EX)  # two makes at once must not build over each other
        if all(_is_installed(name) for name in wanted):
            return _compile()
        log = _log_path()
        if not _is_installed(wanted[0]):
            _say("Building .venv ...")
            shutil.rmtree(VENV, ignore_errors=True)
            _run([_base_python(), "-m", "venv", str(VENV)], log, "w")
        for name in wanted:
            if not _is_installed(name):
                _install(name, log)
        return _compile()


def _compile() -> None:
    """Our own code too, as pip does with packages: whoever serves the site may not be allowed to write here."""
    python, floors = str(VENV / "bin" / "python"), [str(PROJECT / name) for name in FLOORS]
    subprocess.run([python, "-m", "compileall", "-q", *floors], check=False)  # without it all is the same, but slower


def _install(name: str, log: Path) -> None:
    _say(f"Installing packages from {name} (about a minute, once) ...")
    _stamp(name).unlink(missing_ok=True)
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "--retries", "2"]
    _run([*pip, "install", "--require-hashes", "-r", str(PROJECT / name)], log, "a")
    _stamp(name).write_text(_fingerprint(name))


def _is_installed(name: str) -> bool:
    try:
        return _stamp(name).read_text() == _fingerprint(name) and os.access(VENV / "bin" / "python", os.X_OK)
    except OSError:
        return False


def _stamp(name: str) -> Path:
    return VENV / f"installed-{name}"


def _fingerprint(name: str) -> str:
    return hashlib.sha256((PROJECT / name).read_bytes()).hexdigest()


def _base_python() -> str:
    """The Python behind .venv when this runs inside it: .venv is about to be removed."""
    return getattr(sys, "_base_executable", None) or sys.executable


def _log_path() -> Path:
    folder = Path(PROJECT, os.environ.get("VAR_DIR") or "var")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "install.log").touch(mode=0o600)
    except OSError as error:
        raise CannotInstall(f"The folder {folder} cannot be written: {error.strerror}.") from None
    return folder / "install.log"


def _run(command: list[str], log: Path, mode: str) -> None:
    with open(log, mode) as output:
        child = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, process_group=0
        )
    try:
        code = child.wait()
    except KeyboardInterrupt:
        os.killpg(child.pid, signal.SIGKILL)  # with what it has started; half a .venv is thrown away next time
        raise
    if code:
        said = log.read_text(errors="replace")
        reason = next((words for sign, words in REASONS if sign in said), "Installing failed.")
        raise CannotInstall(f"{reason} The log is {log}.")


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that pip goes when this goes
    try:
        main(["requirements.txt", "requirements-dev.txt"] if "--dev" in sys.argv[1:] else ["requirements.txt"])
    except CannotInstall as reason:
        sys.exit(str(reason))
    except KeyboardInterrupt:
        sys.exit("Stopped. The next make builds .venv anew.")
