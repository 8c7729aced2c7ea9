"""Which copies an account may read, asked of many at once: the rule is that of `comity.node.viewing.Viewer.copies`."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
from pyroaring import BitMap

from comity.node.forming import Classes
from comity.node.viewing import Viewer
from comity.store.interface import Snapshot
from comity.store.views import Keys

DEFINITIONS = ("marking-definition",)
KNOWN_MOST = 1_000_000
State = tuple[int, int, int, int, frozenset[str]]


@dataclass(slots=True)
class _Judged:
    """Copies of others without a class, as bodies and definitions were in that state of the store."""

    state: State | None = None
    open: BitMap = field(default_factory=BitMap)
    closed: BitMap = field(default_factory=BitMap)


class Readable:
    """It remembers what it looked at, since a body says the same as long as nothing changes what its markings mean;
    what a source sends beyond the classes that are kept apart (R66) may be shown a while longer. Safe to use from
    threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._judged = _Judged()
        self._classes: dict[int, bool | None] = {}

    def among(self, snapshot: Snapshot, viewer: Viewer, keys: Sequence[int], ours: frozenset[str]) -> Keys:
        """Those of these copies, all of them live, that are shown with all that is in them."""
        if viewer.everything or not viewer.reads:
            return BitMap(keys) if viewer.everything else BitMap()
        found, rest = BitMap(), BitMap(keys)
        for key, number in snapshot.classes_of(keys).items():
            shown = self._of_class(snapshot, viewer, number)
            # What only its sender is served has no class: it is judged by its body, as what is not published.
            if shown is not None:
                rest.discard(key)
                if shown:
                    found.add(key)
        own = rest & snapshot.keys_of(sources=[source.name for source in snapshot.sources() if source.kind == "own"])
        return found | own | self._of_bodies(snapshot, viewer, rest - own, ours)

    def _of_class(self, snapshot: Snapshot, viewer: Viewer, number: int) -> bool | None:
        if number not in self._classes:
            forms = snapshot.classes()
            self._classes = {key: viewer.may_read(form, whole=True) if form else None for key, form in forms.items()}
        return self._classes[number]

    def _of_bodies(self, snapshot: Snapshot, viewer: Viewer, keys: Keys, ours: frozenset[str]) -> Keys:
        if not keys:
            return keys
        with self._lock:
            judged = self._judged_in(snapshot, ours)
            unknown = keys - judged.open - judged.closed
        if unknown:
            classes = Classes(snapshot, ours)
            shown = BitMap()
            for key, source, default_tlp, mark, body in snapshot.for_class(list(unknown)):
                _, form = classes.form(source, default_tlp, mark, orjson.loads(body))
                if viewer.may_read(form, whole=True):
                    shown.add(key)
            with self._lock:
                judged = self._judged_in(snapshot, ours)
                judged.open |= shown
                judged.closed |= unknown - shown
                return keys & (judged.open | shown) - judged.closed
        return keys & judged.open

    def _judged_in(self, snapshot: Snapshot, ours: frozenset[str]) -> _Judged:
        definitions = snapshot.keys_of(types=DEFINITIONS)
        last = definitions.max() if definitions else 0
        state = (snapshot.admin_version, snapshot.last_change, len(definitions), last, ours)
        if self._judged.state != state or len(self._judged.open) > KNOWN_MOST:
            self._judged = _Judged(state)
        return self._judged
