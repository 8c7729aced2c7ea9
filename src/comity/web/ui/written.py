"""What a person writes into the form of a draft, read and shown again. What was not touched stays as it was, whatever
signs stand on the page for characters that could deceive a reader."""

from collections.abc import Mapping, Sequence

from comity.stix.composing import VOCABULARY, names_of
from comity.stix.pasting import pattern_of
from comity.stix.typed import lines_in
from comity.web.ui.shown import visible
from comity.web.ui.visit import Form

PASTED_CHARACTERS = 500
UNTRIMMED = frozenset({"description"})
ENDS = {"source": "source_ref", "target": "target_ref"}


def title_of(type: str, fields: Mapping[str, str]) -> str:
    """What a draft is called in lists."""
    if type == "relationship":
        ends = (fields.get(name, "").partition("--")[0] or "…" for name in ENDS.values())
        return f" {fields.get('relationship_type') or '…'} ".join(ends)
    return fields.get("name") or fields.get("pattern", "")


def shown(fields: Mapping[str, str]) -> dict[str, str]:
    """The texts as they stand in the form."""
    return {name: visible(text) for name, text in fields.items()}


def typed(type: str, form: Form, before: Mapping[str, str]) -> dict[str, str]:
    """What was typed into the fields of that type, of which `before` stood there; of other fields nothing is read."""
    found = {}
    for name in names_of(type):
        several = name in VOCABULARY or name == "markings"
        text = "\n".join(form.all(name)) if several else form.one(name)
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        was = before.get(name, "")
        there = visible(was)
        # A field of one line holds no line break.
        untouched = text in (there, there.replace("\n", ""))
        found[name] = was if untouched else text if name in UNTRIMMED else text.strip()
    return found


def helped(type: str, values: dict[str, str], form: Form) -> tuple[dict[str, str], dict[str, str]]:
    """The fields after the step that was asked for, and what the next page shows."""
    do, _, chosen = form.one("do").partition(":")
    pasted, wanted = form.one("value").strip(), form.one("seek").strip()
    if do == "enter":
        # The key was pressed somewhere in the form, so that the field says what for.
        do = "find" if wanted else "keep"
    if type == "indicator" and (do == "pattern" or (pasted and not values["pattern"])):
        found = pattern_of(pasted)
        if found is None:
            return values, {"value": pasted[:PASTED_CHARACTERS]}
        values |= {"pattern": found.pattern, "name": values["name"] or found.value}
    elif do == "find":
        return values, {"seek": wanted}
    elif do == "add" and "object_refs" in values:
        values["object_refs"] = "\n".join(lines_in("\n".join((values["object_refs"], *form.all("add")))))
    elif do in ENDS and ENDS[do] in values:
        values[ENDS[do]] = chosen
    return values, {"look": "yes"} if do == "look" else {"done": "kept"}


def differing(type: str, *some: Mapping[str, str]) -> Sequence[tuple[str, Sequence[str]]]:
    """The fields in which these differ, with what each says."""
    rows = ((name, [one.get(name, "") for one in some]) for name in names_of(type))
    return [(name, texts) for name, texts in rows if len(set(texts)) > 1]


def vocabulary(name: str, text: str) -> Sequence[tuple[str, bool]]:
    """The words that can be chosen for that field, the usual ones first, and whether each is."""
    chosen = lines_in(text)
    return [(word, word in chosen) for word in dict.fromkeys((*VOCABULARY[name], *chosen))]
