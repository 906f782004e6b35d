"""The site in numbers as Prometheus reads them: text format 0.0.4. No label says anything of a patient."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import Error

from appointments import spool
from appointments.models import MOST_COUNTED
from medspa.counts import BOUNDS, Counts
from medspa.watch.measures import Measures, disk, measure

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
COUNTED = f"counted to {MOST_COUNTED}"
Labels = Mapping[str, str]


class Sample(NamedTuple):
    value: float
    labels: Labels = {}
    suffix: str = ""


class Metric(NamedTuple):
    name: str
    kind: str  # counter, gauge or histogram
    help: str
    samples: list[Sample]

    def lines(self) -> Iterator[str]:
        if self.samples:
            yield f"# HELP {self.name} {self.help}"
            yield f"# TYPE {self.name} {self.kind}"
        for sample in self.samples:
            labels = ",".join(f'{name}="{_quoted(text)}"' for name, text in sample.labels.items())
            yield f"{self.name}{sample.suffix}{f'{{{labels}}}' if labels else ''} {_number(sample.value)}"


def as_prometheus(counts: Counts) -> str:
    """Everything, also while the database is away: then without what only it knows."""
    metrics = [*_of_answers(counts), *_of_the_disk()]
    try:
        metrics += [_gauge("medspa_database_up", "Whether the database answers.", 1), *_of_the_database(measure())]
    except Error:
        metrics = [*metrics, _gauge("medspa_database_up", "Whether the database answers.", 0)]
    return "".join(f"{line}\n" for metric in metrics for line in metric.lines())


def _of_answers(counts: Counts) -> Iterator[Metric]:
    answered = [
        Sample(number, {"method": method, "route": route, "status": status})
        for route, method, status, number in counts.answered()
    ]
    yield Metric(
        "medspa_http_requests_total",
        "counter",
        "Requests that Django answered; finished pages, answered from memory before it is asked, are not among them.",
        answered,
    )
    spread: list[Sample] = []
    for route, times in counts.times():
        within = 0
        for bound, number in zip([*map(str, BOUNDS), "+Inf"], times.spread, strict=True):
            within += number
            spread.append(Sample(within, {"route": route, "le": bound}, "_bucket"))
        spread += [Sample(times.seconds, {"route": route}, "_sum"), Sample(within, {"route": route}, "_count")]
    yield Metric("medspa_http_request_duration_seconds", "histogram", "How long Django took to answer.", spread)


def _of_the_disk() -> Iterator[Metric]:
    size, free = disk()
    yield _gauge("medspa_spool_waiting", "Requests kept in files until the database takes them.", spool.waiting())
    yield _gauge("medspa_spool_aside", "Kept requests that could not be stored.", spool.set_aside())
    yield _gauge("medspa_disk_size_bytes", "The disk that holds what the clinic owns.", size)
    yield _gauge("medspa_disk_free_bytes", "What is free of it.", free)


def _of_the_database(found: Measures) -> Iterator[Metric]:
    waited = found.seconds_since(found.oldest_waiting_at)
    yield _gauge("medspa_requests_waiting", f"Appointment requests to answer, {COUNTED}.", found.waiting)
    yield _gauge("medspa_requests_overdue", "Those that should have been answered by now.", found.overdue)
    yield _gauge("medspa_requests_oldest_waiting_seconds", "How long ago the oldest of them came.", waited)
    yield _gauge("medspa_outbox_due", f"Messages that should go out now, {COUNTED}.", found.mail_due)
    yield _gauge("medspa_outbox_oldest_seconds", "How long the oldest of them has waited.", found.mail_oldest_seconds)
    yield _gauge("medspa_outbox_stuck", "Messages due for 15 minutes, or tried in vain for an hour.", found.mail_stuck)
    yield _gauge("medspa_outbox_failed", "Messages given up within a day.", found.mail_failed)
    yield _moment("medspa_mail_last_sent_timestamp_seconds", "When a message last went out.", found.mail_sent_at)
    yield _moment("medspa_sender_last_seen_timestamp_seconds", "When the sender was last at work.", found.sender_at)
    yield _moment("medspa_backup_last_success_timestamp_seconds", "When the last backup was made.", found.backup_at)


def _gauge(name: str, about: str, value: float) -> Metric:
    return Metric(name, "gauge", about, [Sample(value)])


def _moment(name: str, about: str, moment: datetime | None) -> Metric:
    """0, long ago, for what never happened: so that a rule about its age needs no second one."""
    return _gauge(name, about, moment.timestamp() if moment else 0)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(float(value))


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
