"""PostgreSQL's text is folded as SQLite's full text folds it."""

import sqlite3
import unicodedata
from collections import defaultdict
from contextlib import closing

import pytest

from comity.store.postgres.text import folded, words_of

CHANGED = {0x1885, 0x1886}
"""Letters to FTS5, and marks since Unicode 9."""

OLD = [
    code
    for code in range(1, 0x110000)
    if unicodedata.ucd_3_2_0.category(chr(code)) not in ("Cn", "Cs") and code not in CHANGED
]
"""Characters that Unicode has had for so long that every table knows them."""


def _terms(tokenizer: str) -> dict[int, list[str]]:
    """What FTS5 makes of each of them between two letters."""
    found = defaultdict(list)
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"CREATE VIRTUAL TABLE t USING fts5 (text, tokenize = '{tokenizer}')")
        db.execute("CREATE VIRTUAL TABLE v USING fts5vocab (t, instance)")
        db.executemany("INSERT INTO t (rowid, text) VALUES (?, ?)", [(code, f"X{chr(code)}x") for code in OLD])
        for term, code in db.execute('SELECT term, doc FROM v ORDER BY doc, "offset"'):
            found[code].append(term)
    return found


@pytest.mark.slow
def test_names_are_folded_like_trigrams() -> None:
    terms = _terms("trigram")
    assert len(terms) > 90_000
    assert {hex(code) for code in OLD if [folded(f"X{chr(code)}x")] != terms[code]} == set()


@pytest.mark.slow
def test_prose_is_cut_into_the_same_words() -> None:
    terms = _terms("unicode61")
    assert len(terms) > 90_000
    assert {hex(code) for code in OLD if words_of(f"X{chr(code)}x").split() != terms[code]} == set()
