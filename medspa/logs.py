"""Log lines without patient data: no exception texts, no private links, no query strings."""

import logging
import re
import traceback

PRIVATE_LINK = re.compile(r"(/my-request/)[^/\s]+")
QUERY = re.compile(r"\?\S*")


class PrivateFormatter(logging.Formatter):
    """Names where something went wrong, never with whose data.

    A database error quotes the row it refused, so of an exception only the type and the lines of code are kept.
    """

    def __init__(self):
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record).replace("\n", "\\n").replace("\r", "\\r")
        return QUERY.sub("?…", PRIVATE_LINK.sub(r"\1…", line))

    def formatException(self, ei) -> str:
        kind, _error, trace = ei
        frames = "".join(traceback.format_tb(trace)) if trace else ""
        return f"{frames}{kind.__name__ if kind else 'Exception'}"
