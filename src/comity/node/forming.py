"""As what copies are published: the form of the class of each, as the node knows their sources (R11)."""

from collections.abc import Sequence
from dataclasses import replace

import orjson

from comity.node.countries import countries
from comity.node.showing import resolve
from comity.node.way import Way
from comity.release.classes import ReleaseClass
from comity.release.classifier import Classifier, ClassKeys
from comity.release.classify import Context, bounded, canonical_form
from comity.release.standing import digest_of, parts
from comity.stix.object import JsonObject, StixObject
from comity.stix.tlp import TLP
from comity.store.interface import Snapshot, Transaction
from comity.store.nouns import Source

KNOWN_MAX = 20_000
AUTO = "auto"
"""A rule of sources: what comes from them is published at once."""
_EPOCH = "classes turned"


def turns(snapshot: Snapshot) -> int:
    """How often what classes rest on has changed, beside the objects themselves."""
    return int(snapshot.setting(_EPOCH) or 0)


def turn(tx: Transaction) -> None:
    """What classes rest on has changed: what was classed before and outside of this transaction is classed again."""
    tx.put_setting(_EPOCH, str(turns(tx) + 1).encode())


class Classes:
    """Classes of copies, as the node knows their sources at one moment; `ours` are the ids of its own identities."""

    def __init__(self, snapshot: Snapshot, ours: frozenset[str], known: set[tuple[str, bytes]] | None = None) -> None:
        self._known = set() if known is None else known
        self._snapshot = snapshot
        self._sources = {source.name: source for source in snapshot.sources()}
        self._ours = ours
        self._definitions: dict[tuple[str, str], JsonObject | None] = {}
        self._classifiers: dict[tuple[str, int | None, int | None], Classifier] = {}
        self._forms: dict[tuple[str, str], tuple[bytes, bytes]] = {}
        self._of_source: dict[str, set[bytes]] = {}
        self.new = 0
        """How many classes were made that no publication of their source had before."""

    def form(self, source: str, default_tlp: int | None, mark: int | None, value: JsonObject) -> tuple[bytes, bytes]:
        """Digest and canonical form of the class of an object that the source gave, and beside which a person put that
        mark, or none: the strictest one where the source
        has made as many classes as are kept apart (R66)."""
        classifier = self._classifier(source, default_tlp, mark)
        return self._form(source, classifier, classifier.of(value))

    def know(self, source: str, definitions: Sequence[JsonObject]) -> None:
        """These marking definitions count as given by the source too, though they are not stored."""
        self._definitions |= {(source, one["id"]): one for one in definitions}

    def forms_of(self, way: Way, objects: Sequence[StixObject]) -> list[tuple[bytes, bytes]]:
        """The same of each of these, at which `looking` looked when they were judged on that way, whose default is that
        of those without a TLP of their own."""
        source, default = way.source.name, int(way.default_tlp)
        # What labels mean may have changed since they were judged.
        labels_hold = self._sources[source].labels_are_markings == way.source.labels_are_markings
        made: dict[tuple[int, bool], tuple[bytes, bytes]] = {}
        found = []
        for one in objects:
            # Equal keys are one object, so that most need not be compared.
            place = id(one.looked), one.tlp is None
            form = made.get(place)
            if form is None:
                level = default if one.tlp is None else None
                if one.looked is None or not labels_hold:
                    form = self.form(source, level, None, orjson.loads(one.raw))
                else:
                    classifier = self._classifier(source, level, None)
                    form = made[place] = self._form(source, classifier, classifier.of_key(one.looked, one.raw))
            found.append(form)
        return found

    def _classifier(self, source: str, default_tlp: int | None, mark: int | None) -> Classifier:
        classifier = self._classifiers.get((source, default_tlp, mark))
        if classifier is None:
            classifier = Classifier(self._context(self._sources[source], default_tlp, mark))
            self._classifiers[source, default_tlp, mark] = classifier
        return classifier

    def _form(self, source: str, classifier: Classifier, found: ReleaseClass) -> tuple[bytes, bytes]:
        digest = classifier.digest(found)
        if (source, digest) not in self._forms:
            form = canonical_form(found)
            if (source, form) not in self._known:
                made = self._made_by(source)
                if form in made:
                    self._remember(source, form)
                else:
                    form = canonical_form(bounded(found, known=False, classes_of_source=len(made)))
                    self.new += form not in made
                    made.add(form)
            self._forms[source, digest] = (digest_of(form), form)
        return self._forms[source, digest]

    def _remember(self, source: str, form: bytes) -> None:
        """Publications of the source have this class, so that bitmaps need not be asked for it again. That is not taken
        back when none has it any more: then it may come back beside the bound."""
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known.add((source, form))

    def _made_by(self, source: str) -> set[bytes]:
        """The canonical forms of the classes that publications of the source have."""
        if source not in self._of_source:
            published = self._snapshot.publications()
            theirs = published.of("source", self._sources[source].key)
            forms = self._snapshot.classes().items()
            there = [form for key, form in forms if published.of("class", key).intersect(theirs)]
            self._of_source[source] = {part for form in there for part in parts(form) if part}
        return self._of_source[source]

    def _context(self, source: Source, default_tlp: int | None, mark: int | None) -> Context:
        context = _context(source, self._ours)
        default = context.default if default_tlp is None else TLP(default_tlp)
        context = replace(context, resolve=lambda ref: self._definition(source.name, ref), default=default)
        return context if mark is None else replace(context, default=TLP(mark), least=TLP(mark))

    def _definition(self, source: str, ref: str) -> JsonObject | None:
        if (source, ref) not in self._definitions:
            self._definitions[source, ref] = resolve(self._snapshot, source, ref)
        return self._definitions[source, ref]


def _context(source: Source, ours: frozenset[str]) -> Context:
    """What is known of an object of the source beside its bytes, but for marking definitions."""
    return Context(
        origin="" if source.kind == "own" else source.name,
        resolve=lambda _: None,
        default=TLP.read(source.default_marking),
        labels=source.labels_are_markings,
        ours=ours,
        countries=countries(),
    )


def looking(way: Way) -> ClassKeys | None:
    """What looks at objects while they are judged, so that to publish them takes no second look; None where their
    source has no rule that publishes."""
    return ClassKeys(_context(way.source, way.ours)) if way.source.publish == AUTO else None
