"""The slow twin of the search for personal data: every expression over every text, without a look beforehand."""

from collections.abc import Iterator
from typing import Any

from comity.release.expressions import ALL, IP
from comity.release.personal import Kind, Personal, Span, _fixed, _kind
from comity.stix.graph import Place


def spans(text: str, *, addresses: bool = False) -> tuple[Span, ...]:
    """What `personal.spans` says."""
    taken: set[int] = set()
    found = []
    for expression in ALL:
        if expression is IP and not addresses:
            continue
        for match in expression.pattern.finditer(text):
            reach = expression.reach(match)
            if reach is not None and taken.isdisjoint(range(*reach)):
                taken.update(range(*reach))
                found.append(Span(expression.what, *reach))
    return tuple(sorted(found, key=lambda span: span.start))


def findings(value: dict[str, Any], *, addresses: bool = False, addressee: bool = False) -> tuple[Personal, ...]:
    """What `personal.findings` says."""
    kind = str(value.get("type", ""))
    pattern = value.get("pattern")
    known = set()
    if isinstance(pattern, str):
        known = {pattern[one.start : one.end].casefold() for one in spans(pattern, addresses=addresses)}
    found: list[Personal] = []
    for place, text in texts(value, ()):
        for span in spans(text, addresses=addresses):
            which = _kind(kind, place, span.what, text[span.start : span.end], known)
            which = Kind.VICTIM if addressee else which
            found.append(Personal(which, span.what, place, span.start, span.end, _fixed(kind, place)))
    return tuple(found)


def texts(one: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Every text with its place, but for references."""
    if isinstance(one, str):
        if not str(place[-1]).endswith(("_ref", "_refs")):
            yield place, one
    elif isinstance(one, dict):
        for name, inner in one.items():
            if not name.endswith("_refs"):
                yield from texts(inner, (*place, name))
    elif isinstance(one, list):
        for number, inner in enumerate(one):
            yield from texts(inner, (*place, number))
