"""Names found in texts: whole words, whatever their case, width and punctuation, in one pass over each text.

A text and a name are both cut into *words*: runs of letters and digits, after Unicode's compatibility folding (NFKC)
and case folding. So `evil.example`, `evil[.]example` and `EVIL-Example` are the same two words. Of scripts that put no
space between words every letter is a word of its own.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

LETTERS_MIN = 3
"""Names of fewer letters and digits are not looked for: `IT` and `C2` stand in half of all texts."""
SPACELESS_LETTERS_MIN = 2
WORDS_MAX = 64
"""A longer name is looked for by its first words."""

# Thai, Lao, Myanmar, Khmer, kana, Han and hangul, whose words have no spaces between them or particles fixed to them.
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[{_SPACELESS}]|[^\W_{_SPACELESS}]+")
_HAS_SPACELESS = re.compile(f"[{_SPACELESS}]")
_END = ""


def words_of(text: str) -> list[str]:
    """The words of a text, folded. Characters that are not seen (soft hyphens, joiners, marks of direction) are not."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return _WORD.findall(text.casefold())


def name_of(text: str) -> tuple[str, ...]:
    """The words by which a name is looked for; empty where it is too short to be."""
    words = words_of(text)
    least = SPACELESS_LETTERS_MIN if any(map(_HAS_SPACELESS.match, words)) else LETTERS_MIN
    return tuple(words[:WORDS_MAX]) if sum(map(len, words)) >= least else ()


class Names:
    """A set of names, held as a tree of words, so that a text is compared with all of them at once."""

    def __init__(self, names: Iterable[tuple[str, ...]]) -> None:
        self._tree: dict[str, Any] = {}
        for name in names:
            branch = self._tree
            for word in name:
                branch = branch.setdefault(word, {})
            if name:
                branch[_END] = name

    def found_in(self, words: list[str]) -> Iterator[tuple[str, ...]]:
        """The names that stand in these words, the same one as often as it does."""
        tree = self._tree
        for start, word in enumerate(words):
            branch = tree.get(word)
            at = start + 1
            while branch is not None:
                if _END in branch:
                    yield branch[_END]
                branch = branch.get(words[at]) if at < len(words) else None
                at += 1
