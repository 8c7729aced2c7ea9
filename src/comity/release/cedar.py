"""Cedar, as its library `cedarpy` speaks it: the one module that names it. It is imported when a policy is asked."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from cedarpy import Entities, PolicySet, Schema

BASES_KEPT = 8
"""Sets of classes that are kept parsed."""
_POLICY = re.compile(r"policy\d+")
_LEAD = re.compile(r"^for policy `policy\d+`[,:] ")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the library says to one question: the `@id`s of the rules that decided, and what could not be evaluated."""

    allowed: bool
    reasons: tuple[str, ...]
    errors: tuple[str, ...]


def read_schema(text: str) -> "Schema":
    """The schema, parsed. ValueError where it is none."""
    from cedarpy import Schema

    return Schema.from_str(text)


def read_rules(text: str) -> "PolicySet":
    """The rules, parsed. ValueError, with words but without a place, where they are none."""
    from cedarpy import PolicySet

    return PolicySet.from_str(text)


def json_form(text: str) -> list[dict[str, Any]]:
    """The rules in Cedar's JSON form, in the order of the text; templates too."""
    from cedarpy import policies_to_json_str

    found = orjson.loads(policies_to_json_str(text))
    rules: dict[str, dict[str, Any]] = found.get("staticPolicies", {}) | found.get("templates", {})
    return [rules[name] for name in sorted(rules, key=lambda name: int(name.removeprefix("policy")))]


def faults(text: str, schema: "Schema") -> list[str]:
    """What strict validation says against the rules, each thing once."""
    from cedarpy import validate_policies

    result = validate_policies(text, schema)
    words = [_LEAD.sub("", error.error) for error in result.errors]
    return list(dict.fromkeys(words)) or ([] if result.validation_passed else ["it does not pass validation"])


@lru_cache(maxsize=BASES_KEPT)
def classes(forms: tuple[bytes, ...], schema: "Schema") -> "Entities":
    """The entities of release classes whose attributes, in JSON, are these, complete and of the types of the schema;
    each is called by its place. ValueError where one is not. To parse them is most of what an answer costs, and the
    same are asked about for every recipient."""
    from cedarpy import Entities

    rows = (
        b'{"uid":{"type":"ReleaseClass","id":"%d"},"attrs":%b,"parents":[]}' % (place, form)
        for place, form in enumerate(forms)
    )
    return Entities.from_json_str((b"[" + b",".join(rows) + b"]").decode(), schema)


def with_recipient(known: "Entities", row: Mapping[str, Any], schema: "Schema") -> "Entities":
    """The same with the recipient. ValueError where it is not of the types of the schema."""
    return known.with_added_json_str(orjson.dumps([row]).decode(), schema)


def request(recipient: str, action: str, release_class: str, now: str) -> dict[str, Any]:
    """A question in the form of the library."""
    return {
        "principal": {"type": "Recipient", "id": recipient},
        "action": {"type": "Action", "id": action},
        "resource": {"type": "ReleaseClass", "id": release_class},
        "context": orjson.dumps({"now": {"__extn": {"fn": "datetime", "arg": now}}}).decode(),
    }


def ask(requests: Sequence[dict[str, Any]], rules: "PolicySet", known: "Entities", schema: "Schema") -> list[Answer]:
    """An answer to each question. A question that cannot be understood is answered with no and an error."""
    from cedarpy import Decision, is_authorized_batch

    found = []
    for answer in is_authorized_batch(list(requests), rules, known, schema):
        told = answer.diagnostics
        named = told.id_annotations_by_reason
        errors = [*told.errors, *(f"{reason} has no name" for reason in told.reasons if reason not in named)]
        if answer.decision not in (Decision.Allow, Decision.Deny) and not errors:
            errors.append("there is no decision")
        found.append(Answer(answer.allowed, tuple(sorted(named.get(r, r) for r in told.reasons)), tuple(errors)))
    return found
