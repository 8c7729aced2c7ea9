"""What the answers of another TAXII server mean. They are read generously: what is missing or of the wrong type is
remarked and gone round where it can be, and nothing is believed without a bound."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
import orjson

from comity.errors import ComityError, Invalid, InvalidAnswer, NotFound, PeerRefused, PeerUnavailable, TooLarge
from comity.interfaces import Fetched, microseconds
from comity.stix.split import split_document
from comity.stix.timestamp import instant_key
from comity.stix.words import clean, shown
from comity.taxii.media import TAXII, parse_media_type

PAGE_OBJECTS_MAX = 1_000_000
NEXT_CHARACTERS_MAX = 4096
TEXT_CHARACTERS_MAX = 500
RETRY_SECONDS_DEFAULT = 60
RETRY_SECONDS_MAX = 24 * 3600
FIRST, LAST = "x-taxii-date-added-first", "x-taxii-date-added-last"
HINT = "Name the URL of its discovery resource, such as https://HOST/taxii2/."

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_elements = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Page:
    """A page of objects, as bytes. Dates are microseconds since 1970, None where the server gives none. `remarks` say
    what of it is against the standard."""

    objects: Sequence[bytes]
    more: bool
    next: str | None
    first_added: int | None
    last_added: int | None
    remarks: tuple[str, ...]
    body: bytes


def resource_of(answer: Fetched) -> dict[str, Any]:
    """The JSON object that was answered. InvalidAnswer for anything else."""
    try:
        value = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, dict):
        return value
    kind = clean(answer.headers.get("content-type", "no type"))
    raise InvalidAnswer(f"{host_of(answer.url)} answers {kind}, no TAXII.", where="body", rule="RFC 8259", hint=HINT)


def good(answer: Fetched) -> Fetched:
    """The answer, where it is one; else what its status means, in the words of the other server."""
    if answer.status in (200, 202, 203, 206):
        return answer
    raise trouble_of(answer)


def trouble_of(answer: Fetched) -> ComityError:
    """What an answer means that is no success."""
    host, status = host_of(answer.url), answer.status
    words = _words_of(answer)
    said = f"{host} answers {status}{f': {words}' if words else ''}"
    if status in (429, 503) or status >= 500:
        wait = _retry_seconds(answer.headers) if status in (429, 503) else RETRY_SECONDS_DEFAULT
        return PeerUnavailable(f"{said}.", hint="Try again later.", retry_after_seconds=wait)
    if status == 401:
        return PeerRefused(f"{said}.", hint="See the credential: --user and --secret-file, or --token-file.")
    if status == 403:
        return PeerRefused(f"{said}.", hint="Ask its operator for the right.")
    if status == 404:
        return NotFound(f"{said}.", hint="See the URL.", where="url")
    if status == 413:
        return TooLarge(f"{said}.", where="body")
    if 400 <= status < 500:
        return PeerRefused(f"{said}.")
    return InvalidAnswer(f"{said}, which is no answer to this.", where="status")


def _words_of(answer: Fetched) -> str:
    """Title and description of a TAXII error message (section 3.6.1), made harmless and short."""
    try:
        value = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(value, dict):
        return ""
    parts = [value.get("title"), value.get("description")]
    return clean(". ".join(part for part in parts if isinstance(part, str)), TEXT_CHARACTERS_MAX).rstrip(".")


def _retry_seconds(headers: Mapping[str, str]) -> int:
    """How long the server wants to be let be: seconds, or a date beside the one of its own clock (RFC 9110, 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        return min(int(text), RETRY_SECONDS_MAX)
    try:
        then, now = (parsedate_to_datetime(each) for each in (text, headers.get("date", "")))
        seconds = int((then.astimezone(UTC) - now.astimezone(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return RETRY_SECONDS_DEFAULT
    return min(max(seconds, 0), RETRY_SECONDS_MAX)


def page_of(answer: Fetched) -> Page:
    """The envelope that was answered. InvalidAnswer where it is none."""
    remarks: list[str] = []
    kind = parse_media_type(answer.headers.get("content-type", ""))
    if kind is None or kind.admits(TAXII) < 3:
        remarks.append(f"the media type is {clean(answer.headers.get('content-type', 'missing'))} (section 1.6.8)")
    objects, members = _objects(answer)
    next_page = _next(members.get("next"), remarks)
    more = _more(members.get("more"), next_page, remarks)
    added = [_added(answer.headers, name, remarks) for name in (FIRST, LAST)]
    if objects and added[1] is None:
        remarks.append(f"{LAST} is missing (section 3.2)")
    return Page(objects, more, next_page, added[0], added[1], tuple(remarks), answer.body)


def _objects(answer: Fetched) -> tuple[list[bytes], dict[str, Any]]:
    """The objects of an envelope, and its other members that matter. One broken object sinks no others."""
    raws: dict[str, msgspec.Raw] = {}
    try:
        raws = _members.decode(answer.body)
        listed = _elements.decode(raws["objects"]) if bytes(raws.get("objects", b"null")) != b"null" else []
        objects = [bytes(one) for one in listed]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        try:
            objects = split_document(answer.body, objects_max=PAGE_OBJECTS_MAX)
        except Invalid as error:
            words = f"{host_of(answer.url)} answers no envelope: {error.message}."
            raise InvalidAnswer(words, where=error.where, rule=error.rule) from error
    if not raws and objects:
        # The envelope is broken somewhere inside an object; its other members are found without those.
        return objects, _tail_members(answer.body)
    return objects, {name: _value(raws[name]) for name in ("more", "next") if name in raws}


_MEMBER = re.compile(rb'"(more|next)"\s*:\s*(true|false|"(?:[^"\\\x00-\x1f]|\\.){1,4096}")')


def _tail_members(body: bytes) -> dict[str, Any]:
    head = body.partition(b'"objects"')[0][-10_000:]
    tail = body[-10_000:].rpartition(b"]")[2]
    return {name.decode(): _value(raw) for name, raw in _MEMBER.findall(head + tail)}


def _value(raw: bytes | msgspec.Raw) -> Any:
    try:
        return orjson.loads(bytes(raw))
    except orjson.JSONDecodeError:
        return None


def _next(value: Any, remarks: list[str]) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        remarks.append("next is a number (section 3.7)")
        value = str(value)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > NEXT_CHARACTERS_MAX:
        remarks.append(f"next is {shown(value)} (section 3.7)")
        return None
    return value


def _more(value: Any, next_page: str | None, remarks: list[str]) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    remarks.append(f"more is {shown(value)} (section 3.7)")
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return next_page is not None


def _added(headers: Mapping[str, str], name: str, remarks: list[str]) -> int | None:
    text = headers.get(name)
    if text is None:
        return None
    added = added_of(text)
    if added is None:
        remarks.append(f"{name} is {shown(text)} (section 2)")
    return added


def added_of(text: str) -> int | None:
    """Microseconds since 1970 of a timestamp, further digits cut off; None for what is none, or before 1970."""
    if instant_key(text) is None:
        return None
    whole, _, fraction = text[:-1].partition(".")
    added = microseconds(datetime.fromisoformat(whole + "+00:00")) + int(fraction[:6].ljust(6, "0"))
    return added if added > 0 else None


def text_of(value: Any) -> str:
    """A text of the other server, harmless and short; empty for what is none."""
    return clean(value, TEXT_CHARACTERS_MAX) if isinstance(value, str) else ""


def host_of(url: str) -> str:
    """Host and port of a URL, as a name of the other server."""
    return clean(urlsplit(url).netloc.rpartition("@")[2])
