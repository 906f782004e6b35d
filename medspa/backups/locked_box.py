"""A stream of bytes locked with a passphrase, in pieces, each in its place.

The key follows from the passphrase and a random salt (scrypt), so that each file has its own. Each piece is sealed with
AES-256-GCM under its number and under whether it is the last: pieces that are changed, cut off, repeated or put in
another order do not open.
"""

import io
import os
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from medspa.backups.refusal import DAMAGED, BackupRefused

MARK = b"medspa-locked-1\n"
SALT, CHECK, TAG = 16, 16, 16  # bytes
PIECE = 1024 * 1024
SHORTEST_KEY = 20  # characters


def read_key(given: str) -> str:
    """The passphrase that BACKUP_KEY says or, as file:/path, points to. Empty: none."""
    key = given
    if given.startswith("file:"):
        try:
            key = Path(given.removeprefix("file:")).read_text().strip()
        except (OSError, ValueError) as error:
            raise BackupRefused(f"The file that BACKUP_KEY names cannot be read: {type(error).__name__}.") from None
    if (key or given) and len(key) < SHORTEST_KEY:
        raise BackupRefused(f"BACKUP_KEY is too weak. Use {SHORTEST_KEY} random characters or more.")
    return key


class LockingWriter(io.RawIOBase):
    """Takes bytes and writes them to `out`, locked. Whole only once `finish` was called."""

    def __init__(self, out: BinaryIO | io.RawIOBase, key: str) -> None:
        self.out, self.waiting, self.number = out, bytearray(), 0
        salt = os.urandom(SALT)
        self.cipher, check = _cipher(key, salt)
        self.header = MARK + salt + check
        out.write(self.header)

    def writable(self) -> bool:
        return True

    def write(self, words: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self.waiting += words
        while len(self.waiting) > PIECE:  # the last piece waits for `finish`, which alone knows that it is the last
            self._put(bytes(self.waiting[:PIECE]), is_last=False)
            del self.waiting[:PIECE]
        return len(words)

    def finish(self) -> None:
        self._put(bytes(self.waiting), is_last=True)
        self.waiting.clear()

    def _put(self, piece: bytes, *, is_last: bool) -> None:
        self.out.write(self.cipher.encrypt(_nonce(self.number, is_last), piece, self.header))
        self.number += 1


class UnlockingReader(io.RawIOBase):
    """Reads what LockingWriter wrote. Raises BackupRefused where it is not as it was written, or the key is wrong."""

    def __init__(self, source: BinaryIO, key: str) -> None:
        self.source, self.number, self.open = source, 0, b""
        self.header = source.read(len(MARK) + SALT + CHECK)
        if not key:
            raise BackupRefused("The backup is locked. Set BACKUP_KEY to the words it was made with.")
        self.cipher, check = _cipher(key, self.header[len(MARK) : len(MARK) + SALT])
        if check != self.header[-CHECK:]:
            raise BackupRefused("BACKUP_KEY is not the one that this backup was made with.")
        self.next_piece: bytes | None = source.read(PIECE + TAG)

    def readable(self) -> bool:
        return True

    def readinto(self, space: memoryview) -> int:  # type: ignore[override]
        while not self.open and self.next_piece is not None:
            self._unlock_next()
        taken = self.open[: len(space)]
        space[: len(taken)] = taken
        self.open = self.open[len(taken) :]
        return len(taken)

    def _unlock_next(self) -> None:
        assert self.next_piece is not None
        piece, after = self.next_piece, self.source.read(PIECE + TAG)
        try:
            self.open = self.cipher.decrypt(_nonce(self.number, not after), piece, self.header)
        except (InvalidTag, ValueError):
            raise BackupRefused(DAMAGED.format("it was cut short or changed since it was locked")) from None
        self.number += 1
        self.next_piece = after or None


def is_locked(source: BinaryIO) -> bool:
    """Looks at the first bytes of a file that is open at its beginning, and goes back there."""
    begins = source.read(len(MARK))
    source.seek(0)
    return begins == MARK


def _cipher(key: str, salt: bytes) -> tuple[AESGCM, bytes]:
    """The cipher of one file, and bytes by which a wrong passphrase is told from a damaged file."""
    derived = Scrypt(salt=salt.ljust(SALT, b"\0"), length=32 + CHECK, n=2**15, r=8, p=1).derive(key.encode())
    return AESGCM(derived[:32]), derived[32:]


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
