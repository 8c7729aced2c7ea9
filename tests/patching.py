"""Faults that are kept as patches: each a unified diff against the source, put into a copy of it, never into the tree.

A patch begins with remarks: `# test:` names the test that must fail once it is applied, and `# slow: yes` leaves it to
the long run. Then come one file and its hunks, as `diff -u` writes them. A hunk may have moved since, but every line of
it must be there as it was, at one place and no other: a patch that nearly fits would be another fault than was meant.
"""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "patches"
_HEAD = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ADVICE = (
    "Look at what became of these lines. Where the fault can still be made, edit the source, write `diff -u` anew below"
    " the remarks and take the edit back; where it cannot, say in the commit why, and put another fault in its place."
)


class DoesNotApply(Exception):
    """A patch is none, or fits the source no more; the words say which hunk, and what to do."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """From line `line` on the lines `old` become the lines `new`."""

    line: int
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Patch:
    """In `file` (below src/comity) the hunks are applied, and `test` fails."""

    name: str
    test: str
    file: str
    hunks: tuple[Hunk, ...]
    slow: bool = False

    def applied(self, text: str) -> str:
        """The text of the file with the fault. DoesNotApply where a hunk does not fit at exactly one place."""
        lines = text.removesuffix("\n").split("\n")
        for number, hunk in enumerate(self.hunks, start=1):
            size = len(hunk.old)
            places = [at for at in range(len(lines) - size + 1) if tuple(lines[at : at + size]) == hunk.old]
            if len(places) != 1:
                found = f"fits at {len(places)} places" if places else "fits nowhere"
                wanted = "\n".join(f"    {line}" for line in hunk.old)
                raise DoesNotApply(
                    f"{self.name}: hunk {number} of {len(self.hunks)} (line {hunk.line} of {self.file}) {found}."
                    f" These lines were looked for:\n{wanted}\n{_ADVICE}"
                )
            lines[places[0] : places[0] + size] = hunk.new
        return "\n".join(lines) + "\n"


def read_patch(name: str, text: str) -> Patch:
    """The patch of that text. DoesNotApply where it is none."""
    remarks: dict[str, str] = {}
    lines = text.removesuffix("\n").split("\n")
    while lines and lines[0].startswith("#"):
        word, _, value = lines.pop(0).removeprefix("#").partition(":")
        remarks[word.strip()] = value.strip()
    if not remarks.get("test") or remarks.keys() - {"test", "slow"} or remarks.get("slow", "yes") != "yes":
        raise DoesNotApply(f"{name}: begin with `# test: FILE::TEST`, and `# slow: yes` where it is for the long run.")
    begins = [line for line in lines if line.startswith(("--- ", "+++ "))][:2]
    file = begins[0].removeprefix("--- a/src/comity/") if begins else ""
    if begins != [f"--- a/src/comity/{file}", f"+++ b/src/comity/{file}"] or lines[:2] != begins:
        raise DoesNotApply(f"{name}: below the remarks stand `--- a/src/comity/FILE` and `+++ b/src/comity/FILE`.")
    hunks = _hunks(name, lines[2:])
    if not hunks or any(hunk.old == hunk.new for hunk in hunks):
        raise DoesNotApply(f"{name}: it has no hunk, or one that changes nothing.")
    return Patch(name, remarks["test"], file, hunks, "slow" in remarks)


def _hunks(name: str, lines: list[str]) -> tuple[Hunk, ...]:
    found: list[Hunk] = []
    while lines:
        head = _HEAD.match(lines.pop(0))
        if head is None:
            raise DoesNotApply(f"{name}: hunk {len(found) + 1} does not begin with `@@ -LINE,COUNT +LINE,COUNT @@`.")
        old: list[str] = []
        new: list[str] = []
        while lines and not lines[0].startswith("@@"):
            line = lines.pop(0)
            mark, rest = line[:1] or " ", line[1:]
            if mark not in " -+":
                raise DoesNotApply(f"{name}: hunk {len(found) + 1} holds a line that begins with {mark!r}.")
            if mark != "+":
                old.append(rest)
            if mark != "-":
                new.append(rest)
        if [len(old), len(new)] != [int(head[2] or 1), int(head[4] or 1)]:
            raise DoesNotApply(f"{name}: hunk {len(found) + 1} has not as many lines as its first line says.")
        found.append(Hunk(int(head[1]), tuple(old), tuple(new)))
    return tuple(found)


def patches() -> list[Patch]:
    """All that are kept, in the order of their numbers."""
    return [read_patch(path.name, path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.patch"))]
