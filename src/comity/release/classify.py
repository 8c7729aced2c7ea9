"""An object's release class: everything that policy may look at, and nothing that is text of the object (R11, R66)."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from comity.canonical import canonical_bytes
from comity.release.classes import Author, Iep, ReleaseClass
from comity.release.personal import Kind, findings
from comity.stix.extensions import LIMITS_EXTENSION, LIMITS_SCHEMA, WORD_CHARACTERS_MAX, WORDS_MAX
from comity.stix.graph import GRANULAR_MARKINGS_MAX
from comity.stix.iep import IepPolicy
from comity.stix.markings import POLICIES_MAX, Effective, Resolve, effective, effective_at
from comity.stix.object import JsonObject
from comity.stix.spine import type_of_id
from comity.stix.timestamp import instant_key
from comity.stix.tlp import TLP

CLASSES_OF_SOURCE_MAX = 1_000
CLASSIFIER = 1
"""Another number whenever an object may get another class than before: a node then classes anew what it published."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the node knows of an object beside its bytes.

    `origin` is "" for what is ours, else the source that gave it. `ours` are the identities of our organisation.
    `resolve` gives marking definitions of the same source or origin (R5), `default` the source's TLP for objects
    without one, `least` the TLP beside it than which it is never looser. `addressee` says that mail was sent to this
    `email-addr`. `countries` are the codes there are (None: of a code only the form is looked at).
    """

    origin: str
    resolve: Resolve
    default: TLP | None
    least: TLP = TLP.CLEAR
    verified: bool = True
    labels: bool = False
    ours: frozenset[str] = frozenset()
    addressee: bool = False
    ip_addresses: bool = False
    countries: frozenset[str] | None = None


def classify(value: JsonObject, context: Context) -> ReleaseClass:
    """The class of the object. Whatever of its limits is not understood makes it unsound, never looser."""
    return class_of(value, context, facts_of(value, context))


class Limits(NamedTuple):
    """What the release limits of an object say."""

    community: str | None = None
    groups: frozenset[str] = frozenset()
    sectors: frozenset[str] = frozenset()
    residency: frozenset[str] | None = None
    named: frozenset[str] = frozenset()
    embargo_until: int | None = None
    exercise: bool = False
    unsound: bool = False


class Facts(NamedTuple):
    """What is read of an object for its class, but for markings. `sectors` is None where they are not understood."""

    type: str
    author: Author
    limits: Limits = Limits()
    sectors: frozenset[str] | None = frozenset()
    personal: frozenset[str] = frozenset()
    personal_fixed: bool = False


def facts_of(value: JsonObject, context: Context) -> Facts:
    """The facts of the object."""
    facts = bare_facts(str(value.get("type", "")), author_of(value.get("created_by_ref"), context.ours))
    if "sectors" in value or "extensions" in value:
        facts = facts._replace(limits=_limits(value, context.countries), sectors=_words(value.get("sectors", [])))
    found = findings(value, addresses=context.ip_addresses, addressee=context.addressee)
    if found:
        kinds = frozenset(str(one.kind) for one in found)
        fixed = any(one.fixed and one.kind is not Kind.ARTEFACT for one in found)
        facts = facts._replace(personal=kinds, personal_fixed=fixed)
    return facts


def bare_facts(type: str, author: Author) -> Facts:
    """The facts of an object that says nothing else: most do not."""
    return Facts(type, author)


def class_of(value: JsonObject, context: Context, facts: Facts) -> ReleaseClass:
    """The class of the object, of which the facts are known."""
    whole = effective(value, context.resolve, context.default, labels=context.labels)
    if whole.tlp < context.least:
        whole = replace(whole, tlp=context.least, tlp_from="source")
    limits, sectors = facts.limits, facts.sectors
    granular = _granular(value, context, whole)
    policies = tuple(dict.fromkeys((*whole.policies, *granular.policies)))
    many_policies = len(policies) > POLICIES_MAX
    return ReleaseClass(
        tlp=whole.tlp,
        tlp_from=whole.tlp_from,
        type=facts.type,
        origin=context.origin,
        verified=context.verified,
        author=facts.author,
        community=limits.community,
        groups=limits.groups,
        sectors=(sectors or frozenset()) | limits.sectors,
        residency=limits.residency,
        named=limits.named,
        personal=facts.personal,
        personal_fixed=facts.personal_fixed,
        exercise=limits.exercise,
        embargo_until=limits.embargo_until,
        iep=() if many_policies else tuple(sorted({_iep(policy) for policy in policies}, key=_iep_order)),
        pap=granular.pap,
        granular=frozenset(level for level in granular.levels if level > whole.tlp),
        unsound=bool(
            whole.unknown or whole.contradicts or granular.unsound or limits.unsound or many_policies or sectors is None
        ),
    )


def bounded(found: ReleaseClass, *, known: bool, classes_of_source: int) -> ReleaseClass:
    """The class itself; the strictest one where it is new, and its source has made as many as are kept apart."""
    return found if known or classes_of_source < CLASSES_OF_SOURCE_MAX else strictest(found.origin)


def strictest(origin: str) -> ReleaseClass:
    """The class of a source that made too many: nothing can be said of what falls into it."""
    return ReleaseClass(tlp=TLP.RED, tlp_from="none", type="", origin=origin, verified=False, unsound=True)


def canonical_form(found: ReleaseClass) -> bytes:
    """The one spelling of a class: sets sorted, instants as text, every facet named."""
    return canonical_bytes({name: _plain(getattr(found, name)) for name in ReleaseClass.__slots__})


def class_digest(found: ReleaseClass) -> str:
    """SHA-256 of the canonical form, in hexadecimal."""
    return hashlib.sha256(canonical_form(found)).hexdigest()


def _plain(one: Any) -> Any:
    if isinstance(one, frozenset):
        return sorted(map(_plain, one))
    if isinstance(one, tuple):
        return [_plain(inner) for inner in one]
    if isinstance(one, Iep):
        return {name: _plain(getattr(one, name)) for name in Iep.__slots__}
    if isinstance(one, TLP):
        return one.word
    # As text: microseconds reach beyond the integers that every reader of JSON keeps.
    return str(one) if isinstance(one, int) and not isinstance(one, bool) else one


def author_of(ident: Any, ours: frozenset[str]) -> Author:
    """Whose the object is, by what its `created_by_ref` says."""
    if ident is None:
        return Author.NONE
    return Author.OURS if isinstance(ident, str) and ident in ours else Author.OTHER


@dataclass(frozen=True, slots=True)
class _Granular:
    levels: frozenset[TLP] = frozenset()
    policies: tuple[IepPolicy, ...] = ()
    pap: str | None = None
    unsound: bool = False


def _granular(value: JsonObject, context: Context, whole: Effective) -> _Granular:
    """What granular markings say, wherever they say it; policies and PAP hold for the whole object then."""
    entries = value.get("granular_markings")
    if entries is None:
        return _Granular(pap=whole.pap)
    if not isinstance(entries, list) or len(entries) > GRANULAR_MARKINGS_MAX:
        return _Granular(levels=frozenset({TLP.RED}), unsound=True)
    levels: set[TLP] = set()
    policies: list[IepPolicy] = []
    paps: list[str | None] = []
    unsound = False
    bare = {**value, "granular_markings": []}
    for entry in _different(entries):
        one = {**bare, "granular_markings": [{**entry, "selectors": ["id"]} if isinstance(entry, dict) else entry]}
        if isinstance(entry, dict) and not isinstance(entry.get("selectors"), list):
            one["granular_markings"] = [{}]
        part = effective_at(one, "id", context.resolve, context.default, labels=context.labels)
        levels.add(part.tlp)
        policies += part.policies
        paps.append(part.pap)
        unsound = unsound or bool(part.unknown) or part.contradicts
    ranks = ("clear", "green", "amber", "red")
    pap = max((one for one in paps if one is not None), key=ranks.index, default=None)
    return _Granular(frozenset(levels), tuple(policies), pap, unsound)


def _different(entries: list[Any]) -> list[Any]:
    """One entry for each marking that is named: where they lead makes no difference to the class."""
    seen: dict[str, Any] = {}
    for entry in entries:
        plain = isinstance(entry, dict) and isinstance(entry.get("selectors"), list)
        seen.setdefault(str(entry.get("marking_ref")) if plain else repr(type(entry)), entry)
    return list(seen.values())


def _iep(policy: IepPolicy) -> Iep:
    """The policy with instants in microseconds, rounded so that it holds no longer than it says."""
    return Iep(
        starts_at=None if policy.starts is None else microseconds(policy.starts, up=True),
        ends_at=None if policy.ends is None else microseconds(policy.ends, up=False),
        encrypt_in_transit=policy.encrypt_in_transit,
        permitted_actions=policy.permitted_actions,
        affected_party_notifications=policy.affected_party_notifications,
        attribution=policy.provider_attribution,
        unmodified_resale=policy.unmodified_resale,
    )


def _iep_order(one: Iep) -> bytes:
    return canonical_bytes(_plain(one))


def microseconds(key: str, *, up: bool) -> int:
    """The instant of an instant key in microseconds since 1970, rounded up or down."""
    whole, _, fraction = key.partition(".")
    start = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    seconds = (start - datetime(1970, 1, 1, tzinfo=UTC)) // _SECOND
    rounded = int(fraction[:6].ljust(6, "0")) if fraction else 0
    return seconds * 1_000_000 + rounded + (1 if up and len(fraction) > 6 else 0)


_SECOND = datetime(1970, 1, 1, 0, 0, 1) - datetime(1970, 1, 1)


def _limits(value: JsonObject, known: frozenset[str] | None) -> Limits:
    """What the release limits say; unsound where any of it is not understood."""
    extensions = value.get("extensions")
    if extensions is None:
        return Limits()
    if not isinstance(extensions, dict):
        return Limits(unsound=True)
    if value.get("type") == "marking-definition":
        # Whether it would limit the definition or what refers to it, nobody can say.
        return Limits(unsound=LIMITS_EXTENSION in extensions)
    if LIMITS_EXTENSION not in extensions:
        return Limits(unsound=any(_disguised(ident) for ident in extensions))
    content = extensions[LIMITS_EXTENSION]
    if not isinstance(content, dict) or not content.keys() <= LIMITS_SCHEMA["properties"].keys() or len(content) < 2:
        return Limits(unsound=True)
    community = _words([content["community"]] if "community" in content else [])
    lists = {
        name: _words(content[name], least=1) for name in ("groups", "sectors", "residency", "named") if name in content
    }
    until = content.get("embargo_until")
    key = instant_key(until) if isinstance(until, str) else None
    exercise = content.get("exercise", False)
    countries = lists.get("residency")
    wrong = (
        content.get("extension_type") != "property-extension"
        or community is None
        or None in lists.values()
        or ("embargo_until" in content and key is None)
        or not isinstance(exercise, bool)
        or any(len(one) != 2 or not (one.isascii() and one.isalpha() and one.isupper()) for one in countries or ())
        or (known is not None and not (countries or frozenset()) <= known)
        or any(type_of_id(one) is None for one in lists.get("named") or ())
    )
    return Limits(
        community=next(iter(community), None) if community else None,
        groups=lists.get("groups") or frozenset(),
        sectors=lists.get("sectors") or frozenset(),
        residency=(countries or frozenset()) if "residency" in lists else None,
        named=lists.get("named") or frozenset(),
        embargo_until=None if key is None else microseconds(key, up=True),
        exercise=exercise is True,
        unsound=wrong,
    )


def _disguised(ident: str) -> bool:
    return ident.strip().lower() == LIMITS_EXTENSION


def _words(words: Any, least: int = 0) -> frozenset[str] | None:
    """The words of a list; None where it is no list of different, bounded words."""
    if not isinstance(words, list) or not least <= len(words) <= WORDS_MAX:
        return None
    if not all(isinstance(word, str) and 0 < len(word) <= WORD_CHARACTERS_MAX for word in words):
        return None
    found = frozenset(words)
    return found if len(found) == len(words) else None
