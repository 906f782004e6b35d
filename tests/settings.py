"""The site's settings in an environment of the tests' own: whatever the shell says, every machine tests the same site.

TEST_DATABASE_URL alone is heard. Each process gets its own empty VAR_DIR, so that tests on all cores share no files.
"""

import os
import tempfile
from pathlib import Path

SHELL_IS_NOT_HEARD = [
    "ALLOWED_HOSTS",
    "BEHIND_PROXY",
    "DATABASE_URL",
    "DATA_KEYS",
    "DEBUG",
    "DEFAULT_FROM_EMAIL",
    "DESK_EMAIL",
    "EMAIL_URL",
    "LOG_FORMAT",
    "MIN_FILL_SECONDS",
    "PORT",
    "SECRET_KEY",
    "SITE_URL",
    "STAFF_IDLE_SECONDS",
    "STAFF_MFA",
    "SUBMIT_LIMIT_PER_HOUR",
    "TIME_ZONE",
    "TRUSTED_PROXIES",
]
for _name in SHELL_IS_NOT_HEARD:
    os.environ.pop(_name, None)
_folder = tempfile.TemporaryDirectory(prefix="medspa-tests-", ignore_cleanup_errors=True)
os.environ["VAR_DIR"] = _folder.name
if os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]

from medspa.settings import *  # noqa: E402, F403  (read only now that the environment is ours)
from medspa.settings import DATABASES, STATIC_ROOT, STORAGES, VAR_DIR  # noqa: E402

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not Django's database in memory: threads and live servers meet the locks that the real site has.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(VAR_DIR, "test.sqlite3"))}
DATABASES["default"]["CONN_MAX_AGE"] = 0  # a thread of a test server must leave no connection behind
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_ROOT.mkdir()  # WhiteNoise warns where there is none
