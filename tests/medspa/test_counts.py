"""Requests are counted once each, whichever process and thread answers, and whatever becomes of it."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from django.urls import get_resolver

from medspa.counts import BOUNDS, MOST_PROCESSES, ROUTES, Counts, route_group

FORKS = """
import os, signal, time
from medspa.counts import Counts
counts, ready = Counts(), []
counts.add("home", "GET", 200, 1)  # the parent counts as well
for turn in range({turns}):
    children = []
    for _ in range(4):
        child = os.fork()
        if not child:
            for _ in range({each}):
                counts.add("home", "GET", 200, 1)
            os.kill(os.getpid(), signal.SIGKILL)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
print(list(counts.answered()))
"""


def run(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_processes_that_count_at_once_and_are_killed_lose_nothing_and_leave_their_rows_to_others():
    turns = MOST_PROCESSES // 2  # with four children each there are more of them than rows
    assert run(FORKS.format(turns=turns, each=50)) == str([("home", "GET", "2xx", 1 + turns * 4 * 50)])


def test_eight_threads_lose_nothing():
    counts = Counts()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _turn: counts.add("admin", "POST", 303, 2_000_000), range(4000)))
    assert list(counts.answered()) == [("admin", "POST", "3xx", 4000)]
    ((route, times),) = counts.times()
    assert (route, sum(times.spread), round(times.seconds, 6)) == ("admin", 4000, 8.0)


def test_each_answer_is_counted_by_how_long_it_took():
    counts = Counts()
    for bound in BOUNDS:
        counts.add("home", "GET", 200, int(bound * 1e9))
    counts.add("home", "GET", 200, int(60e9))
    ((_route, times),) = counts.times()
    assert times.spread == [1] * (len(BOUNDS) + 1)


def test_strange_methods_and_statuses_are_counted_as_others():
    counts = Counts()
    counts.add("none", "BREW", 999, 1)
    counts.add("none", "GET", 99, 1)
    assert set(counts.answered()) == {("none", "OTHER", "5xx", 1), ("none", "GET", "1xx", 1)}


def test_what_a_process_counted_can_be_forgotten():
    counts = Counts()
    counts.add("home", "GET", 200, 1)
    counts.forget_own()
    assert [*counts.answered(), *counts.times()] == []


def test_every_address_of_ours_belongs_to_a_group():
    read_by_programs = {"robots.txt", ".well-known", "sitemap.xml"}
    firsts = {str(entry.pattern).removeprefix("es/").partition("/")[0] for entry in get_resolver().url_patterns}
    inner = [entry for entry in get_resolver().url_patterns if not str(entry.pattern)]
    assert firsts >= {"admin", "healthz", "metrics"}
    for resolver in inner:
        firsts |= {
            str(part.pattern).partition("/")[0]
            for one in resolver.url_patterns
            for part in getattr(one, "url_patterns", [one])
        }
    assert {first for first in firsts if route_group(first) == "other"} == read_by_programs
    assert {route_group(first) for first in firsts} | {"static", "none", "other"} == set(ROUTES)


def test_an_address_in_spanish_belongs_to_the_same_group():
    assert route_group("es/my-request/<token>/") == route_group("my-request/<token>/") == "my-request"
    assert route_group("es/") == route_group("home") == "home"
