"""The bodies of the hostile corpus as files to import: a verdict or one of our errors, and the node stays whole."""

import gzip
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.hostile_cases import Case, build, load
from tests.postgres import new_store
from tests.served import COMITY, comity

from comity.errors import ComityError
from comity.interfaces import Query
from comity.node.home import init_home
from comity.node.node import Node

pytestmark = pytest.mark.slow

BODY_BYTES_MAX = 400_000
CHUNK_BYTES = 4096


def bodies() -> dict[str, bytes]:
    """Every body of the corpus that is not very large, by its name; twice the same is once."""
    found: dict[bytes, str] = {}
    for case in load():
        if case.body is not None and case.family not in ("rights", "sign_in", "methods", "media"):
            body = body_of(case)
            if len(body) <= BODY_BYTES_MAX:
                found.setdefault(body, case.label)
    return {label: body for body, label in found.items()}


def body_of(case: Case) -> bytes:
    """What the case sends, with an id for the object that it means to meet."""
    return build(case.body, dict(case.names) | {b"{object_id}": b"indicator--5bb1ed24-4a1a-4a56-8b6a-3ba2b3b9a2f1"})


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A new node."""
    with init_home(tmp_path / "home", name="Import", store=new_store()) as node:
        yield node


@pytest.mark.parametrize("lines", [False, True], ids=["document", "lines"])
def test_a_hostile_file_gives_a_report_or_one_of_our_errors(node: Node, tmp_path: Path, lines: bool) -> None:
    given = bodies()
    assert len(given) > 300
    refused = 0
    for label, body in given.items():
        chunks = [body[at : at + CHUNK_BYTES] for at in range(0, len(body), CHUNK_BYTES)]
        for strict in (False, True):
            try:
                report = node.receive_stream(chunks, "strict" if strict else "lenient", lines=lines, strict=strict)
            except ComityError as error:
                refused += bool(error.message)
                continue
            assert all(one.problem for one in report.rejected), label
            assert all(one.rule for one in report.rejected), label
            refused += bool(report.rejected or report.broken)
    assert refused > 200
    assert node.check() == []
    while node.work():
        pass
    exported: list[bytes] = []
    count = node.export(exported.append)
    assert count == sum(1 for _ in node.find(Query(versions=("all",))))
    with init_home(tmp_path / "again", name="Again", store=new_store()) as again:
        report = again.receive(b"".join(exported))
        assert (report.stored, report.rejected, report.conflicts) == (count, [], [])


@pytest.mark.parametrize(
    "name", ["bad.json", "bad.ndjson", "bad.json.gz", "bad.json.zst", "cut.json.gz", "a folder", "nothing.json"]
)
def test_the_command_says_what_is_wrong_with_a_file_and_ends_with_its_exit_status(tmp_path: Path, name: str) -> None:
    home = tmp_path / "home"
    comity("init", "--home", str(home), "--name", "x")
    path = tmp_path / name
    if name == "a folder":
        path.mkdir()
    elif name == "cut.json.gz":
        path.write_bytes(gzip.compress(b'{"objects":[]}' * 1000)[:-20])
    elif name != "nothing.json":
        path.write_bytes(b'\xff\x00[[[[{"a":')
    done = subprocess.run(
        [*COMITY, "import", str(path), "--home", str(home)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode in (1, 2, 3, 5)
    assert "Traceback" not in done.stderr
    assert path.name in done.stderr or "Rejected:" in done.stdout
