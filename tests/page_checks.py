"""What holds for every page, whatever others have written into what it shows."""

import re
from html.parser import HTMLParser

from tests.pages_world import SECRET
from tests.visiting import Seen

from comity.stix.tables import SECTIONS
from comity.web.answer import Answer
from comity.web.ui.languages import catalogue
from comity.web.ui.shown import visible

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]")
TAGS = re.compile(
    "a|aside|body|br|button|bdi|code|circle|dd|details|div|dl|dt|footer|form|g"
    "|h1|h2|h3|head|header|html|input|label|li|line|link|main|meta|nav|ol|option"
    "|p|path|pre|progress|rect|section|select|span|strong|summary|svg|table|tbody|td|text|th|thead"
    "|time|title|tr|ul|textarea|fieldset|legend|kbd|script|datalist"
)
"""Every tag of our own templates; another one can only come from an object."""
PLACES = re.compile(r"/(?!/)[^\\\s]*|#[a-z_-]+|\?[^\\\s]*")
SCRIPTS = re.compile(r"/static/[a-z.]+\.[0-9a-f]{32}\.js")
_SCRIPT = re.compile(r"<script[^>]*>(.*?)</script>", re.DOTALL)
VALUES = ("bdi", "code", "pre", "text", "title")
"""In these stand values, in no language."""
_WORD = re.compile(r"[A-Za-z]{4,}")


def faults(answer: Answer) -> list[str]:
    """What of this page is wrong: something that acts, hides or leads away, or breaks the rules of the policy on
    content, or tells of what nobody but its sender may read."""
    page = Seen(answer)
    found = [f"the tag {tag}" for tag, _ in page.tags if not TAGS.fullmatch(tag)]
    for tag, attributes in page.tags:
        found += [f"{tag} with {name}" for name in attributes if name == "style" or name.startswith("on")]
        if tag in ("a", "form", "link") and not PLACES.fullmatch(
            attributes.get("href") or attributes.get("action") or "#m"
        ):
            found.append(f"{tag} leads to {attributes}")
    found += [f"the script {attributes}" for tag, attributes in page.tags if tag == "script" and not is_own(attributes)]
    found += [f"a script that says {text!r}" for text in _SCRIPT.findall(page.source) if text]
    ids = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
    found += [f"the id {id} twice" for id in set(ids) if ids.count(id) > 1]
    found += [f"the character {match!r}" for match in CONTROLS.findall(page.source)]
    if SECRET in page.source:
        found.append("what is TLP:RED of others")
    found += [
        f"no label for {attributes}"
        for tag, attributes in page.tags
        if tag in ("input", "select", "textarea") and not _labelled(page, attributes)
    ]
    headings = [tag for tag, _ in page.tags if tag in ("h1", "h2", "h3")]
    if headings.count("h1") != 1:
        found.append(f"{headings.count('h1')} first headings")
    return found


def is_own(script: dict[str, str | None]) -> bool:
    """Whether the script is a file of the node's own, and nothing else."""
    return SCRIPTS.fullmatch(script.get("src") or "") is not None and script.keys() <= {"src", "type", "defer"}


def _labelled(page: Seen, attributes: dict[str, str | None]) -> bool:
    if attributes.get("type") == "hidden" or {"aria-label", "aria-labelledby"} & attributes.keys():
        return True
    return any(tag == "label" and one.get("for") == attributes.get("id") for tag, one in page.tags)


class _Own(HTMLParser):
    """What stands on the page outside of values, ids and times."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.depth = 0
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += tag in VALUES
        self.found += [value or "" for name, value in attrs if name in ("aria-label", "placeholder", "data-label")]

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag in VALUES

    def handle_data(self, data: str) -> None:
        if not self.depth:
            self.found.append(data)


TYPES = frozenset(part for kind in SECTIONS for part in kind.split("-"))
"""Types of STIX stay as they are in every language."""


def english_on(answer: Answer, language: str) -> set[str]:
    """The words of English texts that stand on the page, and in no text of that language."""
    known = catalogue(language)
    english = {word.lower() for text in known for word in _WORD.findall(re.sub(r"%\(\w+\)s", "", text))}
    other = {word.lower() for text in known.values() for word in _WORD.findall(text)}
    parser = _Own()
    parser.feed(answer.body.decode())
    return {word.lower() for text in parser.found for word in _WORD.findall(text)} & (english - other - TYPES)


def is_shown(text: str, page: Seen) -> bool:
    """The beginning of the text, made visible, is on the page."""
    return " ".join(visible(" ".join(text.split())).split())[:60] in page.text
