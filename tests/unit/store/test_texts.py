"""What of an object can be found by text."""

from comity.store.text import label_of, texts_of


def test_texts_are_made_of_whatever_is_there() -> None:
    assert texts_of(b"no json") == texts_of(b"[1]") == texts_of(b"{}") == ("", "")
    assert label_of(b"no json") == label_of(b'{"name": 5}') == ""
    odd = b'{"id": 1, "name": ["a", 2], "hashes": {"MD5": 3}, "external_references": [1, {"external_id": 0}]}'
    assert texts_of(odd) == ("a", "a")
    assert texts_of(b'{"hashes": [], "external_references": {}}') == ("", "")
    assert len(texts_of(b'{"description": "%s"}' % (b"x" * 300_000))[1]) == 100_000
    assert label_of(b'{"value": "192.0.2.1"}') == "192.0.2.1"
