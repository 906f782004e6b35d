"""The power goes while requests come in: what was acknowledged is on the disk, whatever else the disk kept.

    .venv/bin/python -m tests.faults.power_cuts [--requests 300] [--cuts 100] [--seed N]

A site on SQLite serves visitors under strace, which writes down, in order, each write to the database's files, each
fsync and each answer that a visitor was sent. From that record disks are made as they may look after a cut at a random
moment: what had been synced is there; of what had not, each write is there, is missing, or is torn, sector by sector.
Each disk is opened by SQLite, must be sound, and must hold every request that was acknowledged before the cut, with
both of its messages. As a control the same cuts fall on a disk that forgets its syncs: there requests must be missing,
or this program could not see a loss. Exit code 1 otherwise. Needs strace.
"""

import argparse
import random
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from tests.faults.visitors import Visitors
from tests.site import Site

VISITORS = 6
SECTOR = 512  # bytes that a disk writes whole or not at all
CALLS = "pwrite64,write,pwritev,pwritev2,fsync,fdatasync,ftruncate,unlink,sendto"
STRACE = ["strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", "9999999", "-e", f"trace={CALLS}", "-e", "signal=none"]


def main(*arguments: str) -> int:
    options = read_options(*arguments)
    if not shutil.which("strace"):
        print("strace is not installed, and without it no disk can be made.", file=sys.stderr)
        return 1
    seed = options.seed if options.seed is not None else random.randrange(10**6)
    with tempfile.TemporaryDirectory(prefix="power-cuts-") as name:
        record = served_under_strace(Path(name), options.requests)
        kept, forgot = (
            judged(record, Path(name), options.cuts, random.Random(seed), forgets_syncs=forgets)
            for forgets in (False, True)
        )
    acknowledged, writes = len(record.acknowledged), len(record.writes)
    print(f"{acknowledged} acknowledged; {writes} writes and {len(record.syncs)} syncs recorded (seed {seed})")
    print(f"{options.cuts} cuts: {kept}")
    print(f"the same cuts on a disk that forgets its syncs: {forgot}")
    sees_loss = forgot.lost or forgot.unsound
    return 1 if kept.lost or kept.unsound or kept.half or not sees_loss or acknowledged < options.requests else 0


def read_options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Cuts the power of a site under load, on disks made from a record.")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, help="the same random cuts again")
    return parser.parse_args(arguments)


@dataclass
class Write:
    """Bytes at a place of a file, or with `size` a new length. `end` is the line by which it was done."""

    file: str
    begin: int
    end: int = sys.maxsize
    offset: int = 0
    content: bytes = b""
    size: int | None = None
    synced_at: int = sys.maxsize  # the line by which it was on the disk


@dataclass
class Record:
    """What strace saw. A file that was removed and made again has another name here: `…-wal 2`."""

    before: dict[str, bytes]
    writes: list[Write] = field(default_factory=list)
    syncs: list[int] = field(default_factory=list)
    acknowledged: list[tuple[int, str]] = field(default_factory=list)
    removed: dict[str, int] = field(default_factory=dict)
    lines: int = 0


def served_under_strace(folder: Path, requests: int) -> Record:
    site, log = Site(folder), folder / "strace.txt"
    database = folder / "var" / "clinic.sqlite3"
    before = {database.name: database.read_bytes()}
    try:
        site.start_web(*STRACE, "-o", str(log))
        site.wait_until_open()
        with Visitors(site, VISITORS) as visitors:
            visitors.wait_for(requests, seconds=300)
        site.stop()
    finally:
        site.remove()
    return read_record(log, database, before)


def read_record(log: Path, database: Path, before: dict[str, bytes]) -> Record:
    record = Record(before)
    reader = Reader(record, database)
    with log.open() as lines:
        for record.lines, line in enumerate(lines, start=1):
            reader.read(record.lines, line)
    return record


LINE = re.compile(r"(\d+)\s+(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)")
DONE = re.compile(r"\)\s+= (-?\d+)")
OPEN_FILE = re.compile(r"\d+<((?:\\x[0-9a-f]{2})*)>")
QUOTED = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
LOCATION = re.compile(rb"HTTP/1\.1 303 .*?\r\nLocation: \S*/my-request/([^/\s]+)/", re.DOTALL | re.IGNORECASE)


