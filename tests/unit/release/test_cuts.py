"""What is left of a value after edits, and what goes with what was cut."""

from typing import Any

from comity.release.cuts import Edits, applied, settle

VALUE: dict[str, Any] = {
    "type": "x-thing",
    "list": ["a", {"b": 1, "c": 2}, "d"],
    "extensions": {
        "x": {"extension_type": "property-extension", "inner": {"extension_type": "no kind of ours", "a": 1}}
    },
}


def test_what_is_left_lacks_what_was_cut_and_nothing_else() -> None:
    edits = Edits(frozenset({("list", 0), ("list", 1, "b")}), {("list", 2): "e"})
    assert applied(VALUE, edits) == {**VALUE, "list": [{"c": 2}, "e"]}
    assert applied(VALUE, Edits()) == VALUE


def test_what_lies_inside_an_extension_is_not_emptied_by_the_word_for_its_kind() -> None:
    inner = ("extensions", "x", "inner")
    assert settle(VALUE, [(*inner, "a")]).removed == {(*inner, "a")}
    assert settle(VALUE, [(*inner, "a"), (*inner, "extension_type")]).removed == {("extensions",)}
