"""What `comity release preview` and `matrix` say, and in which words."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from comity.cli.acting import note_not_shown
from comity.cli.console import Cell, Console, json_text, path_text
from comity.cli.terminal import counted, size
from comity.cli.writing import packed, split_packing, target
from comity.errors import Invalid
from comity.node.publishing import EVERYTHING, Selection
from comity.node.supposing import Difference, Named, SinceReading, Supposed
from comity.release.classes import Action
from comity.release.suppositions import read_supposition
from comity.stix.tlp import TLP

if TYPE_CHECKING:
    from comity.node import tabling
    from comity.node.explaining import Told
    from comity.node.node import Node

SAMPLES = 10
"""So many of what a supposition changes are shown."""
PARTNERS_BESIDE = 6
"""So many partners stand beside each other in one table."""
SEARCH_AT_ONCE = 1000
PRIVATE = "private"
"""What stands for the TLP of what is not published, and which its sender alone is served."""
VERDICTS = ("release", "redact", "withhold")
WORDS = {"release": "released", "redact": "released with changes", "withhold": "withheld"}


def check_options(
    wanted: Sequence[str],
    sources: Sequence[str],
    facets: Sequence[str],
    policy: Path | None,
    cases: Path | None,
    *,
    stix: bool,
    difference: bool,
    output: str,
    force: bool,
) -> None:
    """The options go together, or it is a UsageError."""
    if cases is not None and policy is None:
        raise click.UsageError("--cases are those of --policy FILE.")
    if difference and (facets or policy is not None):
        raise click.UsageError("--difference is since their last reading; a supposition shows its own.")
    if stix:
        if facets:
            raise click.UsageError("What is only supposed of objects cannot be read: give --what-if without --stix.")
        if difference:
            raise click.UsageError("Give --stix or --difference, not both.")
        if sources or not all(map(_is_id, wanted)):
            raise click.UsageError("A reading knows neither words nor sources: give --stix with IDs, or --type.")
    elif output != "-" or force:
        raise click.UsageError("--output and --force belong to --stix.")


def supposed(facets: Iterable[str], policy: Path | None, cases: Path | None) -> Supposed:
    """What the options suppose."""
    from comity.cli.policy import read_texts

    return Supposed(None if policy is None else read_texts(policy, cases), tuple(map(read_supposition, facets)))


def chosen(
    node: "Node", wanted: Sequence[str], types: tuple[str, ...], sources: tuple[str, ...], collection: str | None
) -> Selection:
    """The selection of these ids and words; all of it where neither is given."""
    ids = [one for one in wanted if _is_id(one)]
    words = " ".join(one for one in wanted if not _is_id(one))
    if words:
        after, more = 0, True
        with node.for_purpose("to choose what is previewed"):
            while more:
                hits = node.search(words, types=types, limit=SEARCH_AT_ONCE, after=after)
                ids += [hit.id for hit in hits.items]
                after, more = hits.items[-1].key if hits.items else after, hits.more
    return Selection(tuple(dict.fromkeys(ids)) if wanted else None, types, sources, collection)


def _is_id(text: str) -> bool:
    return "--" in text and " " not in text


def write_reading(
    console: Console,
    node: "Node",
    to: str,
    ids: Sequence[str],
    types: Sequence[str],
    collection: str | None,
    supposing: Supposed,
    output: str,
    *,
    force: bool,
) -> None:
    """The bundle is written, and it is said how large it is."""
    _, packing = split_packing(output)
    with target(console, output, force=force) as file, packed(file, packing) as write:
        count = node.write_reading(write, to, collection=collection, ids=ids, types=types, supposing=supposing)
    if output == "-":
        console.note(f"They would read {counted(count, 'object')}.")
        return
    written = Path(output).stat().st_size
    if console.json:
        console.result({"objects": count, "file": path_text(output), "bytes": written})
    else:
        console.say(f"They would read {counted(count, 'object')}: {path_text(output)}, {size(written)}.")


def say_preview(
    console: Console,
    node: "Node",
    to: str,
    selection: Selection,
    supposing: Supposed,
    policy: Path | None,
    *,
    difference: bool,
) -> None:
    """Each object in a line, then what that comes to."""
    if difference and not console.json:
        _say_since(console, node.since_reading(to, selection), whole=selection == EVERYTHING, listed=True)
        return
    if supposing:
        console.note(f"Supposed, and not so: {', '.join(_supposed_words(supposing, policy))}.")
    counts: Counter[str] = Counter(dict.fromkeys(VERDICTS, 0))
    by_tlp: dict[str, Counter[str]] = {}
    by_type: dict[str, Counter[str]] = {}
    for each in node.tell(to, selection=selection, supposing=supposing, passing=console.json):
        counts[each.verdict.value] += 1
        for table, key in ((by_tlp, each.tlp or PRIVATE), (by_type, each.type)):
            table.setdefault(key, Counter(dict.fromkeys(VERDICTS, 0)))[each.verdict.value] += 1
        if console.json:
            console.say(json_text(each.to_json()))
        else:
            _say_told(console, each)
    if not console.json:
        _say_counts(console, counts, by_tlp, by_type)
        leaving = {tlp for tlp, each in by_tlp.items() if each["release"] + each["redact"]}
        note_boundaries(console, node, to, leaving)
    summary: dict[str, Any] = {**counts, "by_tlp": by_tlp, "by_type": by_type}
    hidden = node.not_shown(to, selection=selection)
    if hidden is not None:
        summary["not_shown"] = hidden
    if supposing:
        made = node.difference(to, supposing, selection)
        summary["supposing"] = _supposed_words(supposing, policy)
        summary["difference"] = _difference_json(made)
        if not console.json:
            _say_difference(console, made)
    else:
        since = node.since_reading(to, selection)
        summary["since_last_reading"] = _since_json(since, listed=difference)
        if not console.json:
            _say_since(console, since, whole=selection == EVERYTHING, listed=False)
    if console.json:
        console.say(json_text({"summary": summary}))
    else:
        note_not_shown(console, hidden)


def note_boundaries(console: Console, node: "Node", to: str, levels: Iterable[str]) -> None:
    """Whom the partner may tell of what leaves for it with these levels, where TLP leaves that to it."""
    from comity.node.boundaries import boundary_words

    for tlp, words in zip((TLP.AMBER_STRICT, TLP.AMBER), boundary_words(node.partner(to)), strict=True):
        if tlp.word in levels:
            console.note(words)


def _say_told(console: Console, each: "Told") -> None:
    rules = ", ".join(rule.id for rule in each.rules)
    cuts = "; ".join(map(str, each.cuts))
    console.say_fields(each.verdict.value, each.id, each.version, rules, *([cuts] if cuts else []))


def _say_counts(
    console: Console, counts: Counter[str], by_tlp: dict[str, Counter[str]], by_type: dict[str, Counter[str]]
) -> None:
    if console.terminal:
        for title, table in (("TLP", by_tlp), ("type", by_type)):
            console.say()
            rows: list[list[Cell]] = [[key, *(table[key][verdict] for verdict in VERDICTS)] for key in sorted(table)]
            console.table((title, *(WORDS[verdict] for verdict in VERDICTS)), rows)
    released = counts["release"] + counts["redact"]
    console.note(
        f"{counted(released, 'object')} released, {counts['redact']:,} of them with changes; "
        f"{counts['withhold']:,} withheld."
    )


def _supposed_words(supposing: Supposed, policy: Path | None) -> list[str]:
    told = [str(each) for each in supposing.facets]
    return [*told, f"the policy in {path_text(policy)}"] if policy is not None else told


def _ids(found: Iterable[Named]) -> list[dict[str, str]]:
    return [{"id": one.id, "version": one.version} for one in found]


def _difference_json(made: Difference) -> dict[str, Any]:
    parts = {"newly_released": made.released, "newly_withheld": made.withheld, "otherwise_changed": made.changed}
    return {name: len(found) for name, found in parts.items()} | {
        "samples": {name: _ids(found[:SAMPLES]) for name, found in parts.items()}
    }


def _say_difference(console: Console, made: Difference) -> None:
    for word, found in (("more", made.released), ("less", made.withheld), ("otherwise", made.changed)):
        for one in found[:SAMPLES]:
            console.say_fields(word, one.id, one.version)
        if len(found) > SAMPLES:
            console.note(f"{word}: {len(found) - SAMPLES:,} more are not shown.")
    console.note(
        f"Than now: {counted(len(made.released), 'object')} newly released, {len(made.withheld):,} newly withheld, "
        f"{len(made.changed):,} with other changes."
    )


def _since_json(since: SinceReading, *, listed: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "read": since.read,
        "new": len(since.new),
        "gone": len(since.gone) + since.gone_unknown,
    }
    if listed:
        told |= {"new_objects": _ids(since.new), "gone_objects": _ids(since.gone)}
    return told


def _say_since(console: Console, since: SinceReading, *, whole: bool, listed: bool) -> None:
    if listed:
        for one in since.new:
            console.say_fields("new", one.id, one.version)
        for one in since.gone:
            console.say_fields("gone", one.id, one.version)
    if not since.read:
        console.note(f"They have read nothing yet: {counted(len(since.new), 'object')} would be new to them.")
        return
    gone = len(since.gone) + since.gone_unknown
    console.note(f"Since their last reading: {counted(len(since.new), 'object')} new to them, {gone:,} gone.")
    if since.gone_unknown and whole:
        console.note(f"{since.gone_unknown:,} of these are not published any more, and are counted only.")
    if gone:
        console.note("What is gone they may have: it left when they read it.")


def say_matrix(console: Console, node: "Node", to: Sequence[str], actions: Sequence[str]) -> None:
    """The decisions, one a line; on a terminal a table for each action, of release where none is named."""
    asked = [_action(word) for word in actions]
    if console.json:
        for cell in node.matrix(to, asked or tuple(Action)):
            console.say(json_text(_cell_json(cell)))
        if (hidden := node.not_shown()) is not None:
            console.say(json_text({"summary": {"not_shown": hidden}}))
        return
    if not console.terminal:
        for cell in node.matrix(to, asked or (Action.RELEASE,)):
            console.say_fields(_word(cell), cell.action.value, cell.partner.name, f"{cell.objects}", cell.words)
    else:
        for action in asked or (Action.RELEASE,):
            _say_table(console, action, node.matrix(to, (action,)))
    note_not_shown(console, node.not_shown())


def _action(word: str) -> Action:
    try:
        return Action(word)
    except ValueError:
        raise Invalid(f"{word[:40]!r} is no action.", where="action", hint=f"Actions: {', '.join(Action)}.") from None


def _word(cell: "tabling.Cell") -> str:
    return "allow" if cell.decision.allowed else "withhold"


def _cell_json(cell: "tabling.Cell") -> dict[str, Any]:
    return {
        "class": cell.words,
        "objects": cell.objects,
        "partner": cell.partner.name,
        "action": cell.action.value,
        "decision": _word(cell),
        "rules": [{"id": rule.id, "title": rule.title} for rule in cell.decision.because],
    }


def _say_table(console: Console, action: Action, cells: Iterable["tabling.Cell"]) -> None:
    rows: dict[str, dict[str, str]] = {}
    objects: dict[str, int] = {}
    names: dict[str, None] = {}
    for cell in cells:
        words = cell.words
        rows.setdefault(words, {})[cell.partner.name] = _word(cell)
        objects[words] = cell.objects
        names[cell.partner.name] = None
    everybody = list(names)
    for start in range(0, len(everybody), PARTNERS_BESIDE):
        beside = everybody[start : start + PARTNERS_BESIDE]
        told: list[list[Cell]] = [
            [objects[words], *(row[name] for name in beside), words] for words, row in rows.items()
        ]
        console.table(("objects", *beside, "class"), told)
        console.say()
    console.note(
        f"{action.value}: {counted(len(rows), 'class', 'classes')} of {counted(sum(objects.values()), 'object')} "
        f"for {counted(len(names), 'partner')}. What is named or referred to may be withheld besides, "
        "and what waits for an approval is withheld until then."
    )
