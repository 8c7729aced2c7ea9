"""What is decided of every class for one recipient, as it is entered into the ledger: a line a class, counts of them,
and a digest over the lines, so that what was withheld can be shown later without having been told."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from comity.release.classes import Author, ReleaseClass
from comity.release.dispositions import RESTRICTING, Disposition


class Word(StrEnum):
    """What becomes of the objects of a class, as far as the class decides: they go, or go with changes, or go only
    after a second person let each of them go, or do not go."""

    RELEASE = "release"
    REDACT = "redact"
    APPROVE = "approve"
    WITHHOLD = "withhold"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many classes are released, redacted and withheld; those that want an approval count as withheld, since
    nothing of them goes by the class. The digest is SHA-256 over the lines in order, each ended by a line feed."""

    released: int
    redacted: int
    withheld: int
    digest: bytes


def line_of(digest: bytes, of: ReleaseClass, one: Disposition) -> str:
    """The line of the class: the SHA-256 of its canonical form in hexadecimal, the decision, and the ids of the rules
    that made it, parted by commas. What is changed stands behind the decision, as in `redact:author,tlp:red`."""
    cuts = ",".join(_cuts(of, one)) if one.edits else ""
    word = f"{_word(one)}:{cuts}" if cuts else _word(one).value
    return f"{digest.hex()} {word} {','.join(sorted(rule.id for rule in one.because))}"


def tally_of(lines: Iterable[str]) -> Tally:
    """The counts of these lines, and the digest over them; they are sorted."""
    counts = dict.fromkeys(Word, 0)
    hashed = hashlib.sha256()
    for line in lines:
        counts[word_of(line)] += 1
        hashed.update(f"{line}\n".encode())
    withheld = counts[Word.WITHHOLD] + counts[Word.APPROVE]
    return Tally(counts[Word.RELEASE], counts[Word.REDACT], withheld, hashed.digest())


def word_of(line: str) -> Word:
    """The decision that the line says."""
    return Word(line.split(" ", 2)[1].partition(":")[0])


def _word(one: Disposition) -> Word:
    if not one.released:
        return Word.WITHHOLD
    if one.approval:
        return Word.APPROVE
    return Word.REDACT if one.edits else Word.RELEASE


def _cuts(of: ReleaseClass, one: Disposition) -> Iterable[str]:
    if of.author is not Author.NONE and not one.name_author:
        yield "author"
    if of.personal & RESTRICTING and not one.show_personal:
        yield "personal-data"
    yield from (level.word.lower() for level in sorted(one.cut))
