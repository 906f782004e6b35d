#!/usr/bin/env python
"""The project's commands: `manage.py help` lists them.

A wrong environment or a database that does not answer is told in one line; --traceback shows where.
"""

import os
import sys

from django.core.management import execute_from_command_line
from django.db.utils import DatabaseError, NotSupportedError, OperationalError

from medspa.environment import EnvironmentRefused


def main(words: list[str]) -> None:
    try:
        execute_from_command_line(words)
    except (EnvironmentRefused, DatabaseError) as error:
        if "--traceback" in words or not isinstance(error, EnvironmentRefused | OperationalError | NotSupportedError):
            raise
        first_line = next(iter(str(error).splitlines()), type(error).__name__)
        sys.exit(first_line if isinstance(error, EnvironmentRefused) else f"The database says: {first_line}")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medspa.settings")
    main(sys.argv)
