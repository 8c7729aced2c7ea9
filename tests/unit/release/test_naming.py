"""What an object is called, and where a text could say so."""

from comity.release.naming import names_of, texts_of
from comity.release.words import name_of


def test_an_object_is_called_by_its_hashes_aliases_and_values() -> None:
    value = {"name": "kancil", "x_aliases": ["pelanduk", 5], "hashes": {"MD5": "d41d8cd98f00b204e9800998ecf8427e"}}
    said = ("kancil", "pelanduk", "d41d8cd98f00b204e9800998ecf8427e")
    assert names_of(value) == {name_of(one) for one in said}
    for odd in (7, "pelanduk", {"a": "b"}, None):
        assert names_of({"name": "kancil", "aliases": odd, "hashes": odd}) >= {name_of("kancil")}


def test_the_name_of_a_member_of_ones_own_is_a_text() -> None:
    assert list(texts_of({"type": "tool", "x_kancil": 1, "name": "a"})) == ["x_kancil", "a"]