class Reader:
    """Understands strace's lines: a call on one, or begun on one and resumed on another."""

    def __init__(self, record: Record, database: Path):
        self.record, self.database = record, database
        self.begun: dict[str, tuple[str, int, Write | None]] = {}
        self.generation: dict[str, int] = {}

    def read(self, number: int, line: str) -> None:
        found = LINE.match(line)
        if not found:
            return
        process, resumed, name, rest = found.groups()
        if name:
            self.begun[process] = name, number, self._begin(name, number, rest)
        if done := DONE.search(rest[-80:]):
            began, at, write = self.begun.pop(process, (resumed, 0, None))
            if int(done[1]) >= 0 and write:
                self._end(began, at, write, number)

    def _begin(self, name: str, number: int, rest: str) -> Write | None:
        if name == "sendto":
            if (text := QUOTED.search(rest)) and (sent := LOCATION.search(_bytes(text[1]))):
                self.record.acknowledged.append((number, sent[1].decode()))
            return None
        path = QUOTED.match(rest) if name == "unlink" else OPEN_FILE.match(rest)
        file = self._ours(Path(_bytes(path[1]).decode("utf-8", "replace"))) if path else ""
        if not file:
            return None
        write = Write(file, number)
        if name == "pwrite64":
            content, _length, offset = rest.partition(", ")[2].split(", ")[:3]
            write.content, write.offset = _bytes(content.strip('"')), int(re.match(r"\d+", offset)[0])
            self.record.writes.append(write)
        elif name == "ftruncate":
            write.size = int(re.search(r", (\d+)", rest)[1])
            self.record.writes.append(write)
        elif name not in ("fsync", "fdatasync", "unlink"):
            raise ValueError(f"SQLite writes by {name}, which is not understood here")
        return write

    def _end(self, name: str, began: int, write: Write, number: int) -> None:
        write.end = number
        if name == "unlink":
            self.record.removed[write.file] = number
            plain = write.file.partition(" ")[0]
            self.generation[plain] = self.generation.get(plain, 0) + 1
        elif name in ("fsync", "fdatasync"):
            self.record.syncs.append(number)
            for other in self.record.writes:
                if other.file == write.file and other.end < began:
                    other.synced_at = min(other.synced_at, number)

    def _ours(self, path: Path) -> str:
        """The file's name for us; "" for what is no part of the database. -shm is memory, and is made anew."""
        if path.parent != self.database.parent or path.name not in (self.database.name, f"{self.database.name}-wal"):
            return ""
        return f"{path.name} {self.generation[path.name]}" if path.name in self.generation else path.name


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


@dataclass
class Verdict:
    cuts: int = 0
    lost: int = 0
    unsound: int = 0
    half: int = 0
    spoilt: int = 0

    def __str__(self) -> str:
        return (
            f"{self.lost} acknowledged requests missing, {self.unsound} databases unsound, {self.half} requests "
            f"half there; {self.spoilt} writes were torn or missing"
        )


def judged(record: Record, folder: Path, cuts: int, chance: random.Random, *, forgets_syncs: bool) -> Verdict:
    verdict, disk = Verdict(), folder / "disk"
    for _ in range(cuts):
        cut = a_moment(record, chance)
        shutil.rmtree(disk, ignore_errors=True)
        disk.mkdir()
        for name, content in after(record, cut, chance, verdict, forgets_syncs=forgets_syncs):
            (disk / name).write_bytes(content)
        acknowledged = {sha256(token.encode()).hexdigest() for at, token in record.acknowledged if at < cut}
        examine(disk / "clinic.sqlite3", acknowledged, verdict)
    return verdict


def a_moment(record: Record, chance: random.Random) -> int:
    """Half of them right after an answer had begun to go out: nothing later helps then."""
    if chance.random() < 0.5:
        return chance.choice(record.acknowledged)[0] + 1
    return chance.randint(min(write.begin for write in record.writes), record.lines)


def after(
    record: Record, cut: int, chance: random.Random, verdict: Verdict, *, forgets_syncs: bool
) -> Iterator[tuple[str, bytes]]:
    """The files as they lie on the disk after a cut at that line of the record."""
    last_sync = 0 if forgets_syncs else max((line for line in record.syncs if line < cut), default=0)
    files = {name: bytearray(content) for name, content in record.before.items()}
    fates = chance.choice((["missing"], ["whole"], ["whole", "missing", "torn"]))  # of what was not synced
    for write in record.writes:
        if write.begin >= cut:
            break
        is_kept = write.synced_at < cut and not forgets_syncs
        fate = "whole" if is_kept else chance.choice(fates)
        verdict.spoilt += fate != "whole"
        apply(write, files.setdefault(write.file, bytearray()), fate, chance)
    for name, line in record.removed.items():
        if line < last_sync or (line < cut and chance.random() < 0.5):
            files.pop(name, None)
    newest: dict[str, tuple[int, bytes]] = {}
    for name, content in files.items():
        plain, _space, generation = name.partition(" ")
        newest[plain] = max(newest.get(plain, (-1, b"")), (int(generation or 0), bytes(content)))
    yield from ((name, content) for name, (_generation, content) in newest.items())


def apply(write: Write, file: bytearray, fate: str, chance: random.Random) -> None:
    if fate == "missing":
        return
    if write.size is not None:
        del file[write.size :]
        file.extend(bytes(write.size - len(file)))
        return
    file.extend(bytes(max(0, write.offset - len(file))))
    for start in range(0, len(write.content), SECTOR):
        if fate == "whole" or chance.random() < 0.5:
            sector = write.content[start : start + SECTOR]
            at = write.offset + start
            file.extend(bytes(max(0, at - len(file))))
            file[at : at + len(sector)] = sector


HALF = """
SELECT count(*) FROM appointments_appointmentrequest AS request WHERE 2 != (
    SELECT count(*) FROM appointments_message AS message WHERE message.appointment_request_id = request.id)
"""


def examine(database: Path, acknowledged: set[str], verdict: Verdict) -> None:
    """Open it as the site would after the power is back: SQLite takes what is whole from the log by itself."""
    verdict.cuts += 1
    try:
        with closing(sqlite3.connect(database)) as connection:
            sound = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            sound = sound and not connection.execute("PRAGMA foreign_key_check").fetchall()
            rows = connection.execute("SELECT private_token_hash FROM appointments_appointmentrequest").fetchall()
            verdict.half += connection.execute(HALF).fetchone()[0]
    except sqlite3.DatabaseError:
        verdict.unsound += 1
        return
    verdict.unsound += not sound
    verdict.lost += len(acknowledged - {stored for (stored,) in rows})


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidy up as after Ctrl-C
    sys.exit(main(*sys.argv[1:]))
