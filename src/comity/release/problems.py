"""What is wrong with the text of a policy, each with its place: Cedar's library says what, and this finds where."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from comity.release import cedar
from comity.release.facets import from_iso
from comity.release.text import (
    RULES_MAX,
    TEXT_MAX,
    TOKENS_MAX,
    Statement,
    Token,
    parts,
    place,
    statements_of,
    too_deep,
)

if TYPE_CHECKING:
    from cedarpy import Schema

ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
TITLE_MAX = 200
RESERVED = ("floor.", "gate.")
SECOND_PERSON = "second-person"
DATE_ARITHMETIC = (
    "durationSince",
    "offset",
    "toDate",
    "toTime",
    "toMilliseconds",
    "toSeconds",
    "toMinutes",
    "toHours",
    "toDays",
    "duration",
)
"""Operators that would let a decision change at an instant that stands nowhere in class, recipient or policy."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault: the document that it is in (`policy` or `cases`), line and column from 1, the rule's id, and words."""

    document: str
    line: int
    column: int
    rule: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """A rule that was read: its Cedar JSON form, its name and title, where it begins, and whether what it permits waits
    for a second person."""

    id: str
    title: str
    permits: bool
    line: int
    column: int
    form: Mapping[str, Any]
    approval: bool = False


def read_text(
    text: str, schema: "Schema", names: frozenset[str], *, floor: bool = False
) -> tuple[list[Read], list[Problem]]:
    """The rules of the text, and every problem that was found; `names` are the words that hints may propose."""
    reader = _Reader(text, schema, names, floor)
    return reader.rules, sorted(reader.problems, key=lambda problem: (problem.line, problem.column))


