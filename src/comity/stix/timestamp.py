"""STIX timestamps as instants that keep every digit (STIX 2.1 section 2.16; RFC 3339).

Leap seconds are refused. RFC 3339 and the OASIS schemas have the form `23:59:60`, yet the OASIS validator refuses it
with its date library, as do those of the clients that would read the object back: one such date, once stored, makes a
page that they cannot read. There is none in the data that is published, and none is planned any more.
"""

import re
from datetime import datetime

_RFC3339_UTC = re.compile(
    r"((\d{4})-(?:0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d+))?Z", re.ASCII
)
DIGITS_MAX = 40
"""Digits of a second's fraction. A clock has nine; more than this is an attempt to fill an index."""
_CHARACTERS_MAX = len("YYYY-MM-DDThh:mm:ss.Z") + DIGITS_MAX


def instant_key(text: str) -> str | None:
    """The instant in a form whose text order is its order in time, whatever the number of digits; None where `text` is
    no STIX timestamp. `…:00.5Z`, `…:00.50Z` have one key; it is the text without `Z` and without trailing zeros."""
    if len(text) > _CHARACTERS_MAX:
        return None
    match = _RFC3339_UTC.fullmatch(text)
    if match is None:
        return None
    whole, year, day, fraction = match.groups()
    if day > "28" or year == "0000":
        try:
            datetime.fromisoformat(whole)
        except ValueError:
            return None
    if fraction is None:
        return whole
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole
