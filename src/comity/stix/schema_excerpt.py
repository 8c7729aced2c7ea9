"""A part of a large broken value that is broken too, so that naming its faults costs no more than it is worth.

Telling that an object is valid takes linear time. Listing its errors does not: each error carries the value that it is
about, and a list of 10,000 empty objects against the alternatives of observed-data took half a minute and 700 MB.
"""

from collections.abc import Callable, Iterator
from typing import Any

NODES_MAX = 2000
"""Values with that many parts are listed whole; of larger ones an excerpt is made."""

_WIDTHS = (200, 20, 4)
_WINDOWS_MAX = 100
_MEMBERS_MAX = 64

Offsets = dict[int, int]
"""By the `id` of a list in an excerpt: how many elements stand before its first in the whole."""


def broken_part(
    value: dict[str, Any], is_valid: Callable[[Any], bool], known: frozenset[str]
) -> tuple[dict[str, Any], Offsets] | None:
    """The value itself, if it is small, or the first broken excerpt with its offsets; None where none is found.

    An excerpt has a window of each long list, and of the members of a large object those in the window whose names no
    schema knows, so that nothing that a schema asks for goes missing.
    """
    if _Excerpt(known, 0, 1 << 30).fits(value):
        return value, {}
    for width in _WIDTHS:
        for window in range(_WINDOWS_MAX):
            excerpt = _Excerpt(known, window * width, width)
            if not excerpt.fits(value):
                break
            part = excerpt.of(value)
            if not is_valid(part):
                return part, excerpt.offsets
            if (window + 1) * width >= excerpt.longest:
                break
    return None


class _Excerpt:
    def __init__(self, known: frozenset[str], start: int, width: int) -> None:
        self.known = known
        self.start = start
        self.width = width
        self.longest = 0
        self.offsets: Offsets = {}

    def fits(self, value: Any) -> bool:
        """The excerpt has at most NODES_MAX parts. Nothing is copied, and no more is looked at than that."""
        count, todo = 0, [value]
        while todo:
            one = todo.pop()
            count += 1
            if count + len(todo) > NODES_MAX:
                return False
            if type(one) is dict:
                todo += [one[name] for name in self._names(one)]
            elif type(one) is list:
                todo += self._window(one)[1]
        return True

    def of(self, value: Any) -> Any:
        if type(value) is dict:
            return {name: self.of(value[name]) for name in self._names(value)}
        if type(value) is list:
            start, window = self._window(value)
            part = [self.of(one) for one in window]
            if start:
                self.offsets[id(part)] = start
            return part
        return value

    def _window(self, value: list[Any]) -> tuple[int, list[Any]]:
        self.longest = max(self.longest, len(value))
        start = self.start if self.start < len(value) else 0
        return start, value[start : start + min(self.width, NODES_MAX + 1)]

    def _names(self, value: dict[str, Any]) -> list[str]:
        if len(value) <= _MEMBERS_MAX:
            return list(value)
        return list(self._some_names(value))

    def _some_names(self, value: dict[str, Any]) -> Iterator[str]:
        unknown = 0
        for name in value:
            if name in self.known:
                yield name
            else:
                if self.start <= unknown < self.start + self.width:
                    yield name
                unknown += 1
        self.longest = max(self.longest, unknown)