class _Reader:
    def __init__(self, text: str, schema: "Schema", names: frozenset[str], floor: bool) -> None:
        self.text, self.schema, self.names, self.floor = text, schema, names, floor
        self.rules: list[Read] = []
        self.problems: list[Problem] = []
        self.seen: set[str] = set()
        if len(text) > TEXT_MAX:
            self._add(0, "", f"The policy is longer than {TEXT_MAX:,} characters.")
            return
        statements = statements_of(text)
        if len(statements) > RULES_MAX:
            self._add(statements[RULES_MAX].start, "", f"There are more than {RULES_MAX} rules.")
            return
        for statement in statements:
            self._read(statement)

    def _add(self, at: int, rule: str, message: str, hint: str = "") -> None:
        line, column = place(self.text, at)
        self.problems.append(Problem("policy", line, column, rule, message, hint))

    def _read(self, statement: Statement) -> None:
        name = statement.annotation("id")
        deep = too_deep(statement)
        if deep is not None or len(statement.tokens) > TOKENS_MAX:
            token = deep or statement.tokens[TOKENS_MAX]
            self._add(token.start, name, "The rule is nested too deep or too long.", "Write it as several rules.")
            return
        whole = self.text[statement.start : statement.end]
        try:
            cedar.read_rules(whole)
            forms = cedar.json_form(whole)
        except ValueError as error:
            self._add_syntax(statement, name, str(error))
            return
        if len(forms) != 1:
            self._add(statement.start, name, "This is no rule.", "A rule begins with permit or forbid.")
            return
        form = forms[0]
        self._judge_annotations(statement, form.get("annotations") or {})
        self._judge_approval(statement, name, form)
        for word, message, hint in _refused(form):
            token = next((token for token in statement.tokens if token.text.strip('"') == word), statement.head)
            self._add(token.start, name, message, hint)
        faults = cedar.faults(whole, self.schema)
        if any("applicable action" not in fault for fault in faults):
            faults = [fault for fault in faults if "applicable action" not in fault]
        for fault in faults:
            token, message, hint = self._explain(statement, fault)
            if not any(problem.message == message and problem.rule == name for problem in self.problems):
                self._add(token.start, name, message, hint)
        line, column = place(self.text, statement.start)
        annotations = form.get("annotations") or {}
        title, permits = annotations.get("title") or "", form.get("effect") == "permit"
        self.rules.append(Read(name, title, permits, line, column, form, "approval" in annotations))

    def _judge_approval(self, statement: Statement, name: str, form: Mapping[str, Any]) -> None:
        annotations = form.get("annotations") or {}
        if "approval" not in annotations:
            return
        words = [token.text for token in statement.tokens]
        at = next(i for i, word in enumerate(words) if word == "approval" and words[i - 1] == "@")
        token = statement.tokens[at]
        value = annotations["approval"]
        release = {"op": "==", "entity": {"type": "Action", "id": "release"}}
        if value != SECOND_PERSON:
            given = f"{value[:40]!r} is no @approval." if value else "The @approval says nothing."
            self._add(token.start, name, given, f'Write @approval("{SECOND_PERSON}").')
        elif form.get("effect") != "permit":
            self._add(token.start, name, "What is forbidden waits for nobody.", "Put @approval before a permit.")
        elif form.get("action") != release:
            hint = 'Write action == Action::"release".'
            self._add(token.start, name, "Only a release waits for a second person.", hint)

    def _judge_annotations(self, statement: Statement, annotations: Mapping[str, Any]) -> None:
        name, title = annotations.get("id") or "", annotations.get("title") or ""
        at = statement.start
        if not name:
            self._add(at, "", "The rule has no @id.", 'Write @id("my.rule") before it.')
        elif not ID.fullmatch(name):
            self._add(at, name, f"{name[:80]!r} is no @id.", "Use small letters, digits, dots, dashes; at most 64.")
        elif name.startswith(RESERVED) and not self.floor:
            self._add(at, name, "Names that begin with floor. or gate. are the product's own.", "Choose another @id.")
        elif name in self.seen:
            self._add(at, name, f"Another rule has the @id {name}.", "Each rule needs an @id of its own.")
        self.seen.add(name)
        if not title.strip():
            self._add(at, name, "The rule has no @title.", 'Write @title("…"), the sentence that people will read.')
        elif len(title) > TITLE_MAX or not title.isprintable():
            self._add(at, name, f"The @title is no line of at most {TITLE_MAX} printable characters.")

    def _add_syntax(self, statement: Statement, name: str, error: str) -> None:
        hint = next((hint for word, hint in _SYNTAX_HINTS if word in error), "docs/reference/policy.md has examples.")
        if "end of input" in error:
            self._add(statement.tokens[-1].start, name, "The rule is not ended.", hint)
            return
        self._add(self._first_wrong(statement, error).start, name, _sentence(error), hint)

    def _first_wrong(self, statement: Statement, error: str) -> Token:
        """The token that a syntax error speaks of: of equal ones the last that would change it, were it another."""
        if "invalid token" in error:
            return next((token for token in statement.tokens if token.text in _NO_TOKENS), statement.head)
        named = re.findall(r"[`']([^`']+)[`']", error) or re.findall(r"(?:effect|condition): (\w+)|@(\w+)$", error)
        word = "".join(named[-1 if "pattern literal" in error else 0]) if named else ""
        equal = [token for token in statement.tokens if token.text == word]
        if "duplicate" in error or len(equal) < 2:
            return equal[-1] if equal else statement.head
        return next((token for token in reversed(equal) if self._matters(statement, token, error)), equal[0])

    def _matters(self, statement: Statement, token: Token, error: str) -> bool:
        try:
            cedar.read_rules(f"{self.text[statement.start : token.start]} other {self.text[token.end : statement.end]}")
        except ValueError as other:
            return str(other) != error
        return True

    def _explain(self, statement: Statement, fault: str) -> tuple[Token, str, str]:
        """The token that the fault is about, and the fault in a sentence with a hint."""
        quoted = re.findall(r"`([^`]+)`", fault)
        for word in quoted:
            bare = re.sub(r'^[\w:]+::"(.*)"$', r"\1", word).strip('"')
            for token in statement.tokens:
                if token.text.strip('"') == bare and token.text not in ("resource", "principal", "action"):
                    return token, _sentence(fault), self._nearest(bare, token)
        if "applicable action" in fault:
            hint = "principal is a Recipient or in a Group, resource is a ReleaseClass."
            return statement.head, "The head of the rule fits no action.", hint
        return self._narrow(statement, fault), _sentence(fault), _type_hint(fault)

    def _nearest(self, word: str, token: Token) -> str:
        near = get_close_matches(word, sorted(self.names), 1, 0.6)
        return f"Did you mean {near[0]}?" if near else "docs/reference/policy.md lists what there is."

    def _narrow(self, statement: Statement, fault: str) -> Token:
        """The first token of the smallest part of a condition that has the fault by itself."""
        for clause in statement.clauses():
            if clause and self._has(clause, fault):
                smaller = [part for part in parts(clause) if self._has(part, fault)]
                return smaller[0][0] if smaller else clause[0]
        return statement.head

    def _has(self, tokens: tuple[Token, ...], fault: str) -> bool:
        alone = f"permit (principal, action, resource) when {{ {self.text[tokens[0].start : tokens[-1].end]} }};"
        try:
            cedar.read_rules(alone)
        except ValueError:
            return False
        return fault in cedar.faults(alone, self.schema)


