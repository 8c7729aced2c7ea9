"""What forms and addresses say, read into values. What cannot be read is refused by the name of its field."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from comity.errors import ComityError, Invalid, TooLarge
from comity.interfaces import instant_of, microseconds
from comity.node.publishing import Selection
from comity.web.answer import JSON_TYPE, Answer
from comity.web.problems import status_of
from comity.web.ui.visit import Visit

IDS_MOST = 1_000
WORDS_MOST = 100
NUMBER_DIGITS_MOST = 18
DAY = len("2027-01-31")
LAST_NUMBER = 10**NUMBER_DIGITS_MOST - 1


# -- addresses ---------------------------------------------------------------------------------------------------------
def path(*parts: str, **parameters: str) -> str:
    """The address of a page: `parts` are its steps, which are quoted; parameters that are empty are left out."""
    query = urlencode({name: value for name, value in parameters.items() if value})
    return "".join(f"/{quote(part, safe='')}" for part in parts) + (f"?{query}" if query else "")


def file_answer(body: bytes, name: str, media_type: str = JSON_TYPE) -> Answer:
    """A file to keep: browsers save it under that name, and show nothing of it (R68)."""
    return Answer(body, media_type=media_type, headers=(("Content-Disposition", f'attachment; filename="{name}"'),))


def json_answer(value: Any) -> Answer:
    """The value as JSON."""
    return Answer(orjson.dumps(value), media_type=JSON_TYPE)


def refused(visit: Visit, template: str, error: ComityError, /, **context: Any) -> Answer:
    """The page once more, with what was refused and why, in the status of the error."""
    return visit.page(template, status=status_of(error)[0], error=error, **context)


def seal(value: Any) -> str:
    """What was shown, in short: a form carries it, so that nothing else is put in force than what was looked at."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()[:32]


# -- values ------------------------------------------------------------------------------------------------------------
def words_in(text: str) -> tuple[str, ...]:
    """Words between commas, each once. TooLarge where there are more than WORDS_MOST."""
    found = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    if len(found) > WORDS_MOST:
        raise TooLarge(f"There are more than {WORDS_MOST} words.", where="words")
    return found


def ids_in(text: str, where: str = "ids") -> tuple[str, ...]:
    """Ids between spaces, commas or line ends, each once. Invalid where one is none, TooLarge for over IDS_MOST."""
    found = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if len(found) > IDS_MOST:
        raise TooLarge(f"At most {IDS_MOST:,} ids are taken at once.", where=where)
    for one in found:
        if "--" not in one or not one.isprintable() or len(one) > 200:
            raise Invalid(f"{one[:60]!r} is no id.", where=where, hint="Such as indicator--… with its UUID.")
    return found


def number_in(text: str, where: str, *, default: int = 0, least: int = 0, most: int = LAST_NUMBER) -> int:
    """The whole number. Invalid where it is none, or beyond its bounds."""
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS_MOST and least <= int(text) <= most):
        raise Invalid(f"{text[:40]!r} is no whole number from {least:,} to {most:,}.", where=where)
    return int(text)


def instant_in(text: str, where: str, *, ends: bool = False) -> int | None:
    """The instant, in microseconds since 1970; UTC where it names no offset, None for an empty text. Whoever names the
    day on which something `ends` means that it still holds on that day."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment += timedelta(days=ends and len(text) == DAY)
        return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise Invalid(f"{text[:40]!r} is no date.", where=where, hint="Such as 2027-01-31, or with a time.") from None


def instant_text(value: int | None, *, ends: bool = False) -> str:
    """The text that `instant_in` reads as that instant."""
    if value is None:
        return ""
    moment = instant_of(value)
    if moment.time() == datetime.min.time():
        return f"{moment - timedelta(days=ends):%Y-%m-%d}"
    return moment.isoformat()


# -- which objects -----------------------------------------------------------------------------------------------------
SELECTING = ("ids", "types", "sources", "collection")
"""The fields by which objects are chosen."""


def selection_of(values: dict[str, str]) -> Selection:
    """What the fields choose: of all objects, or of those with the ids, those of the types, sources and collection."""
    ids = ids_in(values["ids"])
    return Selection(ids or None, words_in(values["types"]), words_in(values["sources"]), values["collection"] or None)


def asked_selection(visit: Visit) -> dict[str, str]:
    """The fields by which objects are chosen, as they stand in the address."""
    return {name: visit.parameter(name).strip() for name in SELECTING}
