"""The only maker of Released: what may leave, and nothing else."""

from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, final

import orjson

from comity.release.closure import Outcome, Verdict
from comity.release.cuts import Edits
from comity.stix.spans import rewrite

__all__ = ["Released", "redact", "redact_all"]


@final
class Released:
    """Bytes of an object that may leave for one recipient. Whoever holds one got it from `redact`: it cannot be made,
    copied, unpickled or changed elsewhere, so that a wire format that takes nothing else lets nothing else out."""

    __slots__ = ("_raw",)
    _raw: bytes

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise TypeError("Released is made by comity.release.redact alone")

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Released has no kinds")

    @property
    def raw(self) -> bytes:
        """The bytes to send, exactly these."""
        return self._raw

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("Released does not change")

    def __reduce__(self) -> NoReturn:
        raise TypeError("Released is not copied")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("Released is not copied")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Released) and self._raw == other._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __repr__(self) -> str:
        return f"<Released, {len(self._raw)} bytes>"


def redact(raw: bytes, outcome: Outcome) -> Released | None:
    """What leaves of the object whose bytes these are: the same bytes where nothing goes, else the same ones without
    what goes; None where it is withheld. `raw` was judged before (`comity.stix.parse`)."""
    if outcome.verdict is Verdict.WITHHOLD:
        return None
    return _released(raw if outcome.verdict is Verdict.RELEASE else edited(raw, outcome.edits))


def redact_all(raws: Sequence[bytes], outcomes: Mapping[int, Outcome]) -> list[Released | None]:
    """The same of many objects, each as `redact` would have it; what has no outcome by its place leaves as it is."""
    found: list[Released | None] = list(map(_released, raws))
    for place, outcome in outcomes.items():
        found[place] = redact(raws[place], outcome)
    return found


def edited(raw: bytes, edits: Edits) -> bytes:
    """The bytes after the edits. Every other member keeps its own: order, white space, digits, escapes."""
    changes: dict[tuple[str | int, ...], bytes | None] = dict.fromkeys(edits.removed)
    changes |= {place: orjson.dumps(text) for place, text in edits.replaced.items()}
    return rewrite(raw, changes)


_new: Callable[[type[Released]], Released] = object.__new__
_keep: Callable[[Released, bytes], None] = Released.__dict__["_raw"].__set__


def _released(raw: bytes) -> Released:
    one = _new(Released)
    _keep(one, raw)
    return one
