"""The one file that a backup is: a tar of members, compressed, locked if there is a key, with what is in it at the end.

The last members are `manifest.json`, which names every other member with its length and SHA-256, and the manifest's own
SHA-256: a file that lacks them was cut short. Without a key, `tar xzf` opens it.
"""

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from medspa.backups.locked_box import LockingWriter, UnlockingReader, is_locked
from medspa.backups.refusal import DAMAGED, BackupRefused

FORMAT = 1
DATABASE, MEDIA, SPOOL = "database", "media", "spool"
MANIFEST, SEAL = "manifest.json", "manifest.sha256"
BUFFER = 1024 * 1024
LIGHTLY = 1  # gzip's level: more costs a small machine minutes and saves little, for what is sealed does not shrink

Destination = Callable[[str], BinaryIO | None]


@dataclass
class Manifest:
    """What is in a backup, and what it takes to bring it back."""

    site: str
    made_at: str
    vendor: str  # of the database: sqlite or postgresql
    server: str  # its version
    migrations: list[str]
    rows: dict[str, int]  # by table
    sealed: list[str]  # a few sealed texts, by which wrong DATA_KEYS are noticed
    members: list[tuple[str, int, str]] = field(default_factory=list)  # name, bytes, SHA-256
    format: int = FORMAT

    @classmethod
    def read(cls, text: bytes) -> "Manifest":
        facts = json.loads(text)
        if facts.get("format", 0) > FORMAT:
            raise BackupRefused("The backup was made by a newer version of this program. Update the program first.")
        facts["members"] = [tuple(member) for member in facts["members"]]
        return cls(**facts)


class ArchiveWriter:
    """Writes members one after another into `out`, then `finish`. As a context it is given up at an error."""

    def __init__(self, out: BinaryIO, key: str) -> None:
        self.sink = _Sink(out)
        self.box = LockingWriter(self.sink, key) if key else None
        inner = self.box or self.sink
        self.gzip = gzip.GzipFile(filename="", mode="wb", compresslevel=LIGHTLY, fileobj=inner, mtime=0)
        self.tar = tarfile.open(  # noqa: SIM115  (closed by `finish`; without it nothing is whole)
            fileobj=self.gzip, mode="w|", bufsize=BUFFER, format=tarfile.PAX_FORMAT
        )
        self.members: list[tuple[str, int, str]] = []

    def __enter__(self) -> "ArchiveWriter":
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        if kind:
            self.sink.is_given_up = True
            self.tar.close()  # what it still holds goes nowhere
            self.gzip.close()

    def add(self, name: str, source: BinaryIO, size: int) -> None:
        """`size` bytes of `source`. Raises OSError if there are fewer."""
        digest = _Digest(source)
        self.tar.addfile(_member(name, size), digest)
        self.members.append((name, size, digest.sha256.hexdigest()))

    def finish(self, manifest: Manifest) -> None:
        manifest.members = self.members
        text = json.dumps(asdict(manifest), indent=1).encode()
        seal = hashlib.sha256(text).hexdigest().encode()
        for name, words in ((MANIFEST, text), (SEAL, seal)):
            self.tar.addfile(_member(name, len(words)), io.BytesIO(words))
        self.tar.close()
        self.gzip.close()
        if self.box:
            self.box.finish()


def read_archive(file: Path, key: str, destination: Destination) -> Manifest:
    """Read all of it, compare it with its manifest, and put each member where `destination` says, None being nowhere.

    Raises BackupRefused at anything that is not as it was written. What was put somewhere until then is worth nothing.
    """
    try:
        with file.open("rb") as source:
            locked = is_locked(source)
            inner = io.BufferedReader(UnlockingReader(source, key), BUFFER) if locked else source
            return _read(inner, destination)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, KeyError, TypeError):
        raise BackupRefused(DAMAGED.format("it was cut short or changed since it was made")) from None


def _read(inner: BinaryIO, destination: Destination) -> Manifest:
    found: list[tuple[str, int, str]] = []
    ends: dict[str, bytes] = {}
    with (
        gzip.GzipFile(fileobj=inner, mode="rb") as plain,
        tarfile.open(fileobj=plain, mode="r|", bufsize=BUFFER) as tar,
    ):
        for member in tar:
            source = tar.extractfile(member) if member.isreg() else None
            if source is None:
                raise BackupRefused(DAMAGED.format("it holds something that is no file"))
            if member.name in {MANIFEST, SEAL}:
                ends[member.name] = source.read()
                continue
            _refuse_strange(member.name)
            found.append((member.name, member.size, _copy(source, destination(member.name))))
        while plain.read(BUFFER):  # to its end, where gzip's own sum is compared
            pass
    if set(ends) != {MANIFEST, SEAL} or hashlib.sha256(ends[MANIFEST]).hexdigest().encode() != ends[SEAL]:
        raise BackupRefused(DAMAGED.format("its list of contents is missing or changed"))
    manifest = Manifest.read(ends[MANIFEST])
    for said, is_there in zip(manifest.members, found, strict=False):
        if said != is_there:
            raise BackupRefused(DAMAGED.format(f"{is_there[0]} is not as it was written"))
    if len(manifest.members) != len(found):
        raise BackupRefused(DAMAGED.format("it does not hold what its list says"))
    return manifest


def _refuse_strange(name: str) -> None:
    """A member goes where we say, whoever wrote the archive."""
    first, *others = parts = PurePosixPath(name).parts
    is_ours = name == DATABASE or (first in {MEDIA, SPOOL} and others)
    if not is_ours or ".." in parts or name.startswith("/"):
        raise BackupRefused(DAMAGED.format("it holds a file that no backup has"))


def _copy(source: IO[bytes], out: BinaryIO | None) -> str:
    digest = hashlib.sha256()
    with out or nullcontext():
        while piece := source.read(BUFFER):
            digest.update(piece)
            if out:
                out.write(piece)
    return digest.hexdigest()


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


class _Sink(io.RawIOBase):
    """Where the archive goes; nowhere, once it is given up."""

    def __init__(self, out: BinaryIO) -> None:
        self.out, self.is_given_up = out, False

    def writable(self) -> bool:
        return True

    def write(self, words: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        return len(words) if self.is_given_up else self.out.write(words)


class _Digest:
    """Reads on, and keeps the SHA-256 of what was read."""

    def __init__(self, source: BinaryIO) -> None:
        self.source, self.sha256 = source, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        words = self.source.read(size)
        self.sha256.update(words)
        return words
