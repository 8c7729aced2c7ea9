"""Sentences of the node in the language of a page: refusals, hints and titles of rules, which the node says in English.

The catalogue has each as a template: `There is no object {1}.` stands for whatever the node put at the place, and the
sentence is found by the words between the places. The values are set in as they are and never looked at again, so that
no value can ask for another place; who shows the sentence escapes it, as every text of others.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

CHARACTERS_MOST = 2_000
"""What is longer is no sentence of ours, and stays as it is."""
LETTERS_LEAST = 4
"""A template with fewer letters of its own would be found in sentences that are not its own."""
_PLACE = re.compile(r"\{([1-9])\}")
_LETTERS = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence with places: the English between them in order, and the pieces of the other language, each but the
    first after the number of the place before it."""

    english: tuple[str, ...]
    first: str
    rest: tuple[tuple[int, str], ...]

    def said(self, text: str) -> str | None:
        """The text in the other language; None where it is another sentence. Each piece is looked for once, from the
        left, so that the time is in proportion to the text."""
        head, *inner, tail = self.english
        end = len(text) - len(tail)
        at = len(head)
        if end < at or not text.startswith(head) or not text.endswith(tail):
            return None
        values = []
        for piece in inner:
            found = text.find(piece, at, end)
            if found < 0:
                return None
            values.append(text[at:found])
            at = found + len(piece)
        values.append(text[at:end])
        return self.first + "".join(values[number - 1] + piece for number, piece in self.rest)


def letters_of(english: str) -> int:
    """How many letters of the template are its own."""
    return len(_LETTERS.findall(_PLACE.sub("", english)))


def places_of(text: str) -> list[int]:
    """The numbers of the places, in their order."""
    return [int(number) for number in _PLACE.findall(text)]


def phrase_of(english: str, other: str) -> Phrase:
    """The pair of the catalogue, cut at its places. The English numbers its places from 1 on, with words between any
    two of them, and has at least LETTERS_LEAST letters of its own; the other has the same places in its own order."""
    places = places_of(english)
    pieces = _PLACE.split(english)[::2]
    sound = places == list(range(1, len(pieces))) and all(pieces[1:-1]) and letters_of(english) >= LETTERS_LEAST
    assert sound, english
    parts = _PLACE.split(other)
    rest = tuple(zip(map(int, parts[1::2]), parts[2::2], strict=True))
    assert sorted(number for number, _ in rest) == places, english
    return Phrase(tuple(pieces), parts[0], rest)


class Phrases:
    """The templates of one catalogue; of several that fit, the one with the most words of its own counts."""

    def __init__(self, catalogue: Mapping[str, str]) -> None:
        found = [(english, phrase_of(english, other)) for english, other in catalogue.items() if places_of(english)]
        found.sort(key=lambda pair: (-letters_of(pair[0]), pair[0]))
        self._phrases = tuple(phrase for _, phrase in found)

    def said(self, text: str) -> str:
        """The text in the other language; as it is where no template fits."""
        if len(text) > CHARACTERS_MOST:
            return text
        said = (phrase.said(text) for phrase in self._phrases)
        return next((one for one in said if one is not None), text)
