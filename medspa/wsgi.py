"""The WSGI callable that a web server calls: finished pages at once, everything else from Django.

It does not start with keys that cannot open the database.
"""

import os
import sys
import time
from contextlib import suppress

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medspa.settings")
django = get_wsgi_application()

from django.conf import settings  # noqa: E402  (models can be imported only now)
from django.db import Error, connection  # noqa: E402
from django.utils.translation import override  # noqa: E402

from appointments.event_log import insist_on_keys  # noqa: E402
from appointments.forms import AppointmentRequestForm  # noqa: E402
from appointments.models import Message  # noqa: E402
from appointments.notifications import sample_of  # noqa: E402
from appointments.telephones import as_e164  # noqa: E402
from medspa import settings as project  # noqa: E402
from medspa.counts import counts  # noqa: E402
from medspa.languages import MAIN, NAMES  # noqa: E402
from medspa.sealed import CannotUnseal  # noqa: E402
from medspa.sqlite.laid_aside import close_all  # noqa: E402
from treatments.exported_pages import asked, visits  # noqa: E402
from treatments.first_pages import FILE, Door, leave, origin  # noqa: E402
from treatments.page_cache import FinishedPages, answer_of  # noqa: E402

OTHER_PAGES = ["/request-an-appointment/", "/es/request-an-appointment/", "/admin/login/"]
finished_pages = FinishedPages(django, visits)
os.register_at_fork(after_in_child=finished_pages.forked)
application = django if settings.DEBUG else finished_pages
if hasattr(time, "tzset"):  # everywhere but on Windows
    # A web server asks what time it is here, twice for each request, and tells nobody. In UTC that costs nothing; by
    # Arizona's rule, which the C library reads anew each time, 3 % of a page. What pages say is in the clinic's time
    # zone, which Django knows by itself.
    os.environ["TZ"] = "UTC0"
    time.tzset()
made_by = origin(project.VAR_DIR, project.env.asked)

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
    """Make every finished page and what forms need, and ask for one of each other kind, before workers are forked.

    So each worker has all pages from its first moment on, however soon the database goes away, and shares with the
    others what Django made of its own at the first page. A database that is away is no reason not to start: each
    worker then makes its own.
    """
    with suppress(Error):
        finished_pages.make_all()
        make_ready_for_forms()
    for path in OTHER_PAGES:
        answer_of(django, asked(path))
    connection.close()
    close_all()  # a worker must not share it
    counts.forget_own()  # nobody asked
    leave_pages()


def make_ready_for_forms() -> None:
    """What the first form of each process would wait for, all others behind it: 60 ms, mostly for the pattern by which
    Django knows an e-mail address."""
    for language in NAMES:
        with override(language):
            form = AppointmentRequestForm({"email": "patient@example.com", "phone": as_e164("520 555 0142")})
            form.is_valid()
            sample_of(Message.Kind.RECEIVED, language, form.clinic)
    sample_of(Message.Kind.DESK_NOTICE, MAIN, form.clinic)


def leave_pages() -> None:
    """For the next start on this machine. A server that ends does it, and one that starts, which may not end well."""
    visit, version = asked("/"), finished_pages.version
    if version is None or connection.vendor != "sqlite":
        return  # elsewhere the content's version cannot be looked at before Django is loaded
    door = Door(visit["HTTP_HOST"], visit["wsgi.url_scheme"], "HTTP_X_FORWARDED_PROTO" in visit)
    is_secure = door.scheme == "https"
    pages = {path: page for (path, by_https), page in [*finished_pages.pages.items()] if by_https == is_secure}
    with suppress(OSError):  # the next server starts without
        leave(project.VAR_DIR / FILE, pages, version, door, made_by)
