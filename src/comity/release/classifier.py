"""Classes of many objects: those of a million objects are few, and each is made once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from comity.release.classes import Author, ReleaseClass
from comity.release.classify import Context, Facts, author_of, bare_facts, class_digest, class_of, facts_of
from comity.release.sieve import clean, cleared
from comity.stix.object import JsonObject

KEPT_MAX = 4_096
WORDS_MAX, WORD_CHARACTERS_MAX = 16, 300

Key = tuple[Facts, tuple[str, ...], tuple[str, ...]]
"""What decides the class of most objects: the facts, the markings, and the labels where they count as such."""


def key_of(value: JsonObject, context: Context) -> Key | None:
    """The key of the object, for which nothing is resolved; None where its class has to be made by itself."""
    return _key(value, facts_of(value, context), labels=context.labels)


class ClassKeys:
    """The keys of objects of one context, as `key_of` says them; equal keys are one object as long as they are kept.

    Of a plain object, with neither limits, granular markings nor anything of the form of personal data, few members say
    which key it has. At most KEPT_MAX are kept; when they are more, all are forgotten, which costs time only.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: dict[Key, Key] = {}
        self._plain: dict[tuple[str, Author, tuple[str, ...], tuple[str, ...]], Key] = {}

    def cleared(self, documents: Sequence[bytes]) -> list[bool]:
        """Of each object as it is written whether `of_cleared` may be asked for its key; `of` may in any case."""
        return cleared(documents, addresses=self._context.ip_addresses)

    def of(self, value: JsonObject) -> Key | None:
        """The key of the object; None where its class has to be made by itself."""
        return self._of(value, is_clean=False)

    def of_cleared(self, value: JsonObject) -> Key | None:
        """The same of an object in which nothing of the form of personal data is, as `cleared` knows."""
        return self._of(value, is_clean=True)

    def _of(self, value: JsonObject, *, is_clean: bool) -> Key | None:
        if "extensions" in value or "sectors" in value or value.get("granular_markings") is not None:
            return self._kept_of(value)
        context = self._context
        markings = _few(value.get("object_marking_refs"))
        words = _few(value.get("labels")) if context.labels else ()
        if markings is None or words is None:
            return None
        if not is_clean and not clean(value, addresses=context.ip_addresses):
            return self._kept_of(value)
        plain = (str(value.get("type", "")), author_of(value.get("created_by_ref"), context.ours), markings, words)
        known = self._plain.get(plain)
        if known is None:
            known = self._one((bare_facts(*plain[:2]), markings, words))
            self._plain[plain] = known
        return known

    def _kept_of(self, value: JsonObject) -> Key | None:
        key = key_of(value, self._context)
        return None if key is None else self._one(key)

    def _one(self, key: Key) -> Key:
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
            self._plain.clear()
        return self._kept.setdefault(key, key)


class Classifier:
    """Objects of one context are classed as `classify` does it, and equal classes are one object.

    `resolve` of the context has to answer alike as long as this is used. At most KEPT_MAX classes are kept; when they
    are more, all are forgotten, which costs time and changes nothing.
    """

    def __init__(self, context: Context) -> None:
        self._contexts = (replace(context, addressee=False), replace(context, addressee=True))
        self._made: dict[Key, ReleaseClass] = {}
        self._classes: dict[ReleaseClass, ReleaseClass] = {}
        self._digests: dict[int, str] = {}

    def of(self, value: JsonObject, *, addressee: bool = False) -> ReleaseClass:
        """The class of the object; `addressee` takes the place of that of the context."""
        context = self._contexts[addressee]
        facts = facts_of(value, context)
        key = _key(value, facts, labels=context.labels)
        found = None if key is None else self._made.get(key)
        return found or self._make(key, value, context, facts)

    def of_key(self, key: Key, raw: bytes) -> ReleaseClass:
        """The class of the object with these bytes, of which that is the key."""
        return self._made.get(key) or self._make(key, orjson.loads(raw), self._contexts[False], key[0])

    def _make(self, key: Key | None, value: JsonObject, context: Context, facts: Facts) -> ReleaseClass:
        found = self._one(class_of(value, context, facts))
        if key is not None:
            if len(self._made) >= KEPT_MAX:
                self._made.clear()
            self._made[key] = found
        return found

    def digest(self, found: ReleaseClass) -> str:
        """The `class_digest`, computed once for a class that is kept."""
        # What is kept lives, so that nothing else has its `id`.
        known = self._digests.get(id(found))
        if known is None:
            found = self._one(found)
            known = self._digests.get(id(found)) or class_digest(found)
            self._digests[id(found)] = known
        return known

    def _one(self, found: ReleaseClass) -> ReleaseClass:
        kept = self._classes.get(found)
        if kept is None:
            if len(self._classes) >= KEPT_MAX:
                self._made.clear()
                self._classes.clear()
                self._digests.clear()
            kept = self._classes[found] = found
        return kept


def _key(value: JsonObject, facts: Facts, *, labels: bool) -> Key | None:
    """Everything that decides the class under one context; None where that is rare or long."""
    if value.get("granular_markings") is not None:
        return None
    markings = _few(value.get("object_marking_refs"))
    words = _few(value.get("labels")) if labels else ()
    return None if markings is None or words is None else (facts, markings, words)


def _few(words: Any) -> tuple[str, ...] | None:
    """The words; none and no list are the same to markings, and anything else is None."""
    if words is None:
        return ()
    if type(words) is not list or len(words) > WORDS_MAX:
        return None
    for word in words:
        if type(word) is not str or len(word) > WORD_CHARACTERS_MAX:
            return None
    return tuple(words)
