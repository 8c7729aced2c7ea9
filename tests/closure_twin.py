"""Closure said slowly and plainly, for the few shapes that the tests generate. It imports nothing of comity."""

import re
from typing import Any

Json = dict[str, Any]
ID = re.compile(r"[a-z][a-z0-9-]*--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ENDS = ("source_ref", "target_ref", "sighting_of_ref")
LISTS = ("object_refs", "sample_refs", "observed_data_refs", "x_odd_refs")
KEPT_LISTS = ("object_refs",)


def strings(value: Any) -> list[str]:
    """Every text in a value, names of members not counted."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in strings(one)]


def texts(value: Json) -> list[str]:
    """What a reader could find a name in."""
    skipped = {"type", "id", "spec_version", "created", "modified", "created_by_ref", "object_marking_refs"}
    return strings({k: v for k, v in value.items() if k not in skipped and k not in ENDS and not k.endswith("_refs")})


def names(value: Json) -> set[str]:
    found = {value.get("name", ""), value.get("value", ""), *value.get("aliases", ())}
    return {name.lower() for name in found if sum(map(str.isalnum, name)) >= 3}


def linked(value: Json) -> set[str]:
    """The ids to which it refers, apart from its author and others who did something with it."""
    inner = {k: v for k, v in value.items() if k not in ("id", "object_marking_refs") and not k.endswith("_by_ref")}
    return {ident for text in strings(inner) for ident in ID.findall(text)}


def slow_close(objects: list[tuple[Json, bool, bool]], known: set[str]) -> list[tuple[str, Json | None]]:
    """For each (object, released, may the author be named): the verdict, and what is left of it."""
    alive = [released for _, released, _ in objects]

    def gone(ident: str) -> bool:
        copies = [n for n, (value, _, _) in enumerate(objects) if value["id"] == ident]
        return not any(alive[n] for n in copies) if copies else ident not in known

    def near(first: str) -> set[str]:
        """Everything within two hops."""
        reached = {first}
        for _ in range(2):
            step = set()
            for value, _, _ in objects:
                ends = linked(value) | {value["id"]}
                for ident in reached:
                    if ident == value["id"]:
                        step |= ends
                    elif ident in linked(value):
                        step.add(value["id"])
            reached |= step
        return reached

    def names_withheld(number: int) -> bool:
        value = objects[number][0]
        around = near(value["id"])
        for other, (hidden, _, _) in enumerate(objects):
            if alive[other] or hidden["id"] not in around:
                continue
            told = {
                name
                for copy, (one, _, _) in enumerate(objects)
                if alive[copy] and one["id"] == hidden["id"]
                for name in names(one)
            }
            for name in names(hidden) - told:
                for text in texts(value):
                    if re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", text.lower()):
                        return True
        return False

    def left(number: int) -> Json | None:
        value, _, name_author = objects[number]
        result: Json = {}
        for name, one in value.items():
            if name in ENDS:
                if gone(one):
                    return None
                result[name] = one
            elif name == "created_by_ref":
                if name_author and not gone(one):
                    result[name] = one
            elif name in LISTS:
                kept = [ident for ident in one if not gone(ident)]
                if not kept and name in KEPT_LISTS:
                    return None
                if kept:
                    result[name] = kept
            elif name == "external_references":
                kept = [ref for ref in one if not (ID.fullmatch(ref["external_id"]) and gone(ref["external_id"]))]
                if kept:
                    result[name] = kept
                # The words beside an id are judged even where that id goes and takes them along.
                if any(gone(i) for ref in one for i in ID.findall(ref["description"])):
                    return None
            elif name.endswith("_ref"):
                if not gone(one):
                    result[name] = one
            elif name != "id" and any(gone(ident) for text in strings(one) for ident in ID.findall(text)):
                return None
            else:
                result[name] = one
        return result

    changed = True
    while changed:
        changed = False
        for number in range(len(objects)):
            if alive[number] and (left(number) is None or names_withheld(number)):
                alive[number] = False
                changed = True
    rest = [left(number) if alive[number] else None for number in range(len(objects))]
    return [
        ("withhold" if one is None else "release" if one == objects[n][0] else "redact", one)
        for n, one in enumerate(rest)
    ]
