"""What a marking means: TLP 1 and 2.0, statements, IEP, PAP, and the effective marking of an object or a path in it.

Only exact, known content loosens. Whatever is not understood, or does not resolve, counts as TLP:RED.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from comity.stix.iep import IEP2_EXTENSION, IepPolicy, read_iep
from comity.stix.object import Finding, JsonObject
from comity.stix.tlp import LEVELS, MARKING_IDS, TLP, TLP2_EXTENSION, WELL_KNOWN, forged, standard_definition, tlp2_word

__all__ = [
    "IEP2_EXTENSION",
    "MARKING_IDS",
    "TLP",
    "TLP2_EXTENSION",
    "WELL_KNOWN",
    "Effective",
    "Kind",
    "Meaning",
    "Resolve",
    "definition_kind",
    "effective",
    "effective_at",
    "forged",
    "others_of",
    "standard_definition",
    "tlp_of",
]

_RULE_UNKNOWN = "R4: an unknown marking counts as TLP:RED"
_RULE_TWO = "R4: of two TLP markings the stricter holds"
_RULE_STATEMENT = "R4: a statement marking does not set a TLP"
_RULE_OWN_TLP = "STIX 2.1 §7.2.1.4: other instances of tlp-marking must not be made"

_PAP_LEVELS = ("clear", "green", "amber", "red")
POLICIES_MAX = 8
"""IEP policies of one object that are told apart; with more, what they permit together is not known."""


def tlp_of(value: JsonObject, *, labels: bool = False) -> int | None:
    """The strictest TLP that the object's own well-known markings name, with `labels` also its `tlp:*` labels.

    None where it names none; whatever is not in the form of the standard counts as RED. Ids that are not well known
    are passed over: `others_of` lists them, and `effective` decides what they mean.
    """
    level: int | None = None
    refs = value.get("object_marking_refs")
    if refs is not None:
        if type(refs) is not list:
            return TLP.RED
        for ref in refs:
            if type(ref) is not str:
                return TLP.RED
            found = _WELL_KNOWN.get(ref)
            if found is not None and (level is None or found > level):
                level = found
    if labels:
        for _, found_label, _ in _label_levels(value):
            if level is None or found_label > level:
                level = found_label
    return level


# Plain integers in a plain dict: this is looked up for every object that comes in.
_WELL_KNOWN: dict[str, int] = {ident: int(level) for ident, level in WELL_KNOWN.items()}


def others_of(value: JsonObject) -> tuple[str, ...]:
    """The marking ids, of the object and of its granular markings, that are not well known and have to be resolved."""
    refs = value.get("object_marking_refs")
    granular = value.get("granular_markings")
    named = list(refs) if isinstance(refs, list) else []
    named += [e.get("marking_ref") for e in granular if isinstance(e, dict)] if isinstance(granular, list) else []
    return tuple(dict.fromkeys(ref for ref in named if isinstance(ref, str) and ref not in _WELL_KNOWN))


def _label_levels(value: JsonObject) -> Iterator[tuple[str, TLP, bool]]:
    """The `tlp:*` labels: the place, the level, and whether the word is one that we know."""
    labels = value.get("labels")
    if not isinstance(labels, list):
        return
    for number, label in enumerate(labels):
        if isinstance(label, str) and label.lstrip()[:4].lower() == "tlp:":
            level = LEVELS.get(label.strip()[4:].lower())
            yield f"labels[{number}]", TLP.RED if level is None else level, level is not None


class Kind(StrEnum):
    """What a marking definition is about."""

    TLP = "tlp"
    STATEMENT = "statement"
    IEP = "iep"
    PAP = "pap"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a marking definition says. `tlp` is the level it sets, None where it sets none; RED where it is unknown.

    `text` is the words of a statement, the level of a PAP, or why the definition is not understood.
    """

    kind: Kind
    tlp: TLP | None = None
    text: str = ""
    policy: IepPolicy | None = None


def definition_kind(definition: JsonObject) -> Meaning:
    """What a marking definition means; its id plays no part, so that `resolve` answers for whose it is.

    Every part of it must be known: a known definition beside an extension that is not understood is unknown.
    """
    if definition.get("type") != "marking-definition":
        return _unknown("it is not a marking-definition")
    parts: list[Meaning] = []
    extensions = definition.get("extensions", {})
    if not isinstance(extensions, dict):
        return _unknown("its extensions are not an object")
    for ident, content in extensions.items():
        parts.append(_meaning_of_extension(ident, content))
    kind = definition.get("definition_type")
    if not parts or "definition" in definition:
        parts.append(_meaning_of_definition(kind, definition.get("definition")))
    elif kind is not None and not (isinstance(kind, str) and kind.lower() in _EXTENSION_TYPES):
        parts.append(_unknown(f"definition_type {str(kind)[:40]!r} is not known"))
    for part in parts:
        if part.kind is Kind.UNKNOWN:
            return part
    if any(part != parts[0] for part in parts):
        return _unknown("its parts say different things")
    return parts[0]


