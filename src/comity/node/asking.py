"""The search box's language: words, and filters, as in `kancil type:malware,tool tlp:<=green seen:7d from:feed`."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from comity.errors import InvalidRequest
from comity.stix.markings import TLP
from comity.store.nouns import TextQuery

TEXT_CHARACTERS_MAX = 1000
WORDS_MAX = 20
VALUES_MAX = 50
LIMIT_MAX = 10_000

_TOKEN = re.compile(r'"([^"]*)"|(\S+)')
_FILTER = re.compile(r"([a-z]+):(.+)", re.ASCII | re.DOTALL)
_AGE = re.compile(r"(\d{1,5})([hdwm])", re.ASCII)
_HOURS = {"h": 1, "d": 24, "w": 24 * 7, "m": 24 * 30}
_TLP = re.compile(r"(<=|>=|=)?(.+)", re.ASCII)


@dataclass(slots=True)
class _Asked:
    now_us: int
    words: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    collection: str | None = None
    added_after: int | None = None
    tlp_least: int | None = None
    tlp_most: int | None = None


def _type(asked: _Asked, value: str) -> None:
    asked.types += value.split(",")


def _from(asked: _Asked, value: str) -> None:
    asked.sources += value.split(",")


def _in(asked: _Asked, value: str) -> None:
    asked.collection = value


def _seen(asked: _Asked, value: str) -> None:
    match = _AGE.fullmatch(value)
    if match is None:
        raise _bad("seen", f"{value!r} is no age: give hours, days, weeks or months, as in seen:7d.")
    asked.added_after = max(0, asked.now_us - int(match[1]) * _HOURS[match[2]] * 3600 * 1_000_000)


def _tlp(asked: _Asked, value: str) -> None:
    match = _TLP.fullmatch(value)
    assert match is not None
    level = int(TLP.read(match[2]))
    if match[1] != ">=":
        asked.tlp_most = level
    if match[1] != "<=":
        asked.tlp_least = level


FILTERS: dict[str, Callable[[_Asked, str], None]] = {
    "type": _type,
    "from": _from,
    "in": _in,
    "seen": _seen,
    "tlp": _tlp,
}


def text_query(text: str, *, types: Sequence[str], limit: int, after: int, now_us: int) -> TextQuery:
    """What the text asks for. A word with a colon that is no filter (a URL) is a word; quotes keep words together.

    Raises InvalidRequest for a filter with a value that cannot be, and for more than is taken.
    """
    if len(text) > TEXT_CHARACTERS_MAX:
        raise _bad("text", f"A search is at most {TEXT_CHARACTERS_MAX} characters.")
    if not 1 <= limit <= LIMIT_MAX:
        raise _bad("limit", f"A limit is 1 to {LIMIT_MAX}.")
    asked = _Asked(now_us, types=list(types))
    for quoted, plain in _TOKEN.findall(text):
        match = _FILTER.fullmatch(plain)
        if match and match[1] in FILTERS:
            FILTERS[match[1]](asked, match[2])
        elif quoted or plain:
            asked.words.append(quoted or plain)
    if len(asked.words) > WORDS_MAX or len(asked.types) > VALUES_MAX or len(asked.sources) > VALUES_MAX:
        raise _bad("text", f"A search has at most {WORDS_MAX} words and {VALUES_MAX} values of a filter.")
    return TextQuery(
        words=tuple(asked.words),
        types=tuple(asked.types),
        sources=tuple(asked.sources),
        collection=asked.collection,
        added_after=asked.added_after,
        tlp_least=asked.tlp_least,
        tlp_most=asked.tlp_most,
        limit=limit,
        after=after,
    )


def _bad(where: str, words: str) -> InvalidRequest:
    known = ", ".join(f"{name}:" for name in FILTERS)
    return InvalidRequest(words, where=where, hint=f"Filters are {known}; everything else is a word.")
