"""What would become of objects if they were taken in: looked at without storing anything.

The verdicts are those of `comity.store.ingest`, of the state of the store as it is looked at. What is here already and
whoever asks may not read counts as new, so that nobody learns of it (R64)."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import orjson
from msgspec import Struct

from comity.errors import Invalid, TooLarge
from comity.node.barring import Barred
from comity.node.forming import Classes
from comity.node.way import Way
from comity.release.personal import findings
from comity.stix.compare import differing_paths
from comity.stix.object import VERSIONLESS, JsonObject, Rejected, StixObject
from comity.stix.parse import Limits, judge
from comity.stix.schema import Schemas
from comity.stix.tlp import TLP
from comity.store.interface import Snapshot
from comity.store.nouns import Copy
from comity.store.text import label_of
from comity.store.views import Keys

OBJECTS_MOST = 100_000
AT_ONCE = 500
TOLD_MOST = 100
"""Of what is rejected or conflicts, so many are told with their places."""
SAMPLE_MOST = 12
LABEL_CHARACTERS = 120
RAW_BYTES_KEPT = 32 * 2**20
"""Of the new objects so many bytes are kept, to compare what comes later in the same files. Behind them another
spelling of the same content counts as another content; when it is stored it is found to be a duplicate."""
FORMS_MOST = 1000
"""So many classes of objects are kept apart; more are not asked about for partners."""


class Refusal(Struct, frozen=True):
    """An object that is not taken: its file, its place in it, and the first fault."""

    file: int
    index: int
    id: str
    where: str
    rule: str
    problem: str


class Differing(Struct, frozen=True):
    """Another content of a version that is here already from the same source, or earlier in the same files."""

    file: int
    index: int
    id: str
    version: str
    paths: tuple[str, ...]


class Sampled(Struct, frozen=True):
    """One of the objects; `tlp` is its own TLP word, empty where it names none."""

    id: str
    type: str
    label: str
    tlp: str


class Preview(Struct, frozen=True):
    """What would become of the objects. `levels` counts them by the TLP word that each names itself; `unmarked` name
    none and get the default. `personal` counts findings of personal data by kind (R23). `findings` are faults of what
    is taken all the same. `broken` says where a file ends in something that cannot be read; what stands before is
    taken. `receives` are partners and how many of the objects policy would let go to each, None where that was not
    asked. `bytes` is the size of all after unpacking."""

    new: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    types: dict[str, int] = {}
    levels: dict[str, int] = {}
    unmarked: int = 0
    personal: dict[str, int] = {}
    findings: int = 0
    refusals: tuple[Refusal, ...] = ()
    differing: tuple[Differing, ...] = ()
    sample: tuple[Sampled, ...] = ()
    broken: tuple[tuple[int, str, str], ...] = ()
    receives: tuple[tuple[str, int], ...] | None = None
    bytes: int = 0

    @property
    def objects(self) -> int:
        """How many there are in all."""
        return self.new + self.duplicates + self.conflicts + self.rejected


Look = Callable[[Snapshot, Sequence[int]], Keys]
"""Those of the copies with these keys that whoever asks may read."""


@dataclass(slots=True)
class Inspection:
    """Objects are looked at file by file; `preview` says what was found. `forms` counts the classes of what would be
    new, None where there are too many."""

    way: Way
    schemas: Schemas
    limits: Limits
    barred: Barred
    readable: Look
    new: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0
    unmarked: int = 0
    findings: int = 0
    types: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] = field(default_factory=Counter)
    personal: Counter[str] = field(default_factory=Counter)
    forms: Counter[bytes] | None = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    differing: list[Differing] = field(default_factory=list)
    sample: list[Sampled] = field(default_factory=list)
    broken: list[tuple[int, str, str]] = field(default_factory=list)
    _seen: dict[tuple[str, str], tuple[bytes, bytes]] = field(default_factory=dict)
    _raw_bytes: int = 0

    def file(self, number: int, raws: Iterable[bytes | Rejected], snapshot: Snapshot) -> Iterator[int]:
        """The objects of that file are looked at, some at once; how many were until then. TooLarge where there are
        more than OBJECTS_MOST in all files."""
        source, index = iter(raws), 0
        while True:
            some: list[bytes | Rejected] = []
            try:
                # What came before a fault stays.
                some.extend(islice(source, AT_ONCE))
            except Invalid as error:
                if error.rule == "size":
                    raise
                self.broken.append((number, error.where, error.message))
                source = iter(())
            if not some:
                return
            if self.new + self.duplicates + self.conflicts + self.rejected + len(some) > OBJECTS_MOST:
                raise TooLarge(
                    f"A form holds at most {OBJECTS_MOST:,} objects.",
                    where="files",
                    rule="size",
                    hint="For more, use: comity import FILE",
                )
            self._look(number, index, some, snapshot)
            index += len(some)
            yield index

    def preview(self) -> Preview:
        """What was found so far, but for who would receive it."""
        return Preview(
            new=self.new,
            duplicates=self.duplicates,
            conflicts=self.conflicts,
            rejected=self.rejected,
            types=dict(self.types.most_common()),
            levels=dict(sorted(self.levels.items(), key=lambda item: TLP.read(item[0]))),
            unmarked=self.unmarked,
            personal=dict(sorted(self.personal.items())),
            findings=self.findings,
            refusals=tuple(self.refusals),
            differing=tuple(self.differing),
            sample=tuple(self.sample),
            broken=tuple(self.broken),
        )

    def _look(self, file: int, first: int, raws: Sequence[bytes | Rejected], snapshot: Snapshot) -> None:
        good: list[tuple[int, StixObject]] = []
        for index, raw in enumerate(raws, first):
            judged = raw if isinstance(raw, Rejected) else self._judge(raw, index)
            if isinstance(judged, StixObject):
                good.append((index, judged))
                continue
            self.rejected += 1
            if len(self.refusals) < TOLD_MOST:
                fault = judged.findings[0]
                self.refusals.append(Refusal(file, index, judged.id, fault.where, fault.rule, fault.problem))
        rivals = self._rivals(snapshot, [one for _, one in good])
        classes = Classes(snapshot, self.way.ours, self.way.known)
        for index, one in good:
            self._count(file, index, one, rivals.get((one.id, one.instant)), classes)

    def _judge(self, raw: bytes, index: int) -> StixObject | Rejected:
        labels = self.way.source.labels_are_markings
        found = judge(raw, index, self.schemas, strict=self.way.strict, labels=labels, limits=self.limits)
        return self.barred.judge(found, index) if isinstance(found, StixObject) else found

    def _rivals(self, snapshot: Snapshot, some: Sequence[StixObject]) -> dict[tuple[str, str], Copy]:
        """The live copies of the same versions from the same source in the same collection that may be read."""
        found: dict[tuple[str, str], Copy] = {}
        for one in some:
            for copy in snapshot.copies(one.id, self.way.collection):
                if copy.state.live and copy.source == self.way.source.name and copy.version == one.version:
                    found[one.id, one.instant] = copy
        readable = self.readable(snapshot, [copy.key for copy in found.values()])
        return {place: copy for place, copy in found.items() if copy.key in readable}

    def _count(self, file: int, index: int, one: StixObject, rival: Copy | None, classes: Classes) -> None:
        value = orjson.loads(one.raw)
        self.types[one.type] += 1
        self.findings += len(one.findings)
        if one.tlp is None:
            self.unmarked += 1
        else:
            self.levels[TLP(one.tlp).word] += 1
        self.personal.update(finding.kind.value for finding in findings(value))
        if len(self.sample) < SAMPLE_MOST:
            word = "" if one.tlp is None else TLP(one.tlp).word
            self.sample.append(Sampled(one.id, one.type, label_of(one.raw)[:LABEL_CHARACTERS], word))
        paths = self._differs(one, rival)
        if paths is None:
            self.new += 1
            self._class(one, value, classes)
        elif paths:
            self.conflicts += 1
            if len(self.differing) < TOLD_MOST:
                self.differing.append(Differing(file, index, one.id, one.version, paths))
        else:
            self.duplicates += 1

    def _differs(self, one: StixObject, rival: Copy | None) -> tuple[str, ...] | None:
        """Where it differs from what is here or came before it in the files; empty where it is the same, None where
        there is nothing, or where the newest without a version counts."""
        place = one.id, one.instant
        kept, body = self._seen.get(place, (b"", b""))
        if not kept and rival is not None:
            kept, body = rival.digest, rival.body or b""
        if kept:
            paths = () if kept == one.digest else tuple(differing_paths(body, one.raw)) if body else ("",)
            if not paths or one.version != VERSIONLESS:
                return paths
        self._raw_bytes += len(one.raw)
        self._seen[place] = one.digest, one.raw if self._raw_bytes <= RAW_BYTES_KEPT else b""
        return None

    def _class(self, one: StixObject, value: JsonObject, classes: Classes) -> None:
        if self.forms is None:
            return
        default = int(self.way.default_tlp) if one.tlp is None else None
        _, form = classes.form(self.way.source.name, default, None, value)
        self.forms[form] += 1
        if len(self.forms) > FORMS_MOST:
            self.forms = None
