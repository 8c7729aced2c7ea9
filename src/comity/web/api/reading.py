"""What callers give, read within bounds: queries and bodies into structs, and the entity tags that they name."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import inspect

from comity.errors import Invalid, InvalidRequest
from comity.web.api.operation import FILE_TYPE, Given, Operation
from comity.web.call import Call
from comity.web.problems import FileAlone, JsonAlone, Stale, Unguarded

PARAMETERS_MAX = 1_100
NUMBER_DIGITS_MOST = 18
KEY = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})
_PLACE = re.compile(r"(?P<words>.*?)(?: - at `\$?\.?(?P<where>[^`]*)`)?", re.DOTALL)
_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')


# -- queries and bodies ------------------------------------------------------------------------------------------------
def query_of(call: Call, kind: type[Given]) -> Any:
    """The query as a value of that kind. InvalidRequest for what it does not name, and for what cannot be read."""
    try:
        pairs = parse_qsl(
            call.query_string.decode("ascii"), True, strict_parsing=bool(call.query_string), errors="strict",
            max_num_fields=PARAMETERS_MAX,
        )  # fmt: skip
    except ValueError:
        raise InvalidRequest("The query cannot be read.", where="query") from None
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    there = [one for one in info.fields if one.encode_name in given]
    values = {one.encode_name: _value(one, given.pop(one.encode_name)) for one in there}
    if given:
        name = next(iter(given))
        known = ", ".join(one.encode_name for one in info.fields) or "none"
        raise InvalidRequest(f"There is no parameter {name[:40]!r}.", where=name[:40], hint=f"Parameters: {known}.")
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        words, where = _words(error)
        raise InvalidRequest(words, where=where) from None


def _value(field: inspect.Field, texts: list[str]) -> Any:
    if isinstance(field.type, inspect.VarTupleType):
        return texts
    name = field.encode_name
    if len(texts) > 1:
        raise InvalidRequest(f"{name} is given more than once.", where=name)
    text = texts[0]
    kinds = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
    if any(isinstance(kind, inspect.IntType) for kind in kinds):
        if not (text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS_MOST):
            raise InvalidRequest(f"{name} is a whole number.", where=name)
        return int(text)
    if any(isinstance(kind, inspect.BoolType) for kind in kinds):
        if text not in ("true", "false"):
            raise InvalidRequest(f"{name} is true or false.", where=name)
        return text == "true"
    return text


def check_body(call: Call) -> None:
    """The body is announced as JSON, and not packed. JsonAlone otherwise."""
    kind = (call.headers.get(b"content-type") or "").partition(";")[0].strip().lower()
    if call.headers.get(b"content-encoding") is not None or kind not in JSON_TYPES:
        raise JsonAlone("This takes JSON alone.", where="Content-Type", hint="Send application/json.")


def check_file(call: Call) -> None:
    """The body is announced as the bytes of a file. FileAlone otherwise."""
    kind = (call.headers.get(b"content-type") or "").partition(";")[0].strip().lower()
    if call.headers.get(b"content-encoding") is not None or kind != FILE_TYPE:
        raise FileAlone("This takes the bytes of a file.", where="Content-Type", hint=f"Send {FILE_TYPE}.")


def body_of(content: bytes, kind: type[Given]) -> Any:
    """The body as a value of that kind. InvalidRequest for what is no JSON, Invalid for other members or values."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        words, where = _words(error)
        raise Invalid(words, where=where) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest("The body is no JSON.", where="body") from None


def _words(error: msgspec.ValidationError) -> tuple[str, str]:
    match = _PLACE.fullmatch(str(error))
    assert match is not None
    return f"{match['words'].rstrip('.')}.", match["where"] or "body"


# -- entity tags -------------------------------------------------------------------------------------------------------
def tag_of(body: bytes) -> str:
    """The strong entity tag of these bytes (RFC 9110 section 8.8.3), without its quotes."""
    return hashlib.sha256(body).hexdigest()[:32]


def names_tag(header: str | None, tag: str) -> bool:
    """Whether the header If-Match or If-None-Match names the tag, in whatever coding it was sent."""
    if header is None:
        return False
    if header.strip() == "*":
        return True
    return any(named.partition("-")[0] == tag for named in _TAG.findall(header))


def check_guard(call: Call, tag: str) -> None:
    """The caller names what it changes. Unguarded (428) where it names nothing, Stale (412) where it names what is
    no more."""
    header = call.headers.get(b"if-match")
    if header is None:
        hint = "Give the ETag of the answer to a GET of this path."
        raise Unguarded("Say by If-Match what you change.", where="If-Match", hint=hint)
    if not names_tag(header, tag):
        raise Stale("It was changed meanwhile.", where="If-Match", hint="Read it again, and look at what it says now.")


# -- keys of requests --------------------------------------------------------------------------------------------------
def key_of(call: Call) -> str:
    """The Idempotency-Key; empty where there is none. InvalidRequest where it cannot be one."""
    found = call.headers.all(b"idempotency-key")
    if not found:
        return ""
    text = found[0].decode("latin-1")
    if len(found) > 1 or KEY.fullmatch(text) is None:
        raise InvalidRequest(
            "A key is 1 to 200 printable ASCII characters without a space, given once.", where="Idempotency-Key"
        )
    return text


def digest_of(operation: Operation, parameters: Mapping[str, str], query: bytes, content: bytes) -> bytes:
    """What tells one request from another under the same key."""
    parts = (operation.method, operation.template, *(f"{name}={text}" for name, text in sorted(parameters.items())))
    found = hashlib.sha256()
    for part in ("\n".join(parts).encode("utf-8", "surrogatepass"), query, content):
        found.update(len(part).to_bytes(8, "big") + part)
    return found.digest()
