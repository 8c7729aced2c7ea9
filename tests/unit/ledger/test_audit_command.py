"""`python -m comity.ledger.audit`: its codes, what it says of a file, and the claim that goes with it."""

import base64
import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.house.tree import SOURCE
from tests.unit.ledger.logs import BEGAN, LOG, checkpoint_over, entries_of, file_of

from comity.ledger import audit as module
from comity.ledger.audit import audit
from comity.ledger.export import Entry
from comity.ledger.note import sign_note
from comity.ledger.records import Opening

ENTRIES = entries_of(12, {2, 9})
LINES = file_of(ENTRIES)
KEY = str(LOG.verifier)
ROOT = base64.b64encode(audit(LINES).root).decode()
Told = tuple[int, str, str]
"""Exit code, stdout and stderr."""
Run = Callable[..., Told]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the command runs, with a good file, a cut one, a bad one and a checkpoint held elsewhere."""
    at = next(at for at, line in enumerate(LINES) if line.endswith(b'"seq":5}\n'))
    for name, lines in {"good": LINES, "cut": LINES[: at + 4], "bad": LINES[:at] + LINES[at + 1 :]}.items():
        (tmp_path / name).write_bytes(b"".join(lines))
    (tmp_path / "held").write_text(checkpoint_over(ENTRIES), encoding="utf-8")
    (tmp_path / "alone.py").write_bytes((SOURCE / "ledger" / "audit.py").read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def inside(*arguments: str) -> Told:
    """The command was run in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = module.main(list(arguments))
        except SystemExit as exit:
            code = int(exit.code or 0)
    return code, out.getvalue(), err.getvalue()


def process(*arguments: str) -> Told:
    """The command was run in a process of its own."""
    return started("-m", "comity.ledger.audit", *arguments)


def alone(*arguments: str) -> Told:
    """A copy of the module was run where nothing else of Comity is."""
    return started("-I", "alone.py", *arguments)


def started(*words: str) -> Told:
    done = subprocess.run([sys.executable, *words], capture_output=True, encoding="utf-8", timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


each_way = pytest.mark.parametrize(
    "run", [inside, pytest.param(process, marks=pytest.mark.slow), pytest.param(alone, marks=pytest.mark.slow)]
)


@pytest.mark.usefixtures("desk")
@each_way
def test_it_says_what_it_found_and_what_that_does_not_show(run: Run) -> None:
    code, said, wrong = run("good", "--key", KEY, "--against", "held")
    assert (code, wrong) == (0, "")
    assert said == (
        f"12 entries (10 open, 2 closed), root {ROOT}\n"
        "3 checkpoints in the file agree, and 1 that are held elsewhere.\n"
        f"The evidence holds.\n{module.CLAIM}\n"
    )
    code, said, wrong = run("bad")
    assert (code, wrong) == (20, "")
    assert "The evidence does not hold:\nentry 5: entry 5 is missing: 6 stands in its place\n" in said
    assert said.endswith(f"\n{module.CLAIM}\n")
    assert f"\n{module.UNTRUSTED}\n" in said


@pytest.mark.usefixtures("desk")
@each_way
def test_it_answers_scripts(run: Run) -> None:
    code, said, wrong = run("good", "--json")
    assert (code, json.loads(said)) == (0, {"ok": True, "size": 12, "root": ROOT, "problems": []})
    assert wrong == f"{module.UNTRUSTED}\n{module.CLAIM}\n"
    code, said, wrong = run("cut", "--json", "--key", KEY, "--against", "held")
    assert (code, wrong) == (20, f"{module.CLAIM}\n")
    cut = {"seq": 8, "what": "the end is cut off: a checkpoint that is held elsewhere covers 12 entries"}
    answer = json.loads(said)
    assert (answer["ok"], answer["size"], answer["problems"]) == (False, 8, [cut])


@pytest.mark.usefixtures("desk")
@each_way
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: FILE"),
        (["missing"], "error: [Errno 2] No such file or directory: 'missing'"),
        (["."], "error: [Errno 21] Is a directory: '.'"),
        (["good", "--key", "x"], "error: a verifier key is not `name+id+key` of Ed25519"),
        (["good", "--against", "missing"], "error: [Errno 2] No such file or directory: 'missing'"),
        (["good", "--what"], "unrecognized arguments: --what"),
    ],
)
def test_usage_and_files_that_cannot_be_read_are_another_code(run: Run, arguments: list[str], said: str) -> None:
    code, out, wrong = run(*arguments)
    assert (code, out) == (2, "")
    assert said in wrong


@pytest.mark.usefixtures("desk")
def test_the_help_says_each_option_and_the_claim() -> None:
    code, said, wrong = inside("--help")
    assert (code, wrong) == (0, "")
    plain = " ".join(said.split())
    for words in (
        "usage: audit",
        "Check an exported ledger offline.",
        "FILE the exported ledger",
        "--key VKEY a verifier key that you trust",
        "--against FILE a checkpoint that you kept",
        "--json the result for scripts; the claim goes to stderr",
        " ".join(module.CLAIM.split()),
    ):
        assert words in plain


@pytest.mark.usefixtures("desk")
def test_keys_and_checkpoints_are_given_more_than_once(desk: Path) -> None:
    (desk / "early").write_text(checkpoint_over(ENTRIES[:5]), encoding="utf-8")
    code, said, _ = inside("good", "--against", "held", "--against", "early")
    assert (code, "and 2 that are held elsewhere" in said) == (0, True)


@pytest.mark.parametrize(("more", "code"), [("", 0), ("x", 20)])
def test_a_checkpoint_that_is_held_is_read_to_its_end(desk: Path, more: str, code: int) -> None:
    text = f"{LOG.verifier.name}\n12\n{ROOT}\n"
    letters = 131_072 - len(sign_note(f"{text}\n", [LOG]).encode())
    (desk / "long").write_text(sign_note(f"{text}{'x' * letters}\n", [LOG]) + more, encoding="utf-8")
    assert inside("good", "--key", KEY, "--against", "long")[0] == code


@pytest.mark.parametrize(("length", "code"), [(1_048_576, 0), (1_048_577, 20)])
def test_a_line_has_at_most_one_mib(desk: Path, length: int, code: int) -> None:
    plain = record_of(0)
    more = length - len(file_of([plain])[1])
    (desk / "long").write_bytes(b"".join(file_of([record_of(more)])))
    assert inside("long", "--key", KEY)[0] == code


def record_of(letters: int) -> Entry:
    """An entry whose record has so many letters more."""
    opening = Opening(b'{"at":%d,"kind":"x","n":"%s"}' % (BEGAN, b"x" * letters), bytes(16))
    return Entry(0, opening.commitment, opening)
