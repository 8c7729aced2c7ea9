"""Every text of the pages is there in every language, and nothing stands in a catalogue that no page says."""

import ast
import re
from collections.abc import Iterator

import pytest
from jinja2.ext import extract_from_ast
from jinja2.nodes import TemplateData
from tests.house.tree import SOURCE
from tests.said_texts import refusals, titles

from comity.web.ui.languages import LANGUAGES, Words, catalogue, language_of
from comity.web.ui.rendering import environment

UI = SOURCE / "web" / "ui"
OTHERS = sorted(set(LANGUAGES) - {"en"})
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
_WORD = re.compile(r"[A-Za-z]{2,}")
FIXED = {"Comity", "TLP", "UTC", "CSV", "JSON", "STIX", "SHA"}
"""Words of templates that stand outside of texts: fixed codes and names."""


def of_template(source: str) -> Iterator[str]:
    """The texts of a template; of one with a plural the plural, which is what catalogues have."""
    made = environment("en")
    for _, function, text in extract_from_ast(made.parse(source)):
        found = (text[1] if function == "ngettext" else text[0]) if isinstance(text, tuple) else text
        assert found
        yield found


def of_module(source: str) -> Iterator[str]:
    """The texts of `….gettext("…")` and `….ngettext("…", "…", …)` in a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            place = {"gettext": 0, "ngettext": 1}.get(node.func.attr)
            if place is not None and len(node.args) > place and isinstance(node.args[place], ast.Constant):
                yield str(ast.literal_eval(node.args[place]))


def every_text() -> set[str]:
    """Everything that any page says."""
    found: set[str] = set()
    for path in (UI / "templates").glob("*.html"):
        found.update(of_template(path.read_text("utf-8")))
    for path in UI.glob("*.py"):
        found.update(of_module(path.read_text("utf-8")))
    return found


def test_texts_are_found_in_templates_and_modules() -> None:
    template = '{{ _("One") }}{% trans n=2 %}a {{ n }}{% pluralize %}{{ n }}\n  bs{% endtrans %}'
    template += "{% trans %}Two\n three{% endtrans %}"
    assert set(of_template(template)) == {"One", "%(n)s bs", "Two three"}
    assert set(of_module('words.gettext("One"); self.words.ngettext("a", "bs", n); other("x")')) == {"One", "bs"}
    assert len(every_text()) > 60


@pytest.mark.slow
@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_there_and_none_is_left_over(language: str) -> None:
    texts, known = every_text(), set(catalogue(language))
    assert texts - known == set(), "these have no words in that language"
    assert known - texts - refusals() - titles() == set(), "neither a page nor the node says these"


@pytest.mark.parametrize("language", OTHERS)
def test_placeholders_are_those_of_the_english_text(language: str) -> None:
    for english, other in catalogue(language).items():
        assert sorted(_PLACEHOLDER.findall(english)) == sorted(_PLACEHOLDER.findall(other)), english
        assert "%" not in _PLACEHOLDER.sub("", other).replace("%%", ""), other
        assert other.strip(), english


def test_no_word_stands_in_a_template_outside_of_a_text() -> None:
    """What is written beside the texts would be English in every language."""
    for path in (UI / "templates").glob("*.html"):
        source = re.sub(r"\{% trans.*?endtrans %\}", "", path.read_text("utf-8"), flags=re.DOTALL)
        written = "".join(node.data for node in environment("en").parse(source).find_all(TemplateData))
        plain = re.sub(r"<code>.*?</code>", "", written, flags=re.DOTALL)
        plain = re.sub(r"<[^>]*>?|^[^<]*>|[\w-]+=\"[^\"]*\"?", " ", plain, flags=re.MULTILINE)
        left = set(_WORD.findall(plain)) - FIXED
        assert left == set(), path.name


def test_the_language_is_the_chosen_one_else_the_first_that_the_browser_wants() -> None:
    assert language_of("id", "en") == "id"
    assert language_of("", "fr, id;q=0.8, en;q=0.9") == "en"
    assert language_of("", "id-ID,id;q=0.9,en;q=0.8") == "id"
    assert language_of("", "fr") == language_of("", None) == language_of("xx", "en;q=x") == "en"


def test_a_number_has_its_form() -> None:
    assert Words("en").ngettext("one", "many", 1) == "one"
    assert Words("id").ngettext("%(count)s day ago", "%(count)s days ago", 1) == "%(count)s hari lalu"
