"""The desk in numbers: charts, the tables beside them, and the same as a file."""

import csv
from collections.abc import Iterator

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils import timezone

from appointments import privacy
from appointments.admin.charts import Chart, Series, chart, rows
from appointments.admin.spreadsheets import BOM, harmless
from appointments.reports import Line, Report, report
from medspa.models import Clinic

PERMISSION = "appointments.view_reports"
PERIODS = ["4", "13", "52"]  # weeks
USUAL = "13"
COLUMNS = {
    "requests": "asked",
    "answered": "answered",
    "median minutes to the first answer": "median_minutes",
    "90th percentile of minutes to the first answer": "ninetieth_minutes",
    "answer due": "due",
    "answered in time": "in_time",
    "booked": "booked",
    "visits": "visits",
    "missed visits": "missed",
}


def reports_page(desk: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """For those with the permission alone. `?weeks=` is one of PERIODS, `?format=csv` gives the file."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    weeks = request.GET.get("weeks", USUAL)
    weeks = weeks if weeks in PERIODS else USUAL
    found = report(Clinic.objects.current(), weeks=int(weeks), now=timezone.now())
    if request.GET.get("format") == "csv":
        privacy.exported("Reports as CSV: numbers, no names", by=request.user, records=0)
        return _file(found)
    words = {
        **desk.admin_site.each_context(request),
        "title": "Reports",
        "opts": desk.opts,
        "report": found,
        "charts": charts(found.weeks),
        "groups": [
            ("Week of", "By week", found.weeks, []),
            ("Treatment", "By treatment", found.treatments, rows(found.treatments)),
            ("Asked", "By source", found.sources, rows(found.sources)),
        ],
        "weeks": weeks,
        "periods": PERIODS,
    }
    return TemplateResponse(request, "admin/appointments/appointmentrequest/reports.html", words)


def charts(weeks: list[Line]) -> list[Chart]:
    waits = [
        Series("Half of the patients within", lambda line: line.median_minutes),
        Series("Nine in ten within", lambda line: line.ninetieth_minutes),
    ]
    in_time = [Series("Answered in time", lambda line: line.in_time_percent)]
    booked = [Series("Requests", lambda line: line.asked), Series("Booked", lambda line: line.booked)]
    missed = [Series("Visits", lambda line: line.visits), Series("Missed", lambda line: line.missed)]
    return [
        chart("Time to the first answer", "minutes", weeks, waits),
        chart("Answered in time", "%", weeks, in_time, top=100),
        chart("Requests and bookings", "requests", weeks, booked),
        chart("Visits kept and missed", "visits", weeks, missed),
    ]


def _file(found: Report) -> HttpResponse:
    answer = HttpResponse(BOM, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="reports-{found.ends.isoformat()}.csv"'
    file = csv.writer(answer)
    file.writerow(["by", "name", *COLUMNS])
    for by, line in _lines(found):
        numbers = [getattr(line, attribute) for attribute in COLUMNS.values()]
        file.writerow([by, harmless(line.name), *["" if number is None else number for number in numbers]])
    return answer


def _lines(found: Report) -> Iterator[tuple[str, Line]]:
    yield "all", found.whole
    yield from (("week", line) for line in found.weeks)
    yield from (("treatment", line) for line in found.treatments)
    yield from (("source", line) for line in found.sources)
