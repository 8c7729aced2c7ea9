"""Rules about languages (RFC 5646) and translated content."""

import re
from collections.abc import Iterator
from typing import Any

from comity.stix.object import Finding, JsonObject
from comity.stix.words import clean, path_of, shown

_TAG = re.compile(
    r"""(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})   # language, extended language
    (?:-[a-z]{4})?                                    # script
    (?:-(?:[a-z]{2}|[0-9]{3}))?                       # region
    (?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*          # variants
    (?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*              # extensions
    (?:-x(?:-[a-z0-9]{1,8})+)?                        # private use
    |x(?:-[a-z0-9]{1,8})+
    |en-gb-oed|i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)
    |sgn-(?:be-fr|be-nl|ch-de)|art-lojban|cel-gaulish|no-(?:bok|nyn)|zh-(?:guoyu|hakka|min|min-nan|xiang)""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
TAG_MAX = 100
_NAME = re.compile(r"[a-z0-9_]{3,250}")
CONTENT_RULE = "STIX 2.1 §7.1"


def is_language_tag(text: Any) -> bool:
    """The text is a well-formed tag of RFC 5646. Whether its parts are registered is not asked: registries grow."""
    return isinstance(text, str) and len(text) <= TAG_MAX and _TAG.fullmatch(text) is not None


def languages(value: JsonObject) -> Iterator[Finding]:
    """Language codes are well formed, and translations are by language and property."""
    if "lang" in value and not is_language_tag(value["lang"]):
        yield _no_tag(value["lang"], "lang", "STIX 2.1 §3.2")
    if value["type"] == "software" and isinstance(value.get("languages"), list):
        for number, tag in enumerate(value["languages"]):
            if not is_language_tag(tag):
                yield _no_tag(tag, f"languages[{number}]", "STIX 2.1 §6.14")
    contents = value.get("contents")
    if value["type"] != "language-content" or not isinstance(contents, dict):
        return
    for tag, translated in contents.items():
        where = path_of(["contents", tag])
        if not is_language_tag(tag):
            yield _no_tag(tag, where, CONTENT_RULE)
        if not isinstance(translated, dict):
            yield Finding(where, CONTENT_RULE, "a language must hold an object of translated properties")
            continue
        for name in translated:
            if not _NAME.fullmatch(name):
                problem = f"'{clean(name)}' is no property name (a-z, 0-9 and _, 3 to 250)"
                yield Finding(path_of(["contents", tag, name]), CONTENT_RULE, problem)


def _no_tag(found: Any, where: str, rule: str) -> Finding:
    return Finding(where, rule, f"{shown(found)} is no language code of RFC 5646")
