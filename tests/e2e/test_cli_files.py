"""Files in and out by the real command: every format, what is told of each object, exit codes, interruptions."""

import gzip
import hashlib
import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from tests.commands import COMITY, bundle, comity, environment, indicator
from tests.postgres import copy_home

pytestmark = pytest.mark.slow

MANY = [indicator(n) for n in range(1, 301)]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the private half of the recovery key is: not with the node."""
    return tmp_path_factory.mktemp("away") / "key.txt"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Path:
    """A new node, made once; each test has a copy."""
    folder = tmp_path_factory.mktemp("made") / "node"
    assert comity("init", "--name", "CERT-A", "--recovery-key", key, home=folder).code == 0
    return folder


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return copy_home(made, tmp_path / "node")


def lines(objects: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in objects)


def digests(home: Path) -> set[str]:
    """The digests of everything that the node gives out."""
    ended = comity("export", "--format", "ndjson", home=home)
    assert ended.code == 0
    return {hashlib.sha256(line.encode()).hexdigest() for line in ended.out.splitlines()}


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.json", bytes),
        ("a.json.gz", gzip.compress),
        ("a.json.zst", zstandard.compress),
        ("no-name", zstandard.compress),
    ],
)
@pytest.mark.parametrize("write", [lambda objects: bundle(*objects), lines], ids=["bundle", "lines"])
def test_every_format_is_read_and_a_repetition_changes_nothing(
    home: Path, tmp_path: Path, name: str, pack: Callable[[bytes], bytes], write: Callable[[Any], bytes]
) -> None:
    file = tmp_path / name
    file.write_bytes(pack(write(MANY)))
    first = comity("import", file, "--json", home=home)
    assert (first.code, first.json["stored"], first.json["duplicates"]) == (0, 300, 0)
    assert first.json.keys() >= {"stored", "duplicates", "conflicts", "rejected", "findings"}
    again = comity("import", "-", "--json", home=home, given=file.read_bytes())
    assert (again.code, again.json["stored"], again.json["duplicates"]) == (0, 0, 300)
    assert digests(home) == {hashlib.sha256(json.dumps(one).encode()).hexdigest() for one in MANY}


def test_each_object_is_judged_alone_and_the_exit_code_says_what_became_of_them(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "mixed.json"
    bad = indicator(2)
    del bad["pattern"]
    old = {"type": "indicator", "id": indicator(3)["id"], "created": "x", "labels": ["a"]}
    file.write_bytes(bundle(indicator(1), bad, old, indicator(4)))
    ended = comity("import", file, "--strict", "--json", home=home)
    assert ended.code == 5
    assert ended.json["stored"] == 2
    assert [(one["index"], one["id"]) for one in ended.json["rejected"]] == [(1, bad["id"]), (2, old["id"])]
    assert all(one["problem"] and one["rule"] for one in ended.json["rejected"])
    told = comity("import", file, "--strict", home=home)
    assert told.out.startswith("0 stored, 2 already there, 2 rejected\nRejected:\n  objects[1] ")
    assert comity("import", file, "--strict", "--allow-rejected", home=home).code == 0


def test_a_conflict_is_told_and_counts_against_the_exit_code_only_under_strict(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_bytes(bundle(indicator(1)))
    assert comity("import", file, home=home).code == 0
    file.write_bytes(bundle(indicator(1, name="other"), indicator(2)))
    ended = comity("import", file, "--json", home=home)
    assert (ended.code, ended.json["stored"]) == (0, 1)
    assert [(one["id"], one["differs"]) for one in ended.json["conflicts"]] == [(indicator(1)["id"], ["name"])]
    assert comity("import", file, "--strict", home=home).code == 6
    assert comity("import", file, "--strict", "--allow-rejected", home=home).code == 0
    elsewhere = comity("import", file, "--source", "acme", "--marking", "tlp:green", "--json", home=home)
    assert (elsewhere.code, elsewhere.json["stored"], elsewhere.json["new_source"]) == (0, 2, True)


def test_several_files_have_one_answer(home: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.json").write_bytes(bundle(indicator(number), {"type": "indicator"}))
    ended = comity("import", tmp_path / "1.json", tmp_path / "2.json", "--json", home=home)
    assert (ended.code, ended.json["stored"]) == (5, 2)
    assert [Path(one["file"]).name for one in ended.json["rejected"]] == ["1.json", "2.json"]
    missing = comity("import", tmp_path / "1.json", tmp_path / "3.json", "--json", home=home)
    assert (missing.code, missing.json["error"]["code"]) == (3, "not-found")


@pytest.mark.parametrize(
    ("given", "where"),
    [
        (b"hello", "byte 0"),
        (b"", "byte 0"),
        (b'{"type": "bundle", "objects": [', "byte"),
        (b"\x1f\x8bxx", "unpacked byte 0"),
    ],
)
def test_what_is_no_stix_at_all_is_refused_with_its_place(home: Path, given: bytes, where: str) -> None:
    ended = comity("import", "-", home=home, given=given)
    assert ended.code == 5
    assert where in ended.err
    assert ended.err.startswith("error: ")
    assert "Traceback" not in ended.err


def test_a_document_that_breaks_off_keeps_what_came_before(home: Path) -> None:
    ended = comity("import", "-", "--json", home=home, given=bundle(*MANY)[:-2000])
    assert ended.code == 5
    assert 0 < ended.json["stored"] < 300
    assert ended.json["broken"]["where"].startswith("byte ")


@pytest.mark.parametrize(
    "name",
    [
        "out.json",
        "out.ndjson.zst",
        *(pytest.param(each, marks=pytest.mark.deep) for each in ("out.ndjson", "out.json.gz")),
    ],
)
def test_what_is_exported_comes_back_with_the_same_digests(home: Path, tmp_path: Path, name: str) -> None:
    assert comity("import", "-", home=home, given=bundle(*MANY)).code == 0
    out = tmp_path / name
    ended = comity("export", "-o", out, "--json", home=home)
    assert (ended.code, ended.json["objects"]) == (0, 300)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    other = tmp_path / "other"
    assert comity("init", "--name", "B", home=other).code == 0
    assert comity("import", out, "--json", home=other).json["stored"] == 300
    assert digests(other) == digests(home)
    assert comity("export", "-o", out, home=home).code == 6
    assert comity("export", "-o", out, "--force", home=home).code == 0
    assert {one.name for one in tmp_path.iterdir()} == {name, "node", "other"}


def test_one_collection_can_be_exported_alone(home: Path) -> None:
    made = comity("collection", "add", "Ours", "--json", home=home).json
    assert comity("import", "-", "--collection", "Ours", home=home, given=bundle(indicator(1))).code == 0
    assert comity("import", "-", home=home, given=bundle(indicator(2))).code == 0
    for name in ("Ours", made["id"]):
        ended = comity("export", "--collection", name, home=home)
        assert [one["id"] for one in ended.json["objects"]] == [indicator(1)["id"]]
    assert comity("export", "--collection", "Theirs", home=home).code == 3
    assert comity("import", "-", "--collection", "Theirs", home=home, given=b"").code == 3


def test_an_export_that_cannot_be_written_leaves_nothing_behind(home: Path, tmp_path: Path) -> None:
    assert comity("export", "-o", tmp_path / "no" / "where.json", home=home).code == 3
    full = comity("export", "-o", "/dev/full", home=home)
    assert full.code == 1
    assert full.err.startswith("error: ")
    with Path("/dev/full").open("wb") as sink:
        ended = subprocess.run(
            [*COMITY, "version"], stdout=sink, stderr=subprocess.PIPE, timeout=60, check=False, env=environment()
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"error: No space left on device")


@pytest.mark.parametrize("args", [["export"], ["search", "sign", "--limit", "300"], ["--help"], ["search", "--csv"]])
def test_a_closed_pipe_ends_silently_with_0(home: Path, args: list[str]) -> None:
    assert comity("import", "-", home=home, given=bundle(*MANY)).code == 0
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [*COMITY, *args, "-q", "--home", str(home)],
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
        env=environment(),
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_ctrl_c_in_an_import_keeps_whole_slices_and_it_can_be_gone_on_with(home: Path, tmp_path: Path) -> None:
    objects = [indicator(n) for n in range(1, 6001)]
    data = lines(objects)
    with subprocess.Popen(
        [*COMITY, "import", "-", "--home", str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdin is not None
        # The rest is held back, so that the command is in the middle of it when it is interrupted.
        process.stdin.write(data[: len(data) * 3 // 4])
        process.stdin.flush()
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr is not None
        told = process.stderr.read().decode()
    assert told.endswith("error: Interrupted.\n")
    assert "Import it again" in told
    assert comity("backup", tmp_path / "b.age", "--verify", home=home).code == 0
    doctor = comity("doctor", "--json", home=home)
    assert doctor.code == 0
    kept = len(digests(home))
    assert 0 < kept < 6000
    again = comity("import", "-", "--json", home=home, given=data).json
    assert (again["duplicates"], again["stored"]) == (kept, 6000 - kept)
