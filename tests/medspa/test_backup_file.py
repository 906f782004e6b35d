"""The one file that a backup is: whatever happens to it, it is as it was written, or it is refused in one line."""

import gzip
import io
import os
import random
import tarfile

import pytest

from medspa.backups.archive import DATABASE, MANIFEST, SEAL, ArchiveWriter, Manifest, read_archive
from medspa.backups.locked_box import MARK, PIECE, TAG, LockingWriter, UnlockingReader, read_key
from medspa.backups.refusal import BackupRefused

KEY = "correct horse battery staple"
MEMBERS = {
    "media/photos/a.jpg": os.urandom(3000),
    DATABASE: os.urandom(2 * PIECE + 17),
    "spool/one": b"",
    "media/photos/ñ 2.jpg": b"x" * 70000,
}


def write(file, key="", members=MEMBERS, **facts):
    facts = {"migrations": ["appointments.0001_initial"], "rows": {"a": 1}, "sealed": [], **facts}
    with file.open("wb") as out:
        archive = ArchiveWriter(out, key)
        for name, words in members.items():
            archive.add(name, io.BytesIO(words), len(words))
        archive.finish(Manifest("https://clinic.example", "2026-03-10", "sqlite", "3", **facts))
    return file


def read(file, key=""):
    found = {}

    class Kept(io.BytesIO):
        def close(self):
            found[self.name] = self.getvalue()

    def destination(name):
        kept = Kept()
        kept.name = name
        return kept

    return read_archive(file, key, destination), found


@pytest.fixture(params=["", KEY], ids=["open", "locked"])
def key(request):
    return request.param


@pytest.fixture
def backup(tmp_path, key):
    return write(tmp_path / "backup", key)


def test_what_was_written_is_read(backup, key):
    manifest, found = read(backup, key)
    assert found == MEMBERS
    assert [name for name, _size, _sum in manifest.members] == list(MEMBERS)
    assert manifest.rows == {"a": 1}


def test_without_a_key_any_tar_program_opens_it(tmp_path):
    with tarfile.open(write(tmp_path / "backup")) as tar:
        assert tar.getnames() == [*MEMBERS, MANIFEST, SEAL]
        assert tar.extractfile(DATABASE).read() == MEMBERS[DATABASE]


def test_a_locked_one_shows_nothing_of_what_is_in_it(tmp_path):
    words = write(tmp_path / "backup", KEY, {"media/a": b"Ana Ruiz" * 10000}).read_bytes()
    assert words.startswith(MARK)
    assert b"Ana" not in words
    assert b"media" not in words


def test_a_file_that_was_cut_short_anywhere_is_refused(backup, key, tmp_path):
    words = backup.read_bytes()
    edges = [0, 1, 15, 47, 48, 49, PIECE, PIECE + TAG + 48, 2 * (PIECE + TAG) + 48, len(words) - 1, len(words) - 8]
    for many in [*edges, *random.Random(1).sample(range(len(words)), 8)]:
        cut = tmp_path / "cut"
        cut.write_bytes(words[:many])
        with pytest.raises(BackupRefused, match=r"^(The backup is damaged: |BACKUP_KEY is not)[^\n]+$"):
            read(cut, key)


def test_one_bit_that_was_changed_anywhere_is_refused(backup, key, tmp_path):
    words = backup.read_bytes()
    after_gzips_header = 10  # in which nothing of ours is said
    for place in [after_gzips_header, len(words) - 1, *random.Random(2).sample(range(10, len(words)), 16)]:
        changed = bytearray(words)
        changed[place] ^= 1 << place % 8
        (flipped := tmp_path / "flipped").write_bytes(changed)
        with pytest.raises(BackupRefused, match=r"^(The backup is damaged: |BACKUP_KEY is not)[^\n]+$"):
            read(flipped, key)


