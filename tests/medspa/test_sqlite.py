"""Whoever writes to SQLite stands in line: one at a time, in order, and nobody for ever."""

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from django.db import OperationalError, connection, connections, transaction

from medspa.models import Clinic
from medspa.sqlite.line import Line, line_before
from tests import factories

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL lets everybody in")

HOLDS = """
import sys, time
from pathlib import Path
from medspa.sqlite.line import Line
line = Line(Path(sys.argv[1]))
assert line.join(10)
print("held", flush=True)
time.sleep(float(sys.argv[2]))
line.leave()
"""
COUNTS = """
import sys
from pathlib import Path
from medspa.sqlite.line import Line
line, counter = Line(Path(sys.argv[1])), Path(sys.argv[2])
for _ in range(200):
    assert line.join(30)
    counter.write_text(str(int(counter.read_text()) + 1))
    line.leave()
"""

TURNS = """
import sys, threading, time
from pathlib import Path
from medspa.sqlite.line import Line
line, ends_at = Line(Path(sys.argv[1])), time.monotonic() + 2
def write():
    while time.monotonic() < ends_at:
        assert line.join(30)
        with Path(sys.argv[2]).open("a") as turns:
            turns.write(sys.argv[3])
        time.sleep(0.002)
        line.leave()
threads = [threading.Thread(target=write) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "line"


def another(program, *arguments):
    return subprocess.Popen([sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def test_threads_come_in_the_order_in_which_they_joined(file):
    line, came = Line(file), []
    assert line.join(1)
    threads = []
    for number in range(8):
        thread = threading.Thread(target=lambda number=number: (line.join(10), came.append(number), line.leave()))
        thread.start()
        threads.append(thread)
        until(lambda many=number + 2: len(line.waiting) == many)
    line.leave()
    for thread in threads:
        thread.join(10)
    assert came == list(range(8))


def until(true, seconds=10):
    ends_at = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends_at
        time.sleep(0.001)


def test_processes_and_threads_are_never_two_inside(file, tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0")
    others = [another(COUNTS, file, counter) for _ in range(3)]
    line = Line(file)

    def count():
        for _ in range(50):
            assert line.join(30)
            counter.write_text(str(int(counter.read_text()) + 1))
            line.leave()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for process in others:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert counter.read_text() == "800"


def test_processes_come_in_turn_however_many_threads_wait_in_each(file, tmp_path):
    turns = tmp_path / "turns"
    for process in [another(TURNS, file, turns, name) for name in "ab"]:
        process.communicate(timeout=60)
        assert process.returncode == 0
    both = turns.read_text().partition("b")[2].strip()  # since both were there
    both = both[: min(both.rindex("a"), both.rindex("b"))]
    again = sum(one == other for one, other in zip(both, both[1:], strict=False))
    assert len(both) > 50
    assert again < len(both) / 5  # nearly every turn is the other's


def test_who_waits_for_too_long_steps_out_and_the_next_one_comes(file):
    line = Line(file)
    with another(HOLDS, file, 1.5) as other:
        assert other.stdout.readline() == "held\n"
        assert not line.join(0.2)
        assert not line.waiting
        assert line.join(10)
        line.leave()


def test_a_thread_that_gives_up_lets_the_others_pass(file):
    line, outcomes = Line(file), []
    assert line.join(1)
    waits = threading.Thread(target=lambda: outcomes.append(line.join(0.1)))
    waits.start()
    waits.join(5)
    line.leave()
    assert outcomes == [False]
    assert line.join(1)
    line.leave()


def test_a_process_that_is_killed_gives_its_turn_back(file):
    line = Line(file)
    with another(HOLDS, file, 60) as other:
        other.stdout.readline()
        os.kill(other.pid, signal.SIGKILL)
        assert line.join(10)
        line.leave()


def test_a_process_that_is_killed_while_it_is_next_keeps_nobody_out(file):
    line = Line(file)
    assert line.join(1)
    with another(HOLDS, file, 60) as other:
        until(lambda: is_locked(file.with_name(f"{file.name}-next")))
        os.kill(other.pid, signal.SIGKILL)
    line.leave()
    assert line.join(10)
    line.leave()


def is_locked(file):
    if not file.exists():
        return False
    with file.open() as probe:
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_child_begins_anew(file):
    line = Line(file)
    assert line.join(1)
    line.process = -1  # as if this were the child of who holds it
    held = line.held
    threading.Timer(0.3, os.close, [held]).start()
    assert line.join(10)
    line.leave()


def test_the_file_is_for_its_owner_alone(file):
    line = Line(file)
    line.join(1)
    line.leave()
    assert [one.stat().st_mode & 0o777 for one in file.parent.iterdir()] == [0o600, 0o600]


@pytest.fixture
def line(transactional_db):
    factories.clinic()
    return line_before(str(connection.settings_dict["NAME"]))


def test_a_transaction_holds_its_turn_until_it_ends(line):
    with transaction.atomic():
        assert line.held is not None
        with transaction.atomic():
            Clinic.objects.update(town="Tucson")
        assert line.held is not None
    assert line.held is None


@pytest.mark.parametrize("trouble", [RuntimeError, KeyboardInterrupt])
def test_a_transaction_that_fails_gives_its_turn_back(line, trouble):
    with pytest.raises(trouble), transaction.atomic():
        raise trouble
    assert line.held is None
    assert not line.waiting


def test_a_connection_that_closes_gives_its_turn_back(line):
    connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    assert line.held is not None
    connection.close()
    assert line.held is None
    connection.connect()


def test_a_lock_of_somebody_elses_ends_in_djangos_own_words_and_gives_the_turn_back(line, monkeypatch):
    stranger = sqlite3.connect(connection.settings_dict["NAME"])
    stranger.execute("BEGIN IMMEDIATE")
    connection.cursor().execute("PRAGMA busy_timeout = 50")
    with pytest.raises(OperationalError, match="locked"), transaction.atomic():
        pass
    assert line.held is None
    stranger.rollback()
    stranger.close()
    with transaction.atomic():
        Clinic.objects.update(town="Tucson")


def test_whoever_waits_too_long_in_line_gets_djangos_own_words(line, monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)
    assert line.join(1)

    def write():
        try:
            with transaction.atomic():
                Clinic.objects.update(town="Tucson")
        except OperationalError as trouble:
            words.append(str(trouble))
        finally:
            connections.close_all()

    words: list[str] = []
    thread = threading.Thread(target=write)
    thread.start()
    thread.join(10)
    line.leave()
    assert words == ["database is locked"]


def test_readers_do_not_stand_in_line(line):
    assert line.join(1)
    towns: list[str] = []
    thread = threading.Thread(target=lambda: (towns.append(Clinic.objects.get().town), connections.close_all()))
    thread.start()
    thread.join(5)
    line.leave()
    assert towns == ["Tucson"]


def test_nobody_is_passed_over(line, at_once):
    """Sixteen writers, again and again: they come on alike, instead of some being done before others have begun."""
    done: list[int] = []

    def write(number):
        for _ in range(20):
            with transaction.atomic():
                Clinic.objects.update(town=f"Tucson {number}")
                done.append(number)

    assert at_once(write, range(16)) == [None] * 16
    half_way = Counter(done[: len(done) // 2])
    assert len(done) == 320
    assert max(half_way.values()) - min(half_way[number] for number in range(16)) <= 8
