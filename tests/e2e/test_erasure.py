"""What was erased is in no file of the node, and what was taken back since a backup is served to nobody after a
restore: by the real commands, and a served process."""

import os
import random
import shutil
import signal
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import zstandard
from tests.postgres import empty_database
from tests.served import Served, comity, launch, ready_url, served, served_home
from tests.serving import TAXII
from tests.world import bundle, envelope, indicator

from comity.node.home import init_home
from comity.node.side import SIDE_FILE

pytestmark = pytest.mark.slow

SECRET, WORD = "qvxzanna.muster@victim.example", "qvxzanna"
OBJECTS = "taxii2/root/collections/default/objects/"
_MAGIC = b"\x28\xb5\x2f\xfd"


def person(number: int = 1) -> dict[str, Any]:
    id = f"email-addr--7d2f4f54-1111-5111-8111-{number:012d}"
    return {"type": "email-addr", "spec_version": "2.1", "id": id, "value": SECRET}


def named() -> dict[str, Any]:
    return indicator(name=f"Mail of {SECRET}", description=f"{SECRET.upper()} wrote", labels=[WORD])


def unpacked(data: bytes) -> Iterator[bytes]:
    """Every frame of zstd in these bytes that can be read, alone."""
    place = data.find(_MAGIC)
    while place >= 0:
        with suppress(zstandard.ZstdError):
            yield zstandard.ZstdDecompressor().decompressobj().decompress(data[place:])
        place = data.find(_MAGIC, place + 1)


def says_it(data: bytes, words: list[bytes]) -> bool:
    return any(word in each.lower() for each in (data, *unpacked(data)) for word in words)


def files_that_say_it(home: Path, *words: str) -> list[str]:
    """The files of the home in whose raw bytes, or in what is packed in them, one of these words stands, in whatever
    letters; rows that hold packed bytes are read by themselves too, since a frame may be scattered over pages."""
    wanted = [word.lower().encode() for word in words]
    found = [path.name for path in home.rglob("*") if path.is_file() and says_it(path.read_bytes(), wanted)]
    if (home / "comity.db").exists():
        found += rows_that_say_it(home / "comity.db", wanted)
    return sorted(found)


def rows_that_say_it(path: Path, wanted: list[bytes]) -> list[str]:
    """The tables of the store that say it, those of full text by their terms."""
    found = []
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            if table in ("text_names", "text_words"):
                continue
            for row in db.execute(f"SELECT * FROM {table}"):
                data = [each.encode() if isinstance(each, str) else each for each in row]
                if any(isinstance(each, bytes) and says_it(each, wanted) for each in data):
                    found.append(table)
                    break
        db.execute("CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, text_words, row)")
        terms = {term.encode() for (term,) in db.execute("SELECT term FROM terms").fetchall()}
        if any(word in terms for word in wanted):
            found.append("text_words")
    return found


def fill(running: Served) -> list[str]:
    """Objects that say it, by POST and by import, live, superseded and withdrawn; with a status resource; their ids."""
    headers = {**running.authorization, "Accept": TAXII, "Content-Type": TAXII}
    some = [person(), named(), named()]
    first = requests.post(running.url + OBJECTS, data=envelope(*some), headers=headers, timeout=30)
    assert first.json()["success_count"] == 3
    running.run("import", "-", input=bundle(person() | {"display_name": WORD}, named(), indicator()))
    gone = requests.delete(f"{running.url}{OBJECTS}{some[2]['id']}/", headers=headers, timeout=30)
    assert gone.status_code == 200
    running.run("worker", "--drain")
    return [str(one["id"]) for one in some]


