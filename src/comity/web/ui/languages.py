"""What the pages say, in the language of whoever reads: English in the templates, others in a catalogue each, with a
file for each room of pages and one, `frame`, for what several of them say."""

import functools
import importlib.resources
import tomllib
from dataclasses import dataclass

from comity.web.ui.phrases import Phrases

LANGUAGES = {"en": "English", "id": "Bahasa Indonesia"}


@dataclass(frozen=True, slots=True)
class Words:
    """One language. `gettext` and `ngettext` are what the i18n extension of Jinja2 asks for."""

    language: str

    def gettext(self, text: str) -> str:
        """The text in this language; as it is where the catalogue has none."""
        return catalogue(self.language).get(text, text)

    def ngettext(self, one: str, many: str, number: int) -> str:
        """The form for that number. Indonesian has one form for all numbers."""
        if self.language == "en":
            return one if number == 1 else many
        return catalogue(self.language).get(many, many)

    def said(self, text: str) -> str:
        """A sentence of the node in this language, with its values as they are; English where the catalogue has none.
        It repeats what was sent, so whoever shows it escapes it."""
        known = catalogue(self.language).get(text)
        return phrases(self.language).said(text) if known is None else known

    def reason(self, text: str) -> str:
        """The title of a rule in this language, or what the gate says of a place in the object, after a colon.
        Another title is one that somebody here wrote, and stays as it is."""
        known = catalogue(self.language).get(text)
        if known is not None:
            return known
        place, colon, words = text.rpartition(": ")
        return place + colon + catalogue(self.language).get(words, reasons(self.language).said(words))


@functools.cache
def catalogue(language: str) -> dict[str, str]:
    """English texts and what stands for each in that language; empty for English."""
    if language == "en":
        return {}
    found: dict[str, str] = {}
    folder = importlib.resources.files("comity.web.ui").joinpath("catalogues", language)
    for file in folder.iterdir():
        texts: dict[str, str] = tomllib.loads(file.read_text("utf-8"))
        assert found.keys().isdisjoint(texts), f"{file.name} has texts of another file"
        found |= texts
    return found


@functools.cache
def phrases(language: str) -> Phrases:
    """The sentences of the catalogue that have places for values."""
    return Phrases(catalogue(language))


@functools.cache
def reasons(language: str) -> Phrases:
    """Those of them that the gate says: they begin small and are no whole sentences, unlike refusals and titles."""
    told = {text: other for text, other in catalogue(language).items() if text[0].islower() and text[-1] != "."}
    return Phrases(told)


def language_of(wanted: str, accept: str | None) -> str:
    """The language that the person chose; else the first one of the browser's that there is; else English."""
    if wanted in LANGUAGES:
        return wanted
    offers: list[tuple[float, int, str]] = []
    for place, part in enumerate((accept or "").split(",")[:20]):
        tag, _, quality = part.partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        code = tag.strip().lower().split("-")[0]
        if code in LANGUAGES and weight > 0:
            offers.append((-weight, place, code))
    return min(offers)[2] if offers else "en"
