"""The options by which an agreement caps what leaves for a partner, and how a partner stands by them."""

from collections.abc import Callable
from typing import Any

import click

CAPS = tuple((thing, time) for time in ("hour", "day") for thing in ("objects", "bytes"))


def _cap(_context: click.Context, _option: click.Parameter, value: str | None) -> int | str | None:
    """The number; an empty text for `none`, which takes the cap away."""
    if value in (None, "none"):
        return "" if value else None
    if not (value.isascii() and value.isdigit() and len(value) <= len("1000000000000000") and int(value) > 0):
        raise click.BadParameter(f"{value!r} is no whole number from 1 on, nor `none`.")
    return int(value)


def cap_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command has an option for each cap."""
    for thing, time in reversed(CAPS):
        words = f"No more {thing} leave in one {time}, or `none`."
        option = click.option(
            f"--cap-{thing}-{time}", f"cap_{thing}_{time}", callback=_cap, metavar="N|none", help=words
        )
        command = option(command)
    return command


def usage_facts(standing: Any) -> dict[str, Any]:
    """What `partner show` tells of what left, and of use."""
    from comity.interfaces import instant_of

    facts: dict[str, Any] = {
        "reason": standing.reason,
        "objects_this_hour": standing.hour.objects,
        "bytes_this_hour": standing.hour.bytes,
        "objects_today": standing.day.objects,
        "bytes_today": standing.day.bytes,
        "usual": None,
        "unusual": standing.unusual,
    }
    if standing.usual is not None:
        hour, day = standing.usual.hour, standing.usual.day
        facts["usual"] = {
            "objects_hour": hour.objects,
            "bytes_hour": hour.bytes,
            "objects_day": day.objects,
            "bytes_day": day.bytes,
        }
    for name in ("paused_until", "used_at", "unused_from"):
        at = getattr(standing, name)
        facts[name] = None if at is None else instant_of(at)
    return facts
