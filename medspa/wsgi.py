"""The WSGI callable that a web server calls: finished pages at once, everything else from Django.

It does not start with keys that cannot open the database.
"""

import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medspa.settings")
django = get_wsgi_application()

from django.conf import settings  # noqa: E402  (models can be imported only now)
from django.db import Error, connection  # noqa: E402

from appointments.event_log import insist_on_keys  # noqa: E402
from medspa.counts import counts  # noqa: E402
from medspa.sealed import CannotUnseal  # noqa: E402
from treatments.exported_pages import asked  # noqa: E402
from treatments.page_cache import FinishedPages, answer_of  # noqa: E402

application = django if settings.DEBUG else FinishedPages(django)

try:
    insist_on_keys()
except CannotUnseal as trouble:
    print(f"The site was not started: {trouble}", file=sys.stderr)  # noqa: T201
    sys.exit(3)  # by which gunicorn knows that starting again would not help
except Error:
    pass  # a database that is away may come back; what is read then is checked then
finally:
    connection.close()


def warm_up() -> None:
    """Ask for a page of each kind, so that what Django makes at the first one is there before workers are forked.

    A database that is away is no reason not to start: each worker then warms up by itself.
    """
    for path in (
        "/",
        "/es/",
        "/treatments/",
        "/treatments/microneedling/",
        "/request-an-appointment/",
        "/admin/login/",
    ):
        answer_of(django, asked(path))  # not kept: compressing them would take as long again
    connection.close()  # a worker must not share it
    counts.forget_own()  # nobody asked
