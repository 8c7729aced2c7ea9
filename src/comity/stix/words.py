"""Bounded, harmless words for what came from outside: no message carries a big value or a control character."""

from collections.abc import Iterable

import orjson

SHOWN_MAX = 80
PATH_MAX = 200
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def clean(text: str, most: int = SHOWN_MAX) -> str:
    """The text in printable characters, on one line, cut at about `most` characters."""
    cut = text[: most + 1]
    safe = "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in cut)
    return safe if len(safe) <= most and len(cut) == len(text) else safe[: most - 1] + "…"


def shown(value: object, most: int = SHOWN_MAX) -> str:
    """A JSON value as it may stand in a sentence: texts in single quotes, lists and objects by their kind only."""
    if isinstance(value, str):
        return f"'{clean(value, most)}'"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return clean(orjson.dumps(value).decode(), most)


def path_of(parts: Iterable[str | int]) -> str:
    """A place in a JSON value: `labels[2]`, `external_references[0].source_name`, `x["odd name"]`; `` for the whole."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part and _PLAIN.issuperset(part):
            text += f".{clean(part)}" if text else clean(part)
        else:
            text += f'["{clean(part)}"]'
        if len(text) > PATH_MAX:
            return text[: PATH_MAX - 1] + "…"
    return text
