"""The service's logs, as text or JSON; each line carries the id of the request that it concerns."""

import json
import logging
import re
from contextvars import ContextVar
from typing import Any

from astakos import clock

TEXT, JSON = "text", "json"
FORMATS = (TEXT, JSON)
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Characters that end a line or command a terminal."""
LEVELS = ("debug", "info", "warning", "error", "critical")

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the current request; "" outside a request."""


def set_up_logging(level: str, form: str) -> None:
    """Logs to standard error, from a level on, in one of `FORMATS`."""
    handler = logging.StreamHandler()
    handler.addFilter(note_request)
    handler.setFormatter(JSONFormatter() if form == JSON else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler])


def note_request(record: logging.LogRecord) -> bool:
    """Adds the id of the current request to a record."""
    record.request_id = request_id.get()
    return True


class TextFormatter(logging.Formatter):
    """Formats records for people: one line each, followed by the traceback of an exception."""

    def __init__(self) -> None:
        """Sets the format: time, level, logger, message, and the request id if there is one."""
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - as the base class calls it
        """Returns the line, with control characters escaped so that a message cannot forge another line."""
        line = _escaped(super().formatMessage(record))
        request = getattr(record, "request_id", "")
        return f"{line} [{request}]" if request else line

    def formatException(self, ei: Any) -> str:  # noqa: N802 - as the base class calls it
        """Returns the traceback, indented so that the text of an exception cannot forge a line either."""
        lines = super().formatException(ei).split("\n")
        return "\n".join(f"    {_escaped(line)}" for line in lines)


def _escaped(line: str) -> str:
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), line)


class JSONFormatter(logging.Formatter):
    """Formats records for programs: one JSON object per line.

    A logging call can add keys to the object with `extra={"fields": {...}}`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Returns the JSON object."""
        document: dict[str, Any] = {
            "time": clock.to_iso(int(record.created * clock.MICROSECONDS)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        request = getattr(record, "request_id", "")
        if request:
            document["request_id"] = request
        document.update(getattr(record, "fields", {}))
        if record.exc_info:
            document["exception"] = self.formatException(record.exc_info)
        return json.dumps(document, default=str)
