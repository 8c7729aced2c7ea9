"""Templates with everything escaped, in the reader's language."""

import functools
from typing import Any

import jinja2

from comity.web.assets import address_of
from comity.web.ui.languages import Words
from comity.web.ui.shown import FILTERS

WHOLE, PART = "base.html", "part.html"


def render(name: str, words: Words, part: bool = False, /, **context: Any) -> str:
    """The page of that template; or its block `part` alone, where that is asked for and there is one. A template with
    such a block extends `layout`."""
    template = environment(words.language).get_template(name)
    layout = PART if part and "part" in template.blocks else WHOLE
    return template.render(words=words, layout=layout, **context)


@functools.cache
def environment(language: str) -> jinja2.Environment:
    """What templates are read and rendered with. The white space of a text counts as one space."""
    words = Words(language)
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("comity.web.ui"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(FILTERS)
    # For what the node says of something: `_` would take it for safe, and it may repeat what was sent.
    made.filters["said"] = words.said
    made.filters["reason"] = words.reason
    made.globals["asset"] = address_of
    return made
