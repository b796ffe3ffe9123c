"""What the service says while it runs: as text or as JSON, each line with the request that it is about."""

import json
import logging
from contextvars import ContextVar
from typing import Any

from astakos import clock

TEXT, JSON = "text", "json"
FORMATS = (TEXT, JSON)
LEVELS = ("debug", "info", "warning", "error", "critical")

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being answered; "" if none is."""


def set_up_logging(level: str, form: str) -> None:
    """Write what happens from a level on to the standard error output, in one of `FORMATS`."""
    handler = logging.StreamHandler()
    handler.addFilter(note_request)
    handler.setFormatter(JSONFormatter() if form == JSON else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler])


def note_request(record: logging.LogRecord) -> bool:
    """Note in a record which request is being answered."""
    record.request_id = request_id.get()
    return True


class TextFormatter(logging.Formatter):
    """For people: one line, and the lines of an exception after it."""

    def __init__(self) -> None:
        """Write time, level, logger and message; and the request, if there is one."""
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - as the base class calls it
        """The line; a line break in a message that somebody else has made must not look like another line."""
        line = super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")
        request = getattr(record, "request_id", "")
        return f"{line} [{request}]" if request else line


class JSONFormatter(logging.Formatter):
    """For programs: one object a line.

    What is given to a logging call as `extra={"fields": {...}}` stands in it by itself.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The object."""
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