# Some exporters repeat the name of the level as the type beside the TLP 2.0 extension.
_EXTENSION_TYPES = frozenset({"tlp", "iep", *(level.word.lower() for level in TLP)})


def _unknown(why: str) -> Meaning:
    return Meaning(Kind.UNKNOWN, TLP.RED, why)


def _meaning_of_extension(ident: str, content: Any) -> Meaning:
    if ident == TLP2_EXTENSION:
        word = tlp2_word({ident: content})
        return (
            Meaning(Kind.TLP, LEVELS[word]) if word else _unknown("its TLP 2.0 extension is not of the standard form")
        )
    if ident == IEP2_EXTENSION:
        policy = read_iep(content)
        return _unknown(policy) if isinstance(policy, str) else Meaning(Kind.IEP, policy.tlp, "", policy)
    return _unknown(f"extension {ident[:80]} is not known")


def _meaning_of_definition(kind: Any, content: Any) -> Meaning:
    name = kind.lower() if isinstance(kind, str) else ""
    if not isinstance(content, dict):
        return _unknown("it has no definition that is an object")
    if name == "statement" and isinstance(content.get("statement"), str):
        return Meaning(Kind.STATEMENT, None, content["statement"])
    if name in ("tlp", "pap") and list(content) == [name] and isinstance(content[name], str):
        word = content[name]
        if name == "tlp" and word in LEVELS:
            return Meaning(Kind.TLP, LEVELS[word])
        if name == "pap" and word in (*_PAP_LEVELS, "white"):
            return Meaning(Kind.PAP, None, word)
    return _unknown(f"definition_type {str(kind)[:40]!r} with that definition is not known")


@dataclass(frozen=True, slots=True)
class Effective:
    """The marking that holds. `tlp_from` is `object` (it says so itself), `source` (its default) or `none` (no default
    was chosen: RED). `statements` are texts to carry and show; `unknown` the ids that made it RED; `policies` those of
    IEP, each of which holds; `pap` the strictest level of it; `contradicts` that two levels of TLP were named, or more
    policies than are told apart."""

    tlp: TLP
    tlp_from: str
    statements: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    policies: tuple[IepPolicy, ...] = ()
    pap: str | None = None
    contradicts: bool = False


Resolve = Callable[[str], JsonObject | None]
"""Gives the marking definition of an id, only from the object's own source or its origin (R5), else None."""


def effective(value: JsonObject, resolve: Resolve, default: TLP | None, *, labels: bool = False) -> Effective:
    """The marking of the object as a whole (R4); `labels` says that this source's `tlp:*` labels count as markings."""
    named, malformed = _references(value.get("object_marking_refs"), "object_marking_refs")
    reading = _Reading(resolve)
    reading.refuse(malformed)
    for where, ref in named:
        reading.add(where, ref)
    if labels:
        for where, level, known in _label_levels(value):
            reading.add_label(where, level, known)
    return reading.result(default)


def effective_at(
    value: JsonObject, selector: str, resolve: Resolve, default: TLP | None, *, labels: bool = False
) -> Effective:
    """The marking of the path `selector` (STIX 2.1 §7.2.3): the object's own and that of every granular marking whose
    selector is the path or leads to it. What is marked inside the path does not count. The stricter TLP holds, so a
    granular marking never loosens."""
    whole = effective(value, resolve, default, labels=labels)
    reading = _Reading(resolve)
    granular = value.get("granular_markings")
    if granular is not None and not isinstance(granular, list):
        reading.refuse(["granular_markings"])
    for number, entry in enumerate(granular if isinstance(granular, list) else ()):
        where = f"granular_markings[{number}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("selectors"), list):
            reading.refuse([where])
        elif "marking_ref" in entry and any(_leads_to(chosen, selector) for chosen in entry["selectors"]):
            named, malformed = _references([entry["marking_ref"]], f"{where}.marking_ref")
            reading.refuse(malformed)
            for _, ref in named:
                reading.add(f"{where}.marking_ref", ref)
    part = reading.result(whole.tlp)
    stricter = part.tlp > whole.tlp
    return Effective(
        part.tlp if stricter else whole.tlp,
        "object" if stricter else whole.tlp_from,
        tuple(dict.fromkeys(whole.statements + part.statements)),
        tuple(dict.fromkeys(whole.unknown + part.unknown)),
        whole.findings + part.findings,
        tuple(dict.fromkeys(whole.policies + part.policies)),
        _strictest_pap(whole.pap, part.pap),
        whole.contradicts or part.contradicts,
    )


