"""What policy may look at: the facets of an object, and those of whoever would receive it.

Objects with equal facets are one *release class*, and recipients with equal facets are decided alike, so that policy is
a finite table. Facets are values and sets of words; nothing in them is text of an object, and no object is named.
"""

from dataclasses import dataclass
from enum import StrEnum

from comity.stix.tlp import TLP


class Author(StrEnum):
    """Whom `created_by_ref` names: nobody, this node's organisation, or another."""

    NONE = "none"
    OURS = "ours"
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class Iep:
    """An IEP 2.0 policy that an object carries (FIRST IEP 2.0). Instants are microseconds since 1970; its TLP is
    counted in the TLP of the class already (R15: the stricter holds)."""

    starts_at: int | None = None
    ends_at: int | None = None
    encrypt_in_transit: str = "may"
    permitted_actions: str = "externally-visible-direct-actions"
    affected_party_notifications: str = "may"
    attribution: str = "may"
    unmodified_resale: str = "may"


@dataclass(frozen=True, slots=True)
class ReleaseClass:
    """The facets of an object.

    `origin` is "" for what is ours, else the source that gave it; `verified` that this origin is proven or our own.
    `community` is the group that the object names for TLP:GREEN, `groups` those to which it is limited further (empty:
    no limit). `residency` are the countries where it may be stored (ISO 3166-1 alpha-2; None: anywhere). `named` are
    contact ids of persons. `personal` holds kinds of personal-data findings (`victim`, `contact`, `artefact`; R23), and
    `personal_fixed` says that a victim or contact stands where redaction never touches. `granular` are the levels of
    granular markings that are stricter than the object's own. `unsound`: a marking is unknown or contradicts another.
    """

    tlp: TLP
    tlp_from: str
    type: str
    origin: str = ""
    verified: bool = True
    author: Author = Author.NONE
    community: str | None = None
    groups: frozenset[str] = frozenset()
    sectors: frozenset[str] = frozenset()
    residency: frozenset[str] | None = None
    named: frozenset[str] = frozenset()
    personal: frozenset[str] = frozenset()
    personal_fixed: bool = False
    exercise: bool = False
    embargo_until: int | None = None
    iep: tuple[Iep, ...] = ()
    pap: str | None = None
    granular: frozenset[TLP] = frozenset()
    unsound: bool = False

    @property
    def ours(self) -> bool:
        """Whether it is this organisation's own."""
        return not self.origin


class Relation(StrEnum):
    """What a recipient is to this node (R1, R2). Having a token or a node makes nobody a client."""

    OWN = "own"
    CLIENT = "client"
    PARTNER = "partner"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Recipient:
    """The facets of whoever would receive something.

    `origins` are the sources whose objects count as coming from this recipient ("back to X"). `groups` are those of
    which it is a member; `cybersecurity` that it is flagged as of the cybersecurity community. `jurisdictions` are the
    countries where it declared to store (None: undeclared, which is nowhere; R24). `transport` is `taxii`, `node` or
    `mail`; `encrypted` that only the recipient can read what is sent. `need_to_know` states why a client may have AMBER
    of others. Instants are microseconds since 1970.
    """

    id: str
    relation: Relation
    state: str
    country: str = ""
    sectors: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    cybersecurity: bool = False
    max_tlp: TLP = TLP.AMBER_STRICT
    agreement_from: int | None = None
    agreement_until: int | None = None
    jurisdictions: frozenset[str] | None = None
    origins: frozenset[str] = frozenset()
    transport: str = "taxii"
    encrypted: bool = False
    commercial: bool = False
    need_to_know: str = ""


class Action(StrEnum):
    """What a decision is about. RELEASE: the object may go. NAME_AUTHOR: its author may be named (else it is left out).
    SHOW_PERSONAL_DATA: findings stay (else they are redacted). DISCLOSE_EXISTENCE: a private match may count it.
    PASS_ON: the recipient may release it again."""

    RELEASE = "release"
    NAME_AUTHOR = "name-author"
    SHOW_PERSONAL_DATA = "show-personal-data"
    DISCLOSE_EXISTENCE = "disclose-existence"
    PASS_ON = "pass-on"  # noqa: S105 - no secret, the name of an action
