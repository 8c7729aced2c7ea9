"""What is written of a request: one line, never a body, a query, an id of an object, or a secret."""

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any

ACCESS = logging.getLogger("comity.access")
ERRORS = logging.getLogger("comity.web")


def access(
    request_id: str,
    route: str,
    method: str,
    status: int,
    started: float,
    size: int,
    token: str | None,
    address: str,
    cpu: float | None = None,
) -> None:
    """One request is in the log; `cpu` are the seconds that the processor worked for it, where that was measured."""
    if not ACCESS.isEnabledFor(logging.INFO):
        return
    values: dict[str, Any] = {
        "request_id": request_id,
        "remote": address,
        "token": token,
        "method": method,
        "route": route,
        "status": status,
        "ms": round((time.perf_counter() - started) * 1000, 1),
        "bytes": size,
    }
    if cpu is not None:
        values["cpu_ms"] = round(cpu * 1000, 1)
    words = f"{address} {token or '-'} {method} {route} {status} {values['ms']} ms {size} bytes {request_id}"
    ACCESS.info(words, extra={"values": values})


def bug(request_id: str, route: str) -> None:
    """The exception that is being handled is in the log, with its traceback and the id that the client was told."""
    ERRORS.exception("unhandled exception in request %s (%s)", request_id, route, extra={"values": {"route": route}})


class JsonLines(logging.Formatter):
    """Each record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        values: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": "request" if record.name == ACCESS.name else record.getMessage(),
            **getattr(record, "values", {}),
        }
        if record.exc_info:
            values["traceback"] = self.formatException(record.exc_info)
        return json.dumps(values, ensure_ascii=True)


class PlainLines(logging.Formatter):
    """Each record as a line that a person can read; nothing in it can end the line or steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, and a traceback below it where there is one."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds")
        message = record.getMessage()
        if not message.isprintable():
            message = "".join(c if c.isprintable() else "?" for c in message)
        text = f"{moment} {record.levelname.lower()} {message}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def set_up(*, as_json: bool) -> logging.Handler:
    """Log lines of the node and of its HTTP server go to the standard error stream."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else PlainLines())
    for name, level in (("comity", logging.INFO), ("uvicorn", logging.ERROR), ("asyncio", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.propagate = False
        logger.addHandler(handler)
    return handler


def take_down(handler: logging.Handler) -> None:
    """That handler is used no more."""
    for name in ("comity", "uvicorn", "asyncio"):
        logger = logging.getLogger(name)
        logger.removeHandler(handler)
        logger.propagate = True