def _strictest_pap(*words: str | None) -> str | None:
    levels = [_PAP_LEVELS.index("clear" if word == "white" else word) for word in words if word is not None]
    return _PAP_LEVELS[max(levels)] if levels else None


def _leads_to(chosen: Any, selector: str) -> bool:
    # A selector that is no text could mean any path, so it counts for this one.
    return not isinstance(chosen, str) or selector == chosen or selector.startswith(chosen + ".")


def _references(refs: Any, where: str) -> tuple[list[tuple[str, str]], list[str]]:
    """The ids with their places, and the places where there is something else."""
    if refs is None:
        return [], []
    if not isinstance(refs, list):
        return [], [where]
    places = [f"{where}[{number}]" for number in range(len(refs))]
    named = [(place, ref) for place, ref in zip(places, refs, strict=True) if isinstance(ref, str)]
    return named, [place for place, ref in zip(places, refs, strict=True) if not isinstance(ref, str)]


class _Reading:
    """Markings read one after another; the order and repetition of them do not matter to the result."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._level: TLP | None = None
        self._named: set[TLP] = set()
        self._where = ""
        self._seen: set[str] = set()
        self._statements: dict[str, None] = {}
        self._unknown: dict[str, None] = {}
        self._findings: list[Finding] = []
        self._policies: dict[IepPolicy, None] = {}
        self._pap: str | None = None

    def refuse(self, places: Iterable[str]) -> None:
        for where in places:
            self._tighten(TLP.RED)
            self._findings.append(Finding(where, "STIX 2.1 §7.2.2", "This is not a reference to a marking; it is RED."))

    def add(self, where: str, ref: str) -> None:
        if ref in self._seen:
            return
        self._seen.add(ref)
        level = WELL_KNOWN.get(ref)
        if level is not None:
            self._name(where, level)
            return
        definition = self._resolve(ref)
        if definition is None:
            self._refuse_unknown(where, ref, "it does not resolve")
            return
        meaning = definition_kind(definition)
        if meaning.kind is Kind.UNKNOWN:
            self._refuse_unknown(where, ref, meaning.text)
        elif meaning.kind is Kind.STATEMENT:
            self._statements[meaning.text] = None
            if "TLP" in f"{meaning.text} {definition.get('name', '')}".upper():
                problem = "The text of a statement marking names TLP, but a statement sets none."
                self._findings.append(Finding(where, _RULE_STATEMENT, problem, must=False))
        elif meaning.kind is Kind.TLP and meaning.tlp is not None:
            # The same source could have used the published id, so its own definition grants nothing more.
            self._name(where, meaning.tlp)
            problem = (
                f"{ref[:80]} defines {meaning.tlp.word} under an id that is not the published one; it counts as that."
            )
            self._findings.append(Finding(where, _RULE_OWN_TLP, problem, must=False))
        elif meaning.kind is Kind.PAP:
            self._pap = _strictest_pap(self._pap, meaning.text)
        elif meaning.policy is not None:
            self._policies[meaning.policy] = None
            self._tighten(meaning.policy.tlp)

    def add_label(self, where: str, level: TLP, known: bool) -> None:
        self._name(where, level)
        if not known:
            self._findings.append(
                Finding(
                    where, _RULE_UNKNOWN, "The label is no TLP level that is known; it counts as TLP:RED.", must=False
                )
            )

    def result(self, default: TLP | None) -> Effective:
        findings = self._findings
        if len(self._named) > 1:
            words = " and ".join(level.word for level in sorted(self._named))
            findings = [
                *findings,
                Finding(self._where, _RULE_TWO, f"{words} are named; the stricter holds.", must=False),
            ]
        many = len(self._policies) > POLICIES_MAX
        rest = (
            tuple(self._statements),
            tuple(self._unknown),
            tuple(findings),
            () if many else tuple(self._policies),
            self._pap,
            many or len(self._named) > 1,
        )
        if self._level is not None:
            return Effective(self._level, "object", *rest)
        if default is not None:
            return Effective(default, "source", *rest)
        return Effective(TLP.RED, "none", *rest)

    def _name(self, where: str, level: TLP) -> None:
        self._named.add(level)
        self._where = where
        self._tighten(level)

    def _refuse_unknown(self, where: str, ref: str, why: str) -> None:
        self._unknown[ref] = None
        self._tighten(TLP.RED)
        problem = f"{ref[:80]} counts as TLP:RED, because {why}."
        self._findings.append(Finding(where, _RULE_UNKNOWN, problem, must=False))

    def _tighten(self, level: TLP) -> None:
        if self._level is None or level > self._level:
            self._level = level