def test_what_was_erased_is_in_no_file_while_the_node_is_served_and_after(tmp_path: Path) -> None:
    with served_home(tmp_path) as running:
        ids = fill(running)
        before = files_that_say_it(running.home, WORD, SECRET)
        assert {"body", "text_words"} <= set(before), "what is not seen before proves nothing after"
        assert {"comity.db", "comity.db-wal"} & set(before)
        places = {one["place"] for one in running.run("subject", "find", SECRET)["items"]}
        assert {"body.body", "text_index"} <= places
        done = running.run("erase", "--text", WORD, "--basis", "a request")
        assert done["objects"] == 4
        if not done["clean"]:
            running.run("worker", "--drain")
        # The id of the observable is made of what it says; a frame of zstd of the status named it.
        assert files_that_say_it(running.home, WORD, SECRET, ids[0]) == []
        headers = {**running.authorization, "Accept": TAXII}
        for id in ids:
            answer = requests.get(f"{running.url}{OBJECTS}{id}/", headers=headers, timeout=30)
            assert answer.status_code == 404 or answer.json() == {}
        left = requests.get(running.url + OBJECTS, headers=headers, timeout=30).json()["objects"]
        assert len(left) == 1
    assert files_that_say_it(running.home, WORD, SECRET, ids[0]) == []
    assert comity("subject", "find", WORD, "--home", str(running.home))["items"] == []


def test_a_file_that_says_it_would_be_seen(tmp_path: Path) -> None:
    letters = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=5000))
    packed = zstandard.ZstdCompressor().compress(f"{letters}{SECRET}".encode())
    (tmp_path / "a").write_bytes(b"\0" * 100 + packed + b"\0")
    (tmp_path / "b").write_bytes(SECRET.upper().encode())
    (tmp_path / "c").write_bytes(b"nothing")
    assert WORD.encode() not in packed
    assert files_that_say_it(tmp_path, WORD) == ["a", "b"]


@contextmanager
def killed(home: Path, log: Path) -> Iterator[Served]:
    """The home is served until the block is left, and then the process and all below it are killed."""
    process = launch(home, log)
    try:
        yield Served(ready_url(process, log), home, {}, log, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_first_request_after_a_restore_sees_nothing_that_was_taken_back(tmp_path: Path, kind: str) -> None:
    home, again, kept = tmp_path / "machine" / "home", tmp_path / "other" / "home", indicator()
    taken, erased = indicator(), person()
    address = empty_database(f"erasure_{uuid.uuid4().hex}") if kind == "postgres" else None
    with init_home(home, name="CERT-A", store=address) as node:
        node.receive(bundle(kept, taken, erased, named()))
        tokens = [node.new_token(name, read=["all"], write=["all"]) for name in ("good", "revoked")]
    comity("backup", str(tmp_path / "old.tar.zst"), "--plain", "--home", str(home))
    good, revoked = ({"Authorization": f"Bearer {one.token}", "Accept": TAXII} for one in tokens)
    with killed(home, tmp_path / "a.log") as running:
        answer = requests.delete(f"{running.url}{OBJECTS}{taken['id']}/", headers=good, timeout=30)
        assert answer.status_code == 200
        running.run("erase", "--text", WORD, "--basis", "a request")
        running.run("token", "revoke", tokens[1].user)
        assert requests.get(running.url + OBJECTS, headers=revoked, timeout=30).status_code == 401
    # Whatever was answered is in the file, though the process had no moment to end well.
    again.parent.mkdir()
    shutil.copy(home / SIDE_FILE, again.parent)
    told = comity("restore", str(tmp_path / "old.tar.zst"), "--home", str(again))
    assert (told["epoch"], told["side"], told["withdrawn"], told["erased"], told["revoked"]) == (2, True, 1, 2, 1)
    assert files_that_say_it(again, WORD, SECRET) == []
    with served(again, tmp_path / "b.log") as anew:
        first = requests.get(anew.url + OBJECTS, headers=good, timeout=30)
        assert [one["id"] for one in first.json()["objects"]] == [kept["id"]]
    for path, headers, status in ((f"{OBJECTS}{taken['id']}/", good, 404), (OBJECTS, revoked, 401)):
        with served(again, tmp_path / "b.log") as anew:
            assert requests.get(anew.url + path, headers=headers, timeout=30).status_code == status
