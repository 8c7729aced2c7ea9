"""What one partner may have, the slow way: every body is read, classed, decided and closed over, one by one, each time.

It knows no view, bitmap, opening, index or cache: only the pure functions of `comity.release`, and what the world did.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from tests.partner_world import Json, World, key_of, value_of

from comity.interfaces import microseconds
from comity.node.recipients import Partner, source_of
from comity.release.classes import Action, Author, ReleaseClass
from comity.release.classify import Context, classify
from comity.release.closure import Candidate, Verdict, close
from comity.release.cuts import place_of
from comity.release.decide import decide
from comity.release.dispositions import RESTRICTING
from comity.release.personal import findings, redacted_texts
from comity.release.policy import Policy
from comity.release.redact import edited, redact
from comity.stix.markings import TLP, effective_at
from comity.stix.object import VERSIONLESS
from comity.stix.timestamp import instant_key
from comity.store.nouns import Copy, Source, State

Reading = dict[tuple[str, str], bytes]
"""Bytes by id and instant of the version."""


@dataclass(frozen=True, slots=True)
class Permitted:
    """What one partner may have of one collection: every version, and of each object the first and the last."""

    all: Reading = field(default_factory=dict)
    first: Reading = field(default_factory=dict)
    last: Reading = field(default_factory=dict)

    def of(self, word: str) -> Reading:
        """The reading of that name."""
        found: Reading = getattr(self, word)
        return found


def permitted(world: World, name: str) -> dict[str, Permitted]:
    """What the partner of that name may have now, by collection."""
    found = leaving(world, name)
    return {collection: _readings(world, found, collection, name) for collection in world.collections}


def leaving(world: World, name: str) -> list[tuple[Copy, bytes]]:
    """Every copy that may leave for the partner of that name now, with its bytes; of some versions several."""
    node, now = world.node, microseconds(world.clock.now())
    partner, policy = node.partner(name), node.policy()
    sources = {source.name: source for source in node.sources()}
    copies = [copy for copy in world.copies() if copy.body is not None]
    sent = [copy for copy in copies if copy.source == source_of(partner.id) and copy.state.live]
    # What is here and not published leaves nowhere; yet a text that names it says what is withheld.
    rest = [copy for copy in copies if copy.state.live and copy not in sent]
    judged = [_candidate(world, partner, policy, sources[copy.source], copy, now) for copy in (*sent, *rest)]
    # What it sent it may read, and nothing rests on that, since it may have guessed the id; nor does it hide what names
    # it. What of it was published and may go back to it counts as anything else does.
    numbered = [*sent, *rest]
    counted = [place for place, one in enumerate(judged) if place >= len(sent) or one.released]
    left = _leaving([numbered[each] for each in counted], [judged[each] for each in counted], node.is_sound)
    found = dict(zip(counted, left, strict=True)) | {place: copy.body for place, copy in enumerate(sent)}
    return [(copy, raw) for place, copy in enumerate(numbered) if (raw := found.get(place)) is not None]


def _candidate(world: World, partner: Partner, policy: Policy, source: Source, copy: Copy, now: int) -> Candidate:
    if copy.state is not State.PUBLISHED:
        return Candidate(value_of(copy), False)
    value, recipient = value_of(copy), partner.subject(source_of(partner.id), now)
    resolve = _resolver(world, source.name)
    default = TLP.read(source.default_marking) if copy.default_tlp is None else TLP(copy.default_tlp)
    origin = "" if source.kind == "own" else source.name
    found = classify(
        value, Context(origin, resolve, default, labels=source.labels_are_markings, ours=world.node.ours())
    )

    def may(of: ReleaseClass, action: Action) -> bool:
        return decide(policy, of, recipient.recipient, action, now).allowed

    known = world.known[key_of(copy)]
    assert known.at is not None
    in_time = known.until <= now and known.at >= recipient.history_from
    if not in_time or not may(found, Action.RELEASE):
        return Candidate(value, False)
    cuts = []
    for entry in value.get("granular_markings", ()):
        for selector in entry["selectors"]:
            level = effective_at(value, selector, resolve, found.tlp).tlp
            if level > found.tlp and not may(replace(found, tlp=level, granular=frozenset()), Action.RELEASE):
                cuts.append(place_of(selector))
    texts: Mapping[tuple[str | int, ...], str] = {}
    if found.personal & RESTRICTING and not may(found, Action.SHOW_PERSONAL_DATA):
        texts = redacted_texts(value, findings(value))
    named = found.author is not Author.NONE and may(found, Action.NAME_AUTHOR)
    return Candidate(value, True, named, tuple(dict.fromkeys(cuts)), texts)


def _resolver(world: World, source: str) -> Callable[[str], Json | None]:
    def resolve(ref: str) -> Json | None:
        with world.node.store.read() as snapshot:
            for copy in snapshot.copies(ref):
                if copy.source == source and copy.body is not None and copy.state.live:
                    return value_of(copy)
        return None

    return resolve


def _leaving(
    copies: list[Copy], candidates: list[Candidate], sound: Callable[[Json, Json], bool]
) -> list[bytes | None]:
    """What leaves of each; what would not be sound goes, and with it whatever rested on it."""
    while True:
        outcomes = close(candidates)
        broken = []
        for number, (copy, one, outcome) in enumerate(zip(copies, candidates, outcomes, strict=True)):
            assert copy.body is not None
            if outcome.verdict is Verdict.REDACT:
                left: Any = orjson.loads(edited(copy.body, outcome.edits))
                if not sound(one.value, left):
                    broken.append(number)
        if not broken:
            break
        candidates = [
            replace(one, released=one.released and number not in broken) for number, one in enumerate(candidates)
        ]
    released = [redact(copy.body or b"", outcome) for copy, outcome in zip(copies, outcomes, strict=True)]
    return [None if one is None else one.raw for one in released]


def _readings(world: World, found: list[tuple[Copy, bytes]], collection: str, name: str) -> Permitted:
    """One copy a version (R7): the one that it sent itself, else ours, else the earliest."""
    kinds = {source.name: source.kind for source in world.node.sources()}
    best: dict[tuple[str, str], tuple[tuple[bool, bool, int], bytes]] = {}
    for copy, raw in found:
        if copy.collection != collection:
            continue
        place = world.known[key_of(copy)].place
        order = (copy.source != world.sources[name], kinds[copy.source] != "own", place)
        key = (copy.id, instant_of(copy.version))
        if key not in best or order < best[key][0]:
            best[key] = (order, raw)
    everything = {key: raw for key, (_, raw) in best.items()}
    instants: dict[str, list[str]] = {}
    for id, instant in everything:
        instants.setdefault(id, []).append(instant)
    first = {(id, min(some)): everything[id, min(some)] for id, some in instants.items()}
    last = {(id, max(some)): everything[id, max(some)] for id, some in instants.items()}
    return Permitted(everything, first, last)


def version_of(value: Json) -> str:
    """The version as TAXII counts it."""
    return str(value.get("modified") or value.get("created") or VERSIONLESS)


def instant_of(version: str) -> str:
    """The instant of a version, by which versions are told apart and ordered."""
    found = instant_key(version)
    assert found is not None
    return found
