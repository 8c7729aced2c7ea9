"""RFC 8785 canonical JSON, so that equal values have equal bytes."""

from typing import Any

import rfc8785


def canonical_bytes(value: Any) -> bytes:
    """The one spelling of a JSON value: members sorted by UTF-16 code units, numbers as ECMAScript writes them.

    Raises ValueError for what JSON cannot say (NaN, sets) and for integers outside ±(2**53 - 1).
    """
    return rfc8785.dumps(value)
