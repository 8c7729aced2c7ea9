"""The one way in. Bytes are cut into objects, each is judged alone, and what is good is stored in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, repeat
from typing import Any

from comity.errors import Invalid, InvalidObject
from comity.interfaces import Clock, Entropy, microseconds
from comity.node import forming, publishing, reclassifying
from comity.node.access import Access
from comity.node.barring import Barred, barred, name_bars
from comity.node.outbound import permit
from comity.node.way import Way
from comity.release.classifier import ClassKeys
from comity.stix.markings import TLP
from comity.stix.object import Finding, JsonObject, Rejected, StixObject
from comity.stix.parse import Limits, judge
from comity.stix.schema import Schemas
from comity.stix.split import split_envelope
from comity.store.interface import Store, Transaction
from comity.store.nouns import Outcome, State, Status, Verdict
from comity.taxii.resources import status_resource

BATCH_OBJECTS = 1000
"""So many objects are judged while the ones before are written."""
SLICE_OBJECTS = 2000
SLICE_BYTES = 16 * 2**20
"""So much of a long import is stored in one transaction, whichever is reached first."""
FINDINGS_MAX = 1000
ENVELOPE_OBJECTS_MAX = 100_000
STATUS_SECONDS_KEPT = 48 * 3600


@dataclass(frozen=True, slots=True)
class ConflictReport:
    """Another body of a version that is kept from the same source; the first one stays."""

    id: str
    version: str
    differs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RejectedReport:
    """An object that was not taken, its place in what was sent, and the first fault."""

    index: int
    id: str
    version: str
    where: str
    rule: str
    problem: str


@dataclass(frozen=True, slots=True)
class FindingReport:
    """A fault of an object that was taken all the same."""

    id: str
    where: str
    rule: str
    problem: str


@dataclass(slots=True)
class Report:
    """One verdict an object. `findings` holds the first FINDINGS_MAX, `findings_count` says how many there were.

    `broken` is set where the input ended in something that could not be read: what came before it is stored.
    """

    source: str
    new_source: bool = False
    stored: int = 0
    duplicates: int = 0
    superseded: int = 0
    conflicts: list[ConflictReport] = field(default_factory=list)
    rejected: list[RejectedReport] = field(default_factory=list)
    findings: list[FindingReport] = field(default_factory=list)
    findings_count: int = 0
    broken: Invalid | None = None

    def to_json(self) -> dict[str, Any]:
        """The report as the command line prints it."""
        body: dict[str, Any] = {
            "source": self.source,
            "new_source": self.new_source,
            "stored": self.stored,
            "duplicates": self.duplicates,
            "superseded": self.superseded,
            "conflicts": [{"id": c.id, "version": c.version, "differs": list(c.differs)} for c in self.conflicts],
            "rejected": [
                {
                    "index": r.index,
                    "id": r.id,
                    "version": r.version,
                    "where": r.where,
                    "rule": r.rule,
                    "problem": r.problem,
                }
                for r in self.rejected
            ],
            "findings": [{"id": f.id, "where": f.where, "rule": f.rule, "problem": f.problem} for f in self.findings],
            "findings_count": self.findings_count,
        }
        if self.broken is not None:
            body["broken"] = {"where": self.broken.where, "problem": self.broken.message}
        return body


@dataclass(frozen=True, slots=True)
class Posted:
    """The answer to a POST: the finished status resource."""

    id: str
    body: bytes


class _Judging:
    """Cuts batches for the store out of raw objects, and remembers every judgement in order."""

    def __init__(
        self,
        raws: Iterable[bytes | Rejected],
        way: Way,
        schemas: Schemas,
        limits: Limits,
        *,
        barred: Barred,
        first_index: int = 0,
        ids_needed: bool = False,
    ) -> None:
        self._raws = iter(raws)
        self._way = way
        self._schemas = schemas
        self._limits = limits
        self.barred = barred
        self._index = first_index
        self._ids_needed = ids_needed
        self.judged: list[StixObject | Rejected] = []

    def batches(self) -> Iterator[list[StixObject]]:
        """Batches of the accepted, in order.

        With `ids_needed` an object without a readable id raises InvalidObject: a status resource could not name it.
        """
        strict, labels = self._way.strict, self._way.source.labels_are_markings
        limits, looking = self._limits, forming.looking(self._way)
        while raws := list(islice(self._raws, BATCH_OBJECTS)):
            batch = []
            for raw, look in zip(raws, _looks(looking, raws), strict=True):
                result: StixObject | Rejected
                if isinstance(raw, Rejected):
                    result = replace(raw, index=self._index)
                else:
                    result = judge(
                        raw, self._index, self._schemas, strict=strict, labels=labels, limits=limits, look=look
                    )
                if isinstance(result, StixObject):
                    result = self.barred.judge(result, self._index)
                self._index += 1
                self.judged.append(result)
                if isinstance(result, StixObject):
                    batch.append(result)
                elif self._ids_needed and not result.id:
                    where = f"objects[{result.index}]"
                    hint = "Nothing of the envelope was stored."
                    raise InvalidObject(
                        f"{where}: {result.problem}", where=where, rule=result.findings[0].rule, hint=hint
                    )
            if batch:
                yield batch

    def verdicts(self, verdicts: Sequence[Verdict]) -> Iterator[tuple[StixObject | Rejected, Verdict | None]]:
        """Each judgement with what the store made of it."""
        stored = iter(verdicts)
        for result in self.judged:
            yield result, next(stored) if isinstance(result, StixObject) else None


def _looks(
    looking: ClassKeys | None, raws: Sequence[bytes | Rejected]
) -> Iterable[Callable[[JsonObject], object] | None]:
    """How each of these is looked at while it is judged."""
    if looking is None:
        return repeat(None, len(raws))
    sure = looking.cleared([b"" if isinstance(raw, Rejected) else raw for raw in raws])
    return [looking.of_cleared if each else looking.of for each in sure]


def add_to_report(report: Report, pairs: Iterable[tuple[StixObject | Rejected, Verdict | None]]) -> None:
    """The report counts these objects too."""
    for result, verdict in pairs:
        if isinstance(result, Rejected):
            first = result.findings[0]
            report.rejected.append(
                RejectedReport(result.index, result.id, result.version, first.where, first.rule, first.problem)
            )
            continue
        assert verdict is not None
        if verdict.outcome is Outcome.DUPLICATE:
            report.duplicates += 1
        elif verdict.outcome is Outcome.CONFLICT:
            report.conflicts.append(ConflictReport(result.id, result.version, verdict.differs))
        else:
            report.stored += 1
            report.superseded += verdict.outcome is Outcome.SUPERSEDED
        if result.findings:
            add_findings(report, result.id, result.findings)


def add_findings(report: Report, id: str, findings: Sequence[Finding]) -> None:
    """The report knows of these findings; the first FINDINGS_MAX are kept in full."""
    report.findings_count += len(findings)
    room = FINDINGS_MAX - len(report.findings)
    report.findings.extend(FindingReport(id, f.where, f.rule, f.problem) for f in findings[:room])


def tell_kept_markings(
    tx: Transaction, way: Way, pairs: Iterable[tuple[StixObject | Rejected, Verdict | None]], report: Report
) -> None:
    """The report names each duplicate that keeps another marking than the one that was given with it now."""
    for result, verdict in pairs:
        if not isinstance(result, StixObject) or verdict is None or verdict.outcome is not Outcome.DUPLICATE:
            continue
        for copy in tx.copies(result.id, way.collection):
            if copy.key == verdict.key and copy.default_tlp not in (None, int(way.default_tlp)):
                kept = TLP(copy.default_tlp or 0).word
                words = f"The object was here before and keeps {kept}; {way.default_tlp.word} was given now."
                finding = Finding("object_marking_refs", "a duplicate keeps its marking", words, must=False)
                add_findings(report, result.id, (finding,))


def store_all(
    store: Store,
    clock: Clock,
    raws: Iterable[bytes | Rejected],
    way: Way,
    schemas: Schemas,
    limits: Limits,
    report: Report,
    progress: Callable[[int], None] | None = None,
    record: Callable[[Transaction, Sequence[Verdict]], None] | None = None,
) -> None:
    """Everything good among the raw objects is stored, slice by slice, and the report says what became of each.
    `record` is called in the transaction of the last slice, with its verdicts.

    An Invalid raised by the iterator itself (a broken document) ends the import: what came before stays stored.
    """
    source = iter(raws)
    done = 0
    while True:
        taken = _Slice(source)
        judging = _Judging(taken, way, schemas, limits, barred=barred(store), first_index=done)
        now = microseconds(clock.now())

        def finish(
            tx: Transaction, verdicts: list[Verdict], judging: _Judging = judging, taken: _Slice = taken, now: int = now
        ) -> list[Verdict]:
            judging.barred.check(tx)
            if way.marking_given:
                tell_kept_markings(tx, way, judging.verdicts(verdicts), report)
            _after_storing(tx, way, _taken(judging.verdicts(verdicts)), now)
            if record is not None and taken.ended:
                record(tx, verdicts)
            return verdicts

        verdicts = store.ingest(
            judging.batches(),
            collection=way.collection,
            source=way.source.name,
            default_tlp=int(way.default_tlp),
            state=State.RECEIVED,
            now=now,
            finish=finish,
        )
        add_to_report(report, judging.verdicts(verdicts))
        done += len(judging.judged)
        if progress is not None:
            progress(done)
        if taken.broken is not None:
            report.broken = taken.broken
            return
        if taken.ended:
            return


def _after_storing(tx: Transaction, way: Way, stored: Sequence[tuple[StixObject, Verdict]], now: int) -> None:
    """What follows from what was stored a moment ago: first for what was published before, then for itself."""
    name_bars(tx, [one.id for one, _ in stored])
    reclassifying.after_storing(tx, way, stored, now)
    publishing.after_storing(tx, way, stored, now)


def _taken(pairs: Iterable[tuple[StixObject | Rejected, Verdict | None]]) -> list[tuple[StixObject, Verdict]]:
    return [(one, verdict) for one, verdict in pairs if isinstance(one, StixObject) and verdict is not None]


class _Slice:
    """One slice of an iterator. An Invalid from it ends the slice and is kept, so that the good are stored."""

    def __init__(self, source: Iterator[bytes | Rejected]) -> None:
        self._source = source
        self._objects_left = SLICE_OBJECTS
        self._bytes_left = SLICE_BYTES
        self.ended = False
        self.broken: Invalid | None = None

    def __iter__(self) -> "_Slice":
        return self

    def __next__(self) -> bytes | Rejected:
        if self._objects_left <= 0 or self._bytes_left <= 0:
            raise StopIteration
        try:
            raw = next(self._source)
        except StopIteration:
            self.ended = True
            raise
        except Invalid as error:
            self.broken = error
            raise StopIteration from error
        self._objects_left -= 1
        self._bytes_left -= len(raw) if isinstance(raw, bytes) else 0
        return raw


def post(
    store: Store,
    clock: Clock,
    entropy: Entropy,
    access: Access,
    way: Way,
    body: bytes,
    schemas: Schemas,
    limits: Limits,
) -> Posted:
    """A TAXII envelope is stored, and its status resource with it, in one transaction.

    Raises InvalidRequest for an envelope that is none, or that holds an object without a readable id; nothing is stored
    then. The right is looked at again inside the transaction, since the body may have taken its time.
    """
    raws = split_envelope(body, objects_max=ENVELOPE_OBJECTS_MAX)
    judging = _Judging(raws, way, schemas, limits, barred=barred(store), ids_needed=True)
    now_us = microseconds(clock.now())
    status_id = str(entropy.uuid4())

    def finish(tx: Transaction, verdicts: list[Verdict]) -> bytes:
        permit(tx, access, way.collection, write=True)
        judging.barred.check(tx)
        _after_storing(tx, way, _taken(judging.verdicts(verdicts)), now_us)
        resource = _status(judging.verdicts(verdicts), status_id, now_us)
        tx.forget_statuses(now_us - STATUS_SECONDS_KEPT * 1_000_000)
        tx.put_status(Status(status_id, access.token or "", now_us, resource))
        return resource

    resource = store.ingest(
        judging.batches(),
        collection=way.collection,
        source=way.source.name,
        default_tlp=int(way.default_tlp),
        state=State.RECEIVED,
        now=now_us,
        finish=finish,
    )
    return Posted(status_id, resource)


def _status(pairs: Iterable[tuple[StixObject | Rejected, Verdict | None]], status_id: str, now_us: int) -> bytes:
    successes: list[tuple[str, str, str]] = []
    failures: list[tuple[str, str, str]] = []
    for result, verdict in pairs:
        if isinstance(result, Rejected):
            place = f"{result.where}: " if result.where else ""
            failures.append((result.id, result.version, f"{place}{result.problem} ({result.findings[0].rule})"))
            continue
        assert verdict is not None
        if verdict.outcome is Outcome.CONFLICT:
            differs = ", ".join(verdict.differs)
            words = (
                f"Conflict: this version is kept with another content from the same source; it differs at {differs}."
            )
            failures.append((result.id, result.version, words))
        else:
            findings = ""
            if result.findings:
                findings = "; ".join(f"{f.where}: {f.problem}" for f in result.findings[:5])
            successes.append((result.id, result.version, findings))
    return status_resource(status_id, now_us, successes, failures)
