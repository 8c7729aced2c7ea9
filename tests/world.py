"""A small made world: a clock that is told the time, chance that repeats itself, and objects to send."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


class MadeClock:
    """Stands still until it is moved."""

    def __init__(self, start: datetime = START) -> None:
        self.instant = start
        self.jumped = timedelta()
        self.boot = "first"

    def now(self) -> datetime:
        """The instant it was last told."""
        return self.instant

    def move(self, **by: float) -> None:
        """Later by so many `days`, `hours`, `seconds`."""
        self.instant += timedelta(**by)

    def steady(self) -> tuple[str, int]:
        """What a clock that nobody sets says: it moves, and does not jump."""
        return self.boot, (self.instant - START - self.jumped) // timedelta(microseconds=1)

    def jump(self, **by: float) -> None:
        """The wall clock is set by so much, and no time passes."""
        self.instant += timedelta(**by)
        self.jumped += timedelta(**by)


class MadeEntropy:
    """The same bytes in the same order, for each seed."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def token_bytes(self, count: int) -> bytes:
        """Repeatable bytes."""
        return self._random.randbytes(count)

    def uuid4(self) -> UUID:
        """A repeatable UUID, version 4."""
        return UUID(bytes=self._random.randbytes(16), version=4)


_chance = MadeEntropy(7)


def indicator(**members: Any) -> dict[str, Any]:
    """A good indicator with a new id."""
    moment = "2026-01-02T03:04:05.678Z"
    value = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{_chance.uuid4()}",
        "created": moment,
        "modified": moment,
        "name": "Command and control",
        "indicator_types": ["malicious-activity"],
        "pattern": "[ipv4-addr:value = '198.51.100.7']",
        "pattern_type": "stix",
        "valid_from": moment,
    }
    return {**value, **members}


def address(value: str = "198.51.100.7") -> dict[str, Any]:
    """A good observable, which has neither `created` nor `modified`."""
    return {"type": "ipv4-addr", "spec_version": "2.1", "id": f"ipv4-addr--{_chance.uuid4()}", "value": value}


def bundle(*objects: dict[str, Any]) -> bytes:
    """A bundle of them, as bytes."""
    return json.dumps({"type": "bundle", "id": f"bundle--{_chance.uuid4()}", "objects": objects}).encode()


def envelope(*objects: dict[str, Any]) -> bytes:
    """A TAXII envelope of them, as bytes."""
    return json.dumps({"objects": objects}).encode()
