"""The lines of what is decided, their counts and digest."""

import hashlib
import random

from comity.release.classes import Author, ReleaseClass
from comity.release.dispositions import Disposition
from comity.release.policy import Rule
from comity.release.tallies import Word, line_of, tally_of
from comity.stix.markings import TLP

DIGEST = bytes(range(32))
PLAIN = ReleaseClass(TLP.GREEN, "object", "indicator")
ONE, TWO = Rule("a.one", "One"), Rule("b", "Two")


def test_a_line_says_the_class_the_decision_and_the_rules() -> None:
    authored = ReleaseClass(TLP.GREEN, "object", "indicator", author=Author.OTHER, personal=frozenset({"victim"}))
    table = [
        (PLAIN, Disposition(True, (TWO, ONE)), "release a.one,b"),
        (PLAIN, Disposition(False, (ONE,)), "withhold a.one"),
        (PLAIN, Disposition(False, ()), "withhold "),
        (authored, Disposition(True, (ONE,), True, True), "release a.one"),
        (authored, Disposition(True, (ONE,), False, True, edits=True, only_author=True), "redact:author a.one"),
        (authored, Disposition(True, (ONE,), edits=True), "redact:author,personal-data a.one"),
        (
            authored,
            Disposition(True, (ONE,), True, True, frozenset({TLP.RED, TLP.AMBER}), edits=True),
            "redact:tlp:amber,tlp:red a.one",
        ),
        (PLAIN, Disposition(True, (ONE,), cut=frozenset({TLP.RED}), edits=True), "redact:tlp:red a.one"),
        (PLAIN, Disposition(True, (ONE,), approval=True), "approve a.one"),
        (authored, Disposition(True, (ONE,), edits=True, approval=True), "approve:author,personal-data a.one"),
    ]
    for of, one, words in table:
        assert line_of(DIGEST, of, one) == f"{DIGEST.hex()} {words}"


def test_the_tally_counts_every_line_once_and_its_digest_tells_any_other_apart() -> None:
    words = ["release a", "redact:author a", "approve a", "withhold a,b", "withhold "]
    chance = random.Random(1)
    lines = sorted(f"{hashlib.sha256(bytes([number])).hexdigest()} {chance.choice(words)}" for number in range(200))
    made = tally_of(lines)
    counts = {word: sum(f" {word}" in line for line in lines) for word in Word}
    assert all(counts.values())
    assert made.released == counts[Word.RELEASE]
    assert made.redacted == counts[Word.REDACT]
    assert made.withheld == counts[Word.WITHHOLD] + counts[Word.APPROVE]
    assert made.digest == hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).digest()
    for place in range(len(lines)):
        assert tally_of([*lines[:place], lines[place] + "x", *lines[place + 1 :]]).digest != made.digest
    assert tally_of([]).digest == hashlib.sha256().digest()
