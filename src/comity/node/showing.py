"""What own staff see of an object: every copy of it, what its markings mean, and what is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from comity.interfaces import instant_of
from comity.node import outbound
from comity.node.access import Access
from comity.stix.markings import TLP, effective
from comity.stix.object import Finding, JsonObject, StixObject
from comity.stix.parse import Limits, judge
from comity.stix.schema import Schemas
from comity.store.interface import Snapshot
from comity.store.nouns import Copy


@dataclass(frozen=True, slots=True)
class CopyView:
    """One copy in words. `tlp` is the effective marking, `tlp_from` is `object`, `source`, `mark` (a person put it
    beside the copy) or `none`; `raw` is None once the body was destroyed; `findings` are those of markings first, then
    those of the standard. `recalled` says that it was taken back from partners, and is not published again."""

    id: str
    type: str
    version: str
    collection: str
    source: str
    state: str
    added: datetime
    shown: bool
    tlp: str
    tlp_from: str
    statements: tuple[str, ...]
    findings: tuple[Finding, ...]
    raw: bytes | None
    digest: str
    recalled: bool = False


def views(
    snapshot: Snapshot, access: Access, id: str, schemas: Schemas, copies: Sequence[Copy] | None = None
) -> list[CopyView]:
    """Every copy that this reader may read, newest version first; of these copies, or all."""
    titles = {collection.id: collection.title for collection in snapshot.collections()}
    labels = {source.name: source.labels_are_markings for source in snapshot.sources()}
    some = outbound.copies(snapshot, access, id) if copies is None else copies
    barred = snapshot.barred([copy.key for copy in some])
    return [
        replace(
            _view(snapshot, copy, titles[copy.collection], labels.get(copy.source, False), schemas),
            recalled=copy.key in barred,
        )
        for copy in some
    ]


def resolve(snapshot: Snapshot, source: str, ref: str) -> JsonObject | None:
    """The newest definition under that id from the same source: nobody else's may give a marking its meaning (R5)."""
    for copy in snapshot.copies(ref):
        if copy.source == source and copy.body is not None and copy.state.live:
            value = orjson.loads(copy.body)
            return value if isinstance(value, dict) else None
    return None


def _view(snapshot: Snapshot, copy: Copy, title: str, labels: bool, schemas: Schemas) -> CopyView:
    tlp, tlp_from = TLP.RED.word, "none"
    statements: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    if copy.body is not None:
        default = None if copy.default_tlp is None else TLP(copy.default_tlp)
        value = orjson.loads(copy.body)
        marking = effective(value, lambda ref: resolve(snapshot, copy.source, ref), default, labels=labels)
        tlp, tlp_from, statements = marking.tlp.word, marking.tlp_from, marking.statements
        if copy.mark is not None and (marking.tlp_from != "object" or copy.mark > marking.tlp):
            tlp, tlp_from = TLP(copy.mark).word, "mark"
        judged = judge(copy.body, 0, schemas, strict=False, labels=labels, limits=Limits())
        findings = marking.findings + (judged.findings if isinstance(judged, StixObject) else ())
    return CopyView(
        id=copy.id,
        type=copy.type,
        version=copy.version,
        collection=title,
        source=copy.source,
        state=copy.state.name.lower(),
        added=instant_of(copy.added),
        shown=copy.shown,
        tlp=tlp,
        tlp_from=tlp_from,
        statements=statements,
        findings=findings,
        raw=copy.body,
        digest=copy.digest.hex(),
    )
