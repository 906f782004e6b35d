"""The site's settings in an environment of the tests' own: whatever the shell says, every machine tests the same site.

TEST_DATABASE_URL alone is heard. Each process gets its own empty VAR_DIR, so that tests on all cores share no files
but those that all of them may copy from RUN_FOLDER.
"""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

_worker = os.environ.get("PYTEST_XDIST_WORKER")
RUN_FOLDER = Path(os.environ["VAR_DIR"]).parent if _worker else Path(tempfile.mkdtemp(prefix="medspa-tests-"))
if not _worker:  # the process that hands out the tests tidies up after the others, which end without ado
    atexit.register(shutil.rmtree, RUN_FOLDER, ignore_errors=True)
_real_settings = Path(__file__).resolve().parent.parent / "medspa" / "settings.py"
for _name in re.findall(r"\benv\.\w+\(\s*\"([A-Z_]+)\"", _real_settings.read_text()):
    os.environ.pop(_name, None)
os.environ["VAR_DIR"] = str(RUN_FOLDER / (_worker or "main"))
if os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]

from medspa.settings import *  # noqa: E402, F403  (read only now that the environment is ours)
from medspa.settings import DATABASES, STATIC_ROOT, STORAGES, VAR_DIR  # noqa: E402

if DATABASES["default"]["ENGINE"] == "medspa.sqlite":
    # A file, not Django's database in memory: threads and live servers meet the locks that the real site has.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
DATABASES["default"]["CONN_MAX_AGE"] = 0  # a thread of a test server must leave no connection behind
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_ROOT.mkdir()  # WhiteNoise warns where there is none
SUBMIT_LIMIT_PER_HOUR = 10_000  # one address sends every test's forms
