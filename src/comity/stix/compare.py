"""Two bodies of one version, told apart by what they mean: member order, white space and the spelling of numbers and
texts mean nothing; the order of a list does."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from comity.stix.words import path_of

PATHS_MAX = 20


def differing_paths(a: bytes, b: bytes, most: int = PATHS_MAX) -> tuple[str, ...]:
    """The places at which two accepted objects differ in meaning, at most `most` of them; empty where they are equal.
    Numbers are compared with every digit: `1` is `1.0`, `true` is not `1`."""
    if a == b:
        return ()
    found: list[str] = []
    _compare(_loads(a), _loads(b), [], found, most)
    return tuple(found)


def _loads(raw: bytes) -> Any:
    return json.loads(raw, parse_float=_number, parse_int=_number)


def _number(text: str) -> Decimal | tuple[str]:
    try:
        return Decimal(text)
    except InvalidOperation:
        # An exponent of twenty digits, as in 0e99999999999999999999: only the same spelling is the same then.
        return (text,)


def _compare(a: Any, b: Any, place: list[str | int], found: list[str], most: int) -> None:
    if len(found) >= most:
        return
    if type(a) is dict and type(b) is dict:
        for name in a:
            if name not in b:
                _add([*place, name], found, most)
            else:
                _compare(a[name], b[name], [*place, name], found, most)
        for name in b:
            if name not in a:
                _add([*place, name], found, most)
    elif type(a) is list and type(b) is list:
        for number in range(max(len(a), len(b))):
            if number >= len(a) or number >= len(b):
                _add([*place, number], found, most)
            else:
                _compare(a[number], b[number], [*place, number], found, most)
            if len(found) >= most:
                return
    elif type(a) is not type(b) or a != b:
        _add(place, found, most)


def _add(place: list[str | int], found: list[str], most: int) -> None:
    if len(found) < most:
        found.append(path_of(place))
