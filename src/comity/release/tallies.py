"""What is decided of every class for one recipient, as it is entered into the ledger: a line a class, counts of them,
and a digest over the lines, so that what was withheld can be shown later without having been told."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from comity.release.classes import Author, ReleaseClass
from comity.release.dispositions import RESTRICTING, Disposition

DIGEST_CHARACTERS = 64


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
    found = list(lines)
    # A look at each word costs more than all of the rest, so that equal ones are read once.
    counts = dict.fromkeys(Word, 0)
    for words, count in Counter(line[DIGEST_CHARACTERS + 1 :] for line in found).items():
        counts[Word(words.partition(" ")[0].partition(":")[0])] += count
    withheld = counts[Word.WITHHOLD] + counts[Word.APPROVE]
    digest = hashlib.sha256("\n".join([*found, ""]).encode()).digest()
    return Tally(counts[Word.RELEASE], counts[Word.REDACT], withheld, digest)


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
