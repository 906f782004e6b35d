"""Log lines without patient data: no exception texts, no private links, no query strings."""

import json
import logging
import re
import time
import traceback
from datetime import UTC, datetime
from types import TracebackType

from medspa import request_id

PRIVATE_LINK = re.compile(r"(/(?:my-request|calendar)/+)[^/\s]+", re.IGNORECASE)  # patients' pages, staff's feeds
QUERY = re.compile(r"\?\S*")


class PrivateFormatter(logging.Formatter):
    """Names where something went wrong, never with whose data.

    A database error quotes the row it refused, so of an exception only the type and the lines of code are kept.
    With `as_json` each record is one line of JSON, for programs that collect logs. What was logged while a request was
    answered bears its number; a record with `facts`, a dict, has them as fields of their own.
    """

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, as_json: bool = False) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self.as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # what another formatter may have left there has the exception's text
        line = self._json(record) if self.as_json else super().format(record)
        record.exc_text = None
        return line

    def formatMessage(self, record: logging.LogRecord) -> str:
        if number := _number(record):
            record.message = f"[{number}] {record.message}"
        return without_private_parts(super().formatMessage(record)).replace("\n", "\\n").replace("\r", "\\r")

    def formatException(self, ei: tuple) -> str:
        kind, _error, trace = ei
        return f"{_frames(trace)}{kind.__name__ if kind else 'Exception'}"

    def _json(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": without_private_parts(record.getMessage()),
        }
        if number := _number(record):
            entry["request_id"] = number
        entry |= getattr(record, "facts", {})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def without_private_parts(line: str) -> str:
    return QUERY.sub("?…", PRIVATE_LINK.sub(r"\1…", line))


def _number(record: logging.LogRecord) -> str:
    """Django tells of a refusal once it is over, and brings the HTTP request along."""
    return request_id.current() or getattr(getattr(record, "request", None), "number", "")


def _frames(trace: TracebackType | None) -> str:
    return "".join(traceback.format_tb(trace)) if trace else ""
