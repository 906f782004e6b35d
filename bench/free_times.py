"""What it costs to find the free times of ten providers in sixty days, over a hundred thousand appointments.

    .venv/bin/python bench/free_times.py [--database postgres://...]

Beside it stand the raw fetch of the same rows, and a query for each quarter hour of each provider, of which some are
asked and the rest is calculated. Rounds are interleaved. Ends with exit code 1 if a goal is missed.
"""

import argparse
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles

from slices import prepared, verdicts

PROVIDERS, APPOINTMENTS, ROUNDS, SAMPLE = 10, 100_000, 15, 300
MOST_OF_RAW, LEAST_OF_SLOTS, MOST_QUERIES = 10, 1000, 2


def fill() -> None:
    from django.utils import timezone

    from appointments.models import Appointment, AppointmentRequest
    from treatments.models import Provider

    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    providers = [Provider.objects.create(name=f"Room {number}") for number in range(PROVIDERS)]
    request = AppointmentRequest.objects.order_by("pk").first()
    visits, halves = [], 0
    while len(visits) < APPOINTMENTS:  # back from the horizon, three of four half hours of the clinic's days
        halves += 1
        starts_at = now + timedelta(days=60) - timedelta(minutes=30 * halves)
        if starts_at.hour < 16:  # from 9 am to 5 pm in Tucson
            continue
        for place, provider in enumerate(providers):
            if (halves + place) % 4:
                visit = Appointment(appointment_request=request, provider=provider, starts_at=starts_at)
                visit.ends_at, visit.status = starts_at + timedelta(minutes=30), Appointment.Status.FULFILLED
                visits.append(visit)
    Appointment.objects.bulk_create(visits[:APPOINTMENTS], batch_size=1000)


def measure() -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from appointments import free_times
    from appointments.models import Appointment
    from medspa.models import Clinic

    clinic, now = Clinic.objects.current(), timezone.now()

    def ours() -> int:
        tables = free_times._timetables(clinic, now, 30 * 60, None)
        return sum(table.begins.bit_count() for table in tables)

    with CaptureQueriesContext(connection) as queries:
        found = ours()
    sql = queries.captured_queries[-1]["sql"]

    def raw() -> int:
        with connection.cursor() as cursor:
            cursor.execute(sql.replace("%", "%%"))
            return len(cursor.fetchall())

    tables = free_times._timetables(clinic, now, 30 * 60, None)
    quarters = [datetime.fromtimestamp((tables[0].first + 2 + number) * 900, UTC) for number in range(60 * 96)]
    slots = [(table, at) for table in tables for at in quarters]
    step = len(slots) // SAMPLE
    spells = [spell for spell, _number in zip(clinic.open_spells(now), range(60), strict=False)]

    def by_slot() -> None:
        for table, at in slots[::step]:
            ends_at = at + timedelta(minutes=30)
            is_open = any(spell.opens <= at and ends_at <= spell.closes for spell in spells)
            taken = Appointment.objects.filter(provider=table.provider, starts_at__lt=ends_at, ends_at__gt=at)
            is_taken = taken.exclude(status="cancelled").exists()
            is_free = is_open and not is_taken
            assert is_free == bool(table.begins >> (int(at.timestamp()) // 900 - table.first) & 1), at

    seconds: dict[str, list[float]] = {"ours": [], "raw": [], "by slot": []}
    for number in range(ROUNDS):
        print(f"\rround {number + 1} of {ROUNDS}", end="", file=sys.stderr)
        for name, act in (("raw", raw), ("ours", ours), ("by slot", by_slot)):
            begun = time.process_time()
            act()
            seconds[name].append(time.process_time() - begun)
    all_slots = [one * len(slots) / len(slots[::step]) for one in seconds["by slot"]]
    of_raw = [one / other for one, other in zip(seconds["ours"], seconds["raw"], strict=True)]
    of_slots = [other / one for one, other in zip(seconds["ours"], all_slots, strict=True)]
    print(
        f"\n{Appointment.objects.count():,} appointments, {raw():,} to come, {found:,} free times, {len(slots):,} slots"
    )
    print(f"ours {median(seconds['ours']) * 1000:.1f} ms of CPU, raw fetch {median(seconds['raw']) * 1000:.1f} ms,")
    print(f"a query for each slot {median(all_slots):.1f} s, from {len(slots[::step])} of them")
    print("quartiles: of raw", *(f"{one:.2f}" for one in quantiles(of_raw, n=4)), end="; ")
    print("slots of ours", *(f"{one:.0f}" for one in quantiles(of_slots, n=4)))
    return verdicts(
        [
            ("times the raw fetch, at most", MOST_OF_RAW, median(of_raw), median(of_raw) <= MOST_OF_RAW),
            (
                "times faster than a query a slot, at least",
                LEAST_OF_SLOTS,
                (it := median(of_slots)),
                it >= LEAST_OF_SLOTS,
            ),
            ("queries, at most", MOST_QUERIES, len(queries), len(queries) <= MOST_QUERIES),
        ]
    )


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--database", default="", help="postgres://... of an empty database, instead of SQLite")
    options = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = {"DATABASE_URL": options.database} if options.database else {}
        prepared(Path(folder), **settings)
        os.environ |= {"VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "medspa.settings", **settings}
        sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
        import django

        django.setup()
        from django.core.management import call_command

        call_command("seed_requests", 1, stdout=sys.stderr)
        fill()
        sys.exit(1 if measure() else 0)


if __name__ == "__main__":
    main()