def test_pieces_in_another_order_or_twice_or_without_an_end_are_refused(tmp_path):
    words = write(tmp_path / "backup", KEY).read_bytes()
    head, body = words[:48], words[48:]
    pieces = [body[place : place + PIECE + TAG] for place in range(0, len(body), PIECE + TAG)]
    assert len(pieces) > 2
    for others in ([1, 0, 2], [0, 0, 1, 2], [0, 2], [0, 1], [0, 1, 2, 2]):
        (tmp_path / "other").write_bytes(head + b"".join(pieces[number] for number in others))
        with pytest.raises(BackupRefused, match="cut short or changed"):
            read(tmp_path / "other", KEY)


def test_pieces_of_another_backup_with_the_same_key_are_refused(tmp_path):
    one, other = (write(tmp_path / name, KEY).read_bytes() for name in ("one", "other"))
    (tmp_path / "mixed").write_bytes(one[: 48 + PIECE + TAG] + other[48 + PIECE + TAG :])
    with pytest.raises(BackupRefused, match="cut short or changed"):
        read(tmp_path / "mixed", KEY)


def test_members_in_another_order_or_one_less_or_more_are_refused(tmp_path):
    with gzip.open(write(tmp_path / "backup")) as plain, tarfile.open(fileobj=plain) as tar:
        members = [(member, tar.extractfile(member).read()) for member in tar]
    swapped = [members[1], members[0], *members[2:]]
    for others in (swapped, members[1:], [*members[:1], *members], members[:-1], members[:-2]):
        with tarfile.open(tmp_path / "other", "w:gz", format=tarfile.PAX_FORMAT) as tar:
            for member, words in others:
                tar.addfile(member, io.BytesIO(words))
        with pytest.raises(BackupRefused, match="damaged"):
            read(tmp_path / "other")


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "media/../../evil", "media", "other/a", "database/a"])
def test_nobody_can_have_a_file_laid_somewhere_else(tmp_path, name):
    with pytest.raises(BackupRefused, match="no backup has"):
        read(write(tmp_path / "backup", members={name: b"evil"}))


def test_a_link_in_it_is_refused(tmp_path):
    with tarfile.open(tmp_path / "backup", "w:gz") as tar:
        link = tarfile.TarInfo("media/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(BackupRefused, match="no file"):
        read(tmp_path / "backup")


def test_the_wrong_key_and_no_key_are_told_apart_from_damage(tmp_path):
    backup = write(tmp_path / "backup", KEY)
    with pytest.raises(BackupRefused, match="BACKUP_KEY is not the one"):
        read(backup, "another horse battery staple")
    with pytest.raises(BackupRefused, match="Set BACKUP_KEY"):
        read(backup, "")


def test_what_is_no_backup_at_all_is_refused(tmp_path, key):
    for words in (b"", b"Hello", os.urandom(5000), gzip.compress(b"Hello")):
        (tmp_path / "other").write_bytes(words)
        with pytest.raises(BackupRefused, match="damaged"):
            read(tmp_path / "other", key)


def test_a_later_format_is_refused_as_such(tmp_path):
    with pytest.raises(BackupRefused, match="newer version of this program"):
        read(write(tmp_path / "backup", format=2))


@pytest.mark.parametrize("many", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
def test_a_box_of_any_length_opens(many):
    words, out = os.urandom(many), io.BytesIO()
    box = LockingWriter(out, KEY)
    for place in range(0, many, 300_001):
        box.write(words[place : place + 300_001])
    box.finish()
    assert io.BufferedReader(UnlockingReader(io.BytesIO(out.getvalue()), KEY)).read() == words


def test_the_key_may_lie_in_a_file(tmp_path):
    (tmp_path / "key").write_text(f"{KEY}\n")
    assert read_key(f"file:{tmp_path}/key") == read_key(KEY) == KEY
    assert read_key("") == ""


@pytest.mark.parametrize("given", ["short", "file:/no/such/file", "file:/dev/null"])
def test_a_key_that_cannot_be_right_is_refused_and_not_repeated(given):
    with pytest.raises(BackupRefused, match="BACKUP_KEY") as refusal:
        read_key(given)
    assert given not in str(refusal.value)
