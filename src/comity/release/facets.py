"""The facets as policy sees them: classes and recipients as Cedar entities, and as the cases of a policy write them.

Every attribute of the schema is always given, so that no rule can fail for want of one. What is absent is an empty set,
a false, or an instant that is long past or far ahead. Instants have the milliseconds of Cedar; they are rounded to
the side that withholds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

from comity.errors import Invalid
from comity.release.classes import Author, Iep, Recipient, Relation, ReleaseClass
from comity.stix.tlp import TLP

STATES = ("planned", "pending", "active", "suspended", "expired", "ended")
TRANSPORTS = ("taxii", "node", "mail")
TLP_FROM = ("object", "source", "none")
PAP = ("unmarked", "clear", "green", "amber", "red")
PERSONAL_DATA = ("victim", "contact", "artefact")
IEP_WORDS: Mapping[str, tuple[str, ...]] = {
    "encrypt_in_transit": ("may", "must"),
    "permitted_actions": (
        "none",
        "contact-for-instruction",
        "internally-visible-actions",
        "externally-visible-indirect-actions",
        "externally-visible-direct-actions",
    ),
    "affected_party_notifications": ("must-not", "may"),
    "attribution": ("may", "must", "must-not"),
    "unmodified_resale": ("must-not", "may"),
}
"""The words of IEP 2.0; where one of two policies is stricter, it stands first."""

LONG_PAST, FAR_AHEAD = -(10**15), 253_402_300_799_000_000
"""Instants for what never ends, or has always begun; microseconds since 1970 (about 1938, and the end of 9999)."""

ITEMS_MAX = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_T = TypeVar("_T")


class Inexpressible(Exception):
    """A class or recipient holds what policy has no word for. The gate turns it into a decision that withholds."""


def tlp_word(level: TLP) -> str:
    """The level as policy writes it: `amber+strict`."""
    return level.name.lower().replace("_", "+")


def to_iso(micros: int) -> str:
    """Microseconds since 1970 as an RFC 3339 instant with milliseconds, rounded down."""
    try:
        moment = _EPOCH + timedelta(milliseconds=micros // 1000)
    except OverflowError:
        raise Inexpressible("an instant is out of range") from None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z".rjust(24, "0")


def from_iso(text: str) -> int:
    """The instant of Cedar's `datetime("…")` in microseconds since 1970. ValueError where it is none."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _up(micros: int) -> int:
    return -(-micros // 1000) * 1000


def _ref(kind: str, name: str) -> dict[str, Any]:
    return {"__entity": {"type": kind, "id": _text(name)}}


def _date(micros: int) -> dict[str, Any]:
    return {"__extn": {"fn": "datetime", "arg": to_iso(micros)}}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Inexpressible(f"{str(value)[:40]!r} is no text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Inexpressible("a text is no Unicode") from None
    return value


def _word(kind: str, value: Any, words: Iterable[str]) -> dict[str, Any]:
    if value not in words:
        raise Inexpressible(f"{str(value)[:40]!r} is no {kind}")
    return _ref(kind, value)


def _level(value: Any) -> dict[str, Any]:
    if not isinstance(value, TLP):
        raise Inexpressible(f"{str(value)[:40]!r} is no TLP level")
    return _ref("Tlp", tlp_word(value))


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Inexpressible(f"{str(value)[:40]!r} is neither true nor false")
    return value


def _sorted(values: frozenset[_T]) -> list[_T]:
    if not isinstance(values, frozenset) or len(values) > ITEMS_MAX:
        raise Inexpressible(f"a facet is no set of at most {ITEMS_MAX} values")
    return sorted(values, key=str)


def _texts(values: frozenset[str]) -> list[str]:
    return [_text(value) for value in _sorted(values)]


def _groups(values: frozenset[str]) -> list[dict[str, Any]]:
    return [_ref("Group", name) for name in _texts(values)]


def _strictest(policies: tuple[Iep, ...], member: str) -> str:
    words = IEP_WORDS[member]
    found = [getattr(policy, member) for policy in policies]
    for word in found:
        if word not in words:
            raise Inexpressible(f"{str(word)[:40]!r} is no IEP word of {member}")
    if member == "encrypt_in_transit":
        return "must" if "must" in found else "may"
    return words[min((words.index(word) for word in found), default=len(words) - 1)]


def class_attributes(of: ReleaseClass) -> dict[str, Any]:
    """The attributes of `ReleaseClass` in the schema. Inexpressible where policy has no word for one."""
    attribution = {policy.attribution for policy in of.iep} or {"may"}
    starts = [policy.starts_at for policy in of.iep if policy.starts_at is not None]
    ends = [policy.ends_at for policy in of.iep if policy.ends_at is not None]
    return {
        "tlp": _level(of.tlp),
        "tlp_from": _word("TlpFrom", of.tlp_from, TLP_FROM),
        "type": _text(of.type),
        "ours": of.ours,
        "origin": _text(of.origin),
        "verified": _flag(of.verified),
        "author": _word("Author", of.author, [word.value for word in Author]),
        "community": [] if of.community is None else [_ref("Group", of.community)],
        "groups": _groups(of.groups),
        "sectors": _texts(of.sectors),
        "residency_limited": of.residency is not None,
        "residency": _texts(of.residency or frozenset()),
        "named": bool(of.named),
        "personal_data": [_word("PersonalData", kind, PERSONAL_DATA) for kind in _sorted(of.personal)],
        "personal_data_fixed": _flag(of.personal_fixed),
        "exercise": _flag(of.exercise),
        "unsound": _flag(of.unsound),
        "embargo_until": _date(LONG_PAST if of.embargo_until is None else _up(of.embargo_until)),
        "pap": _word("Pap", "unmarked" if of.pap is None else "clear" if of.pap == "white" else of.pap, PAP),
        "granular": [_level(level) for level in _sorted(of.granular)],
        "iep_from": _date(_up(max(starts, default=LONG_PAST))),
        "iep_until": _date(min(ends, default=FAR_AHEAD)),
        "iep_encryption": _ref("IepEncryption", _strictest(of.iep, "encrypt_in_transit")),
        "iep_actions": _ref("IepActions", _strictest(of.iep, "permitted_actions")),
        "iep_notification": _ref("IepNotification", _strictest(of.iep, "affected_party_notifications")),
        "iep_attribution": [_word("IepAttribution", w, IEP_WORDS["attribution"]) for w in sorted(attribution)],
        "iep_resale": _ref("IepResale", _strictest(of.iep, "unmodified_resale")),
    }


def recipient_attributes(of: Recipient) -> dict[str, Any]:
    """The attributes of `Recipient` in the schema. Inexpressible where policy has no word for one."""
    _level(of.max_tlp)
    return {
        "relation": _word("Relation", of.relation, [word.value for word in Relation]),
        "state": _word("State", of.state, STATES),
        "country": _text(of.country),
        "sectors": _texts(of.sectors),
        "groups": _groups(of.groups),
        "cybersecurity": _flag(of.cybersecurity),
        "cleared": [_level(level) for level in TLP if level <= of.max_tlp],
        "agreement_from": _date(LONG_PAST if of.agreement_from is None else _up(of.agreement_from)),
        "agreement_until": _date(FAR_AHEAD if of.agreement_until is None else of.agreement_until),
        "jurisdictions": _texts(of.jurisdictions or frozenset()),
        "origins": _texts(of.origins),
        "transport": _word("Transport", of.transport, TRANSPORTS),
        "encrypted": _flag(of.encrypted),
        "commercial": _flag(of.commercial),
        "need_to_know": bool(_text(of.need_to_know).strip()),
    }


def recipient_parents(of: Recipient) -> list[dict[str, Any]]:
    """The groups of which the recipient is a member."""
    return [{"type": "Group", "id": name} for name in _texts(of.groups)]


def change_points(attributes: Mapping[str, Any]) -> set[int]:
    """The instants, in microseconds, at which a rule that compares `context.now` with one of the dates can turn."""
    found: set[int] = set()
    for value in attributes.values():
        if isinstance(value, dict) and "__extn" in value:
            found |= turns(from_iso(value["__extn"]["arg"]))
    return found


def turns(micros: int) -> set[int]:
    """`<` and `>=` turn at the instant, `<=`, `>`, `==` and `!=` also when it has passed."""
    return {micros, micros + 1000}


def read_class(given: Mapping[str, Any]) -> ReleaseClass:
    """The class that the `object` of a case describes; only `tlp` must be there. Invalid where it describes none."""
    values = dict(given)
    policies = values.pop("iep", [])
    if not isinstance(policies, list) or not all(isinstance(one, dict) for one in policies):
        raise Invalid("`iep` is no list of tables.", where="iep")
    values = {"tlp_from": "object", "type": "indicator"} | _read(ReleaseClass, values)
    if "tlp" not in values:
        raise Invalid("The object of a case names no `tlp`.", where="tlp")
    made = ReleaseClass(**values, iep=tuple(Iep(**_read(Iep, one)) for one in policies))
    _expressible(class_attributes, made)
    return made


def read_recipient(given: Mapping[str, Any]) -> Recipient:
    """The recipient that a case describes: an active partner where it says no more. Invalid where it describes none."""
    made = Recipient(**{"id": "someone", "relation": Relation.PARTNER, "state": "active"} | _read(Recipient, given))
    _expressible(recipient_attributes, made)
    return made


def _expressible(attributes: Any, made: Any) -> None:
    try:
        attributes(made)
    except Inexpressible as error:
        raise Invalid(f"A case holds a value that is none: {error}.") from None


def _read(kind: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    known = {field.name: str(field.type) for field in fields(kind)} | {"iep": ""}
    found = {}
    for name, value in given.items():
        wanted = known.get(name, "")
        wanted = getattr(wanted, "__name__", wanted)
        if not wanted:
            raise Invalid(f"There is no facet {name[:40]!r}.", where=name, hint=f"Facets: {', '.join(_names(kind))}.")
        found[name] = _read_value(name, wanted, value)
    return found


def _names(kind: Any) -> list[str]:
    return [field.name for field in fields(kind)]


def _read_value(name: str, wanted: str, value: Any) -> Any:
    """The value in the type of the field, which is written in the words of the dataclass."""
    problem = Invalid(f"`{name}` is {str(value)[:40]!r}, which is no value of that facet.", where=name)
    if "int" in wanted:
        if not isinstance(value, datetime):
            raise Invalid(f"`{name}` is no instant.", where=name, hint="Write 2026-03-01T00:00:00Z.")
        return ((value if value.tzinfo else value.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1)
    if "frozenset" in wanted:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise Invalid(f"`{name}` is no list of texts.", where=name, hint=f'Write {name} = ["…"].')
        return frozenset(TLP.read(one) for one in value) if "TLP" in wanted else frozenset(value)
    if "bool" in wanted:
        if not isinstance(value, bool):
            raise problem
        return value
    if not isinstance(value, str):
        raise problem
    if "TLP" in wanted:
        return TLP.read(value)
    kinds: dict[str, type[Enum]] = {"Author": Author, "Relation": Relation}
    if wanted in kinds:
        try:
            return kinds[wanted](value)
        except ValueError:
            raise problem from None
    return value
