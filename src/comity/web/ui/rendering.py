"""Templates with everything escaped, in the reader's language."""

import functools
from typing import Any

import jinja2

from comity.web.ui.languages import Words


def render(name: str, words: Words, /, **context: Any) -> str:
    """The page of that template."""
    return _environment(words.language).get_template(name).render(words=words, **context)


@functools.cache
def _environment(language: str) -> jinja2.Environment:
    words = Words(language)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("comity.web.ui"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters["number"] = lambda value: f"{value:,}"
    return environment
