"""The machine loses its power in the middle of everything: what was acknowledged is there."""

import json
import threading
import time

from tests.site import keep_sending, visitor

ROUNDS = 4
VISITORS = 6


def test_every_acknowledged_request_survives_a_killed_server(site):
    acknowledged = []
    for _round in range(ROUNDS):
        site.start()
        before = len(acknowledged)
        stop = threading.Event()
        visitors = [threading.Thread(target=keep_sending, args=(site, acknowledged, stop)) for _ in range(VISITORS)]
        for thread in visitors:
            thread.start()
        wait_until(lambda enough=before + VISITORS: len(acknowledged) >= enough, site)
        site.kill()
        stop.set()
        for thread in visitors:
            thread.join(timeout=30)
    assert len(acknowledged) >= ROUNDS * VISITORS

    site.start()
    for address, reference in acknowledged:
        assert reference in visitor().open(address).read().decode()
    listed = [json.loads(line)["reference"] for line in site.manage("list_requests", "--json").splitlines()]
    assert {reference for _address, reference in acknowledged} <= set(listed)
    assert len(listed) == len(set(listed))


def wait_until(true, site, seconds=120):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, site.log.read_text()
        time.sleep(0.02)
