"""The WSGI callable that a web server calls. It does not start with keys that cannot open the database."""

import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medspa.settings")
application = get_wsgi_application()

from django.db import Error, connection  # noqa: E402  (models can be imported only now)

from appointments.event_log import insist_on_keys  # noqa: E402
from medspa.sealed import CannotUnseal  # noqa: E402

try:
    insist_on_keys()
except CannotUnseal as trouble:
    print(f"The site was not started: {trouble}", file=sys.stderr)  # noqa: T201
    sys.exit(3)  # by which gunicorn knows that starting again would not help
except Error:
    pass  # a database that is away may come back; what is read then is checked then
finally:
    connection.close()
