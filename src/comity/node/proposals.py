"""What waits for a second person: a change that widens, whole, with the difference that was shown for it (R14)."""

import hashlib
from typing import Any

import msgspec

from comity.canonical import canonical_bytes
from comity.errors import Conflict, NotFound
from comity.node.changes import Difference
from comity.node.recipients import Partner
from comity.store.interface import Snapshot
from comity.store.records import Record

KIND = "proposal"
HOURS = 24
WAITING_MOST = 100
WAITING, APPROVED, REJECTED, EXPIRED = "waiting", "approved", "rejected", "expired"


class PolicyTexts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy as it is kept: its rules, its cases, and what it was made from."""

    text: str
    cases: str
    digest: str
    of: str = ""


class PolicyChange(msgspec.Struct, frozen=True, tag="policy"):
    """Another policy, instead of the one whose record had that version."""

    texts: PolicyTexts
    version: int

    @property
    def words(self) -> str:
        """What it is, in a few words."""
        return f"put the policy {self.texts.of} in force" if self.texts.of else "put a policy in force"


class PartnerChange(msgspec.Struct, frozen=True, tag="partner"):
    """Other facets, or another state, of the partner whose record had that version; `step` where one is taken."""

    partner: Partner
    version: int
    step: str = ""

    @property
    def words(self) -> str:
        """What it is, in a few words."""
        return f"{self.step or 'edit'} {self.partner.name}"


class ReleaseRequest(msgspec.Struct, frozen=True, tag="release"):
    """Publications by number that are to go to the partner, where policy wants a second person for them."""

    partner: str
    name: str
    numbers: tuple[int, ...]

    @property
    def words(self) -> str:
        """What it is, in a few words."""
        return f"release {len(self.numbers):,} object{'s' * (len(self.numbers) != 1)} to {self.name}"


class Reclassification(msgspec.Struct, frozen=True, tag="reclassification"):
    """What is published of the source, or of all, is to count as something looser: from the class of the first form to
    that of the second, so many objects each, as they were listed."""

    pairs: tuple[tuple[bytes, bytes, int], ...]
    source: str | None
    why: str
    by: str

    @property
    def words(self) -> str:
        """What it is, in a few words."""
        count = sum(each for _, _, each in self.pairs)
        return f"let {count:,} object{'s' * (count != 1)} count as something looser"


class Erasure(msgspec.Struct, frozen=True, tag="erasure"):
    """Objects that are to be erased, on which basis. Neither they nor what was looked for is named: `objects` are keyed
    hashes of their ids; the resources, entries and drafts are what else of the store is to go."""

    objects: tuple[str, ...]
    statuses: tuple[str, ...]
    entries: tuple[int, ...]
    basis: str
    remains: tuple[str, ...] = ()
    drafts: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What it is, in a few words."""
        return f"erase {len(self.objects):,} object{'s' * (len(self.objects) != 1)}: {self.basis}"


Change = PolicyChange | PartnerChange | ReleaseRequest | Reclassification | Erasure


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A change that somebody asked for, bound to the digest of change and cells. Instants are microseconds since 1970.
    `state` is what was decided, or `waiting`; `state_at` says what holds. `told` is the difference as it was shown, and
    `caution` what casts a doubt on the second pair of eyes."""

    id: str
    change: Change
    digest: str
    told: dict[str, Any]
    asked_by: str
    asked_name: str
    asked_person: str
    asked_at: int
    expires_at: int
    state: str = WAITING
    decided_by: str = ""
    decided_name: str = ""
    decided_person: str = ""
    decided_at: int | None = None
    caution: str = ""

    def state_at(self, now: int) -> str:
        """The state at that instant: what still waits after its time has expired."""
        return EXPIRED if self.state == WAITING and now >= self.expires_at else self.state


def digest_of(change: Change, difference: Difference) -> str:
    """What an approval binds: the change, every cell, and whether all was looked at. When a partner becomes active is
    not known before."""
    if isinstance(change, PartnerChange) and change.step == "activate":
        change = msgspec.structs.replace(change, partner=msgspec.structs.replace(change.partner, activated_at=None))
    told = {"change": msgspec.json.encode(change).decode(), "difference": difference.facts}
    return "sha256:" + hashlib.sha256(canonical_bytes(told)).hexdigest()


def proposals(snapshot: Snapshot) -> list[Proposal]:
    """All that was ever proposed, the newest first."""
    found = [msgspec.json.decode(record.body, type=Proposal) for record in snapshot.records(KIND)]
    return sorted(found, key=lambda one: (-one.asked_at, one.id))


def waiting(snapshot: Snapshot, id: str, now: int) -> Proposal:
    """The proposal, which waits. NotFound where there is none, Conflict where it waits no more."""
    for one in proposals(snapshot):
        if one.id == id:
            if one.state_at(now) != WAITING:
                raise Conflict(f"{id} is {one.state_at(now)}.", where="id", hint="comity approvals")
            return one
    raise NotFound(f"Nothing called {id!r} waits.", where="id", hint="comity approvals")


def record_of(proposal: Proposal, now: int) -> Record:
    """The record that keeps it."""
    return Record(KIND, proposal.id, proposal.change.words[:200], msgspec.json.encode(proposal), changed_at=now)
