"""The text of a policy cut into tokens and rules, with their places, since Cedar's library gives none."""

import re
from dataclasses import dataclass

from comity.errors import Invalid

NESTING_MAX = 32
TOKENS_MAX = 2_000
RULES_MAX = 500
TEXT_MAX = 256 * 1024

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n\r]*|[A-Za-z_]\w*|\d+|::|&&|\|\||[=!<>]=|\S')


@dataclass(frozen=True, slots=True)
class Token:
    """One token and where it stands, counted in characters."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """The place behind it."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Statement:
    """One rule: its tokens, the semicolon included where there is one. Rule n of a text is Cedar's `policy<n>`."""

    tokens: tuple[Token, ...]

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.tokens[0].start

    @property
    def end(self) -> int:
        """The place behind it."""
        return self.tokens[-1].end

    def annotation(self, name: str) -> str:
        """The value of `@name("…")`; empty where there is none."""
        words = [token.text for token in self.tokens]
        for at in range(len(words) - 3):
            if words[at] == "@" and words[at + 1] == name and words[at + 2] == "(":
                return words[at + 3].strip('"')
        return ""

    @property
    def head(self) -> Token:
        """`permit` or `forbid`, or else its first token."""
        return next((token for token in self.tokens if token.text in ("permit", "forbid")), self.tokens[0])

    def clauses(self) -> list[tuple[Token, ...]]:
        """Of each `when` and `unless` the tokens between its braces."""
        found: list[tuple[Token, ...]] = []
        depth, begun = 0, -1
        for at, token in enumerate(self.tokens):
            if token.text == "{":
                depth += 1
                if depth == 1:
                    begun = at + 1
            elif token.text == "}":
                depth -= 1
                if depth == 0 and begun >= 0:
                    found.append(self.tokens[begun:at])
        return found


def tokens_of(text: str) -> list[Token]:
    """The tokens of the text, without comments."""
    return [Token(match[0], match.start()) for match in _TOKEN.finditer(text) if not match[0].startswith("//")]


def statements_of(text: str) -> list[Statement]:
    """The rules of the text, cut at its semicolons."""
    found: list[Statement] = []
    ahead: list[Token] = []
    for token in tokens_of(text):
        ahead.append(token)
        if token.text == ";":
            found.append(Statement(tuple(ahead)))
            ahead = []
    return [*found, Statement(tuple(ahead))] if ahead else found


def parts(tokens: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """The operands of the `&&` and `||` that stand in no brackets."""
    found: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in "([{") - (token.text in ")]}")
        if depth == 0 and token.text in ("&&", "||"):
            found.append([])
        else:
            found[-1].append(token)
    return [tuple(part) for part in found if part]


def too_deep(statement: Statement) -> Token | None:
    """The token at which the rule is nested deeper than the library can read: it would end the process. Each `if`
    counts as a level, as its `else` may hold the next one."""
    depth = ifs = 0
    for token in statement.tokens:
        depth += (token.text in "([{") - (token.text in ")]}")
        ifs += token.text == "if"
        if depth + ifs > NESTING_MAX:
            return token
    return None


def place(text: str, at: int) -> tuple[int, int]:
    """Line and column of that place, both counted from 1."""
    return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1


def fill(text: str, blank: str, value: str) -> str:
    """The text with the name in place of the blank, wherever that stands in quotation marks. Invalid where the name
    could be taken for anything but a name."""
    if not re.fullmatch(r"[\w.:@/+ -]{1,100}", value):
        raise Invalid(f"{value[:40]!r} is no name.", hint="Letters, digits and . : @ / + - are taken, at most 100.")
    return text.replace(f'"{blank}"', f'"{value}"')