_NO_TOKENS = frozenset("\"'#$^~`\\")
_SYNTAX_HINTS = (
    ("valid operator", "Write == to compare, && for and, || for or."),
    ("must be used", "The head of a rule is (principal, action, resource)."),
    (
        "valid function",
        "Functions are datetime, decimal and ip; contains, containsAll, containsAny, isEmpty are methods.",
    ),
    ("policy effect", "A rule begins with permit or forbid."),
    ("duplicate annotation", "Give each annotation once."),
    ("pattern literal", 'Write like "*.example", in quotation marks.'),
    ("end of input", "A rule ends with a semicolon; look for a brace or bracket that is not closed."),
    ("invalid token", "Texts stand in double quotation marks."),
    ("unexpected token", "Look at what stands before it: something is missing, or too much."),
)


def _sentence(fault: str) -> str:
    words = fault.strip().rstrip(".")
    return f"{words[:1].upper()}{words[1:]}."


def _type_hint(fault: str) -> str:
    if "empty set" in fault:
        return "Write attribute.isEmpty() to ask whether a set is empty."
    if "Bool" in fault:
        return "A condition, and each side of && and ||, is true or false."
    if "datetime" in fault:
        return 'Write datetime("2026-03-01") or datetime("2026-03-01T00:00:00Z").'
    return "Compare values of one type; docs/reference/policy.md has the types."


def _walk(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from _walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner)


def _refused(form: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What the language has and a policy may not use: the word, why not, and what instead."""
    for node in _walk({"scope": [form.get(k) for k in ("principal", "action", "resource")], "in": form["conditions"]}):
        for operator in DATE_ARITHMETIC:
            if operator in node and not isinstance(node.get(operator), str) and "attr" not in node:
                why = f"{operator} reckons with dates, so that nobody could say until when a decision holds."
                yield operator, why, "Compare context.now with a date by < or >=."
        if "unknown" in node:
            yield "unknown", "unknown() stands for a value that is not there yet, and every value is.", "Leave it out."
        if "slot" in node:
            yield (
                "?",
                "A template is no rule.",
                "Name the recipient or the group itself.",
            )
        if node.get("type") == "ReleaseClass" and "id" in node:
            yield str(node["id"]), "A rule may not name single classes, for they have no names.", "Ask for its facets."
        dates = node.get("datetime")
        if isinstance(dates, list) and dates and isinstance(dates[0], Mapping):
            try:
                from_iso(str(dates[0].get("Value")))
            except ValueError:
                date = str(dates[0].get("Value"))
                yield date, f"{date[:40]!r} is no date.", 'Write datetime("2026-03-01T00:00:00Z"), years 0001 to 9999.'


def instants_of(form: Mapping[str, Any]) -> frozenset[int]:
    """The instants that the rule names, in microseconds since 1970."""
    found = [
        node["datetime"][0]["Value"] for node in _walk(form["conditions"]) if isinstance(node.get("datetime"), list)
    ]
    return frozenset(from_iso(text) for text in found)


def words_of(form: Mapping[str, Any]) -> frozenset[str]:
    """The texts that the rule compares with."""
    values = [node["Value"] for node in _walk(form["conditions"]) if "Value" in node]
    lists = [value for value in values if isinstance(value, list)]
    return frozenset(v for v in [*values, *(one for many in lists for one in many)] if isinstance(v, str))


def attributes_in(form: Mapping[str, Any]) -> frozenset[str]:
    """The attributes, of whatever, that the rule asks for."""
    return frozenset(str(node["attr"]) for node in _walk(form["conditions"]) if "attr" in node)


def named_in(form: Mapping[str, Any], kind: str) -> frozenset[str]:
    """The groups, or the recipients, that the rule names."""
    return frozenset(str(n["id"]) for n in _walk(form) if n.get("type") == kind and "id" in n)
