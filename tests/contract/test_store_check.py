"""Every law of the check finds its fault, in every store."""

from typing import Any, cast

import pytest
from tests.store_world import NOW, indicators, put

from comity.store.base import TableStore
from comity.store.interface import Store


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE state SET last_key = 2", "1 copies have a key above the counter"),
        ("INSERT INTO change VALUES (9, 1)", "1 changes have a number above the counter"),
        (f"UPDATE collection SET last_added = {NOW}", "2 copies have a date above that of their collection"),
        (f"UPDATE object SET added = {NOW} WHERE key = 2", "1 copies have a date that does not rise with their key"),
        ("UPDATE object SET gone = 1 WHERE key = 1", "1 copies are marked as gone and are not, or the reverse"),
        ("UPDATE object SET type = 99 WHERE key = 3", "1 copies have no source or no type"),
        ("UPDATE body SET body = ? WHERE key = 3", "1 copies have no body or one of another size"),
        ("INSERT INTO body VALUES (99, ?)", "1 bodies belong to no copy"),
        ("INSERT INTO relation VALUES (99, 0, 1)", "1 references, names or mentions are of a copy that is not live"),
        ("INSERT INTO mention VALUES (1, 5)", "1 references, names or mentions lead to nothing"),
        ("UPDATE object SET flags = 0 WHERE key = 3", "1 copies have the wrong flags"),
        ("", "1 copies are known to full text before their turn"),
    ],
)
def test_each_law_of_the_check_finds_its_fault(store_unchecked: Store, damage: str, said: str) -> None:
    store = cast("TableStore", store_unchecked)
    put(store, indicators(3))
    assert store.check(deep=True) == []
    with store.writing() as db:
        if damage:
            db.execute(damage, [b"\0"] * damage.count("?"))
        else:
            db.text.add([(3, "x", "x")])
    assert said in store.check()


def test_a_changed_body_is_found_by_the_deep_check(store_unchecked: Store) -> None:
    store: Any = store_unchecked
    put(store, indicators(3))
    changed = indicators(3)[1].raw.replace(b"i", b"j")
    with store.writing() as db:
        db.execute("UPDATE body SET body = ? WHERE key = 2", (changed,))
    assert store.check() == []
    assert store.check(deep=True) == ["1 bodies differ from their digest"]
