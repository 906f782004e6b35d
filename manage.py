#!/usr/bin/env python
"""The project's commands: `manage.py help` lists them.

A wrong environment or a database that does not answer is told in one line; --traceback shows where.
"""

import os
import sys

from django.core.management import execute_from_command_line
from django.db.utils import DatabaseError, DataError, IntegrityError, InternalError, ProgrammingError

from medspa.environment import EnvironmentRefused

OUR_MISTAKES = (DataError, IntegrityError, InternalError, ProgrammingError)


def main(words: list[str]) -> None:
    try:
        execute_from_command_line(words)
    except EnvironmentRefused as refusal:
        sys.exit(str(refusal))
    except DatabaseError as error:
        if "--traceback" in words or isinstance(error, OUR_MISTAKES):
            raise
        sys.exit(f"The database says: {next(iter(str(error).splitlines()), type(error).__name__)}")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "medspa.settings")
    os.umask(0o077)  # what the site writes is for its own user
    main(sys.argv)
