"""Documents that fail the build when they lie: their commands run, their links lead somewhere, their tables are true.

Blocks marked `sh` and `python` of a document run in order in one empty folder, which holds a bundle.json. In them
8470 is a free port, `comity serve` goes on beside what follows it, and USER and SECRET are those of the first token.
Blocks marked `console` need a machine of their own and do not run; only the files of NEED_A_MACHINE have any.
"""

import contextlib
import importlib
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import orjson
import pytest
from tests.house.tree import ROOT, project, readme_command

from comity.node.settings import Settings
from comity.web.routes import ROUTES

NEED_A_MACHINE = {"docs/how-to/run-under-systemd.md", "CONTRIBUTING.md", "docs/how-to/run-on-postgresql.md"}
DOCUMENTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)

BUNDLE = b"""{"type": "bundle", "id": "bundle--4f2d7e1a-97b7-4d3e-9f6b-2a8a3c1f0e01", "objects": [
{"type": "identity", "spec_version": "2.1", "id": "identity--4f2d7e1a-97b7-4d3e-9f6b-2a8a3c1f0e02",
 "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "name": "CERT-B"},
{"type": "indicator", "spec_version": "2.1", "id": "indicator--4f2d7e1a-97b7-4d3e-9f6b-2a8a3c1f0e03",
 "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "name": "Kancil beacon",
 "pattern": "[domain-name:value = 'kancil.example']", "pattern_type": "stix",
 "valid_from": "2026-01-01T00:00:00.000Z", "x_first_seen_by": "CERT-B"}]}"""

PROLOGUE = r"""
set -eu
comity() {
    case " $* " in *" demo --port "*) command comity "$@" & echo "$!" >>"$PIDS"; wait "$!"; return ;; esac
    case " $* " in *" serve "*) ;; *) command comity "$@"; return ;; esac
    case " $* " in *" --port "*) ;; *) set -- "$@" --port "$PORT" ;; esac
    command comity "$@" >"$SERVED" 2>&1 &
    echo "$!" >>"$PIDS"
    for _ in $(seq 200); do
        if grep -q 'https\?://' "$SERVED"; then return 0; fi
        kill -0 "$!" || break
        sleep 0.05
    done
    cat "$SERVED" >&2
    return 1
}
curl() { command curl --fail-with-body "${@//USER:SECRET/$(cat "$CREDENTIAL" 2>/dev/null)}"; }
keep() {
    python3 - <<'PY' >"$CREDENTIAL"
import glob, json
for name in glob.glob("**/first-token.json", recursive=True)[:1]:
    found = json.load(open(name))
    print(found["user"] + ":" + found["secret"], end="")
PY
}
"""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line where it begins."""

    language: str
    text: str
    line: int


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a document."""
    text = path.read_text(encoding="utf-8")
    return [Block(m[1], m[2], text.count("\n", 0, m.start()) + 1) for m in BLOCK.finditer(text)]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Workshop:
    """An empty folder in which the blocks of one document are run, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "here"
        self.folder.mkdir()
        self.port = free_port()
        self.pids = folder / "pids"
        self.credential = folder / "credential"
        (self.folder / "bundle.json").write_bytes(BUNDLE)
        left_out = ("COMITY_", "COV", "PYTEST")
        keep = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        self.environment = keep | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PORT": str(self.port),
            "PIDS": str(self.pids),
            "SERVED": str(folder / "served"),
            "CREDENTIAL": str(self.credential),
        }

    def run(self, block: Block) -> None:
        """The block ran, and ended well."""
        text = block.text.replace("8470", str(self.port))
        if block.language == "sh":
            command = ["bash", "-c", PROLOGUE + "keep\n" + text + "\nkeep\n"]
        else:
            if self.credential.exists() and (known := self.credential.read_text(encoding="utf-8")):
                user, secret = known.split(":")
                text = text.replace('"USER"', f'"{user}"').replace('"SECRET"', f'"{secret}"')
            command = [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", text]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60, check=False,
            stdin=subprocess.DEVNULL, encoding="utf-8"
        )  # fmt: skip
        words = f"the block at line {block.line} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, words

    def close(self) -> None:
        """What was left running ends."""
        if self.pids.exists():
            for pid in self.pids.read_text(encoding="utf-8").split():
                # A document may have ended it itself.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), 15)


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """A place to run blocks in."""
    made = Workshop(tmp_path)
    yield made
    made.close()


WITH_BLOCKS = [
    name for name, path in zip(NAMES, DOCUMENTS, strict=True) if {"sh", "python"} & {b.language for b in blocks(path)}
]

LONG = tuple(
    f"docs/how-to/{name}.md"
    for name in ("see-what-a-partner-gets", "second-person", "poll-another-server", "import-data", "write-a-policy")
)
"""These take long, and are for the long run: what they are built of stands in the tutorials, too."""


def test_what_is_left_to_the_long_run_is_there_and_a_part() -> None:
    assert set(LONG) < set(WITH_BLOCKS)
    assert len(LONG) < len(WITH_BLOCKS) / 2


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.deep] if name in LONG else []) for name in WITH_BLOCKS]
)
def test_every_command_and_every_program_of_a_document_runs(workshop: Workshop, name: str) -> None:
    # These two make an environment out of a whole copy of the tree, which is what .ci/run does with them.
    elsewhere = {readme_command("Run"), readme_command("Test")} if name == "README.md" else set()
    for block in blocks(ROOT / name):
        if block.language in ("sh", "python") and block.text.strip() not in elsewhere:
            workshop.run(block)


@pytest.mark.slow
@pytest.mark.parametrize(("language", "text"), [("sh", "comity frobnicate\n"), ("python", "import comity.nothing\n")])
def test_a_block_that_lies_would_fail(workshop: Workshop, language: str, text: str) -> None:
    with pytest.raises(AssertionError, match="the block at line 1 ended with"):
        workshop.run(Block(language, text, 1))


@pytest.mark.parametrize("name", NAMES)
def test_every_block_says_what_it_is(name: str) -> None:
    known = {"sh", "python", "text", "toml", "ini", "json"} | ({"console"} if name in NEED_A_MACHINE else set())
    assert {block.language for block in blocks(ROOT / name)} <= known


def test_the_two_commands_of_the_readme_are_those_that_ci_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "readme_command Test" in script
    assert "readme_command Run" in script
    assert readme_command("Run").startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert readme_command("Run").endswith("comity demo")
    assert readme_command("Test").startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert "-m pytest" in readme_command("Test")


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", BLOCK.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        place = ((ROOT / name).parent / file).resolve() if file else ROOT / name
        assert place.exists(), target
        if anchor:
            assert anchor in anchors(place.read_text(encoding="utf-8")), target


def test_every_document_is_reached_from_the_readme() -> None:
    reached, ahead = set(), [ROOT / "README.md"]
    while ahead:
        path = ahead.pop()
        if path in reached or path.suffix != ".md":
            continue
        reached.add(path)
        for target in re.findall(r"\]\(([^)\s#]+)", path.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", target):
                place = (path.parent / target).resolve()
                ahead.extend(place.glob("*.md") if place.is_dir() else [place])
    assert {str(path.relative_to(ROOT)) for path in set(DOCUMENTS) - reached} == set()


ADR_SECTIONS = ["Context", "Drivers", "Options", "Outcome", "Bad consequences"]


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "adr").glob("[0-9]*.md")), ids=lambda path: path.name)
def test_a_decision_has_every_section(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
    assert text.startswith(f"# {int(path.name[:4])}. ")
    assert re.findall(r"^## (.+)$", text, re.M) == ADR_SECTIONS


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "adr").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_note_of_a_change_has_a_kind_that_is_known() -> None:
    names = [path.name for path in (ROOT / "changelog.d").iterdir()]
    assert names
    for name in names:
        assert re.fullmatch(r"[a-z0-9-]+\.(added|changed|fixed|security|removed)\.md", name), name


def test_the_reference_has_every_setting_with_its_default() -> None:
    text = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    rows = {m[1]: (m[2], m[3]) for m in re.finditer(r"^\| `(\w+)` \| `(.+?)` \| (.+) \|$", text, re.M)}
    assert rows == {
        field.name: (orjson.dumps(field.default).decode(), str(field.metadata["words"])) for field in fields(Settings)
    }


def test_the_reference_has_every_route_with_its_methods_and_who_may_ask() -> None:
    pages = [(ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") for name in ("taxii.md", "pages.md")]
    text = "\n".join(pages)
    rows = {m[1]: (m[2], m[3]) for m in re.finditer(r"^\| `(/.*?)` \| ([A-Z, ]+) \| ([a-z ]+) \|", text, re.M)}
    # Those of the API stand there by operation: tests/api/test_operations.py.
    there = [route for route in ROUTES if route.api is None]
    assert rows == {route.template: (", ".join(route.methods), route.rule.value) for route in there}


def test_every_limit_of_the_reference_is_that_of_the_code() -> None:
    text = (ROOT / "docs" / "reference" / "files-and-limits.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\|.*\| ([\d,]+)[^|]*\| `(comity\.[\w.]+)\.([A-Z_]+)` \|$", text, re.M)
    assert rows
    for value, module, constant in rows:
        assert float(value.replace(",", "")) == getattr(importlib.import_module(module), constant), constant


def test_every_dependency_has_its_reason() -> None:
    text = next((ROOT / "docs" / "adr").glob("*-dependencies-of-the-base.md")).read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.M))
    assert explained == {re.split(r"[^a-z0-9-]", line)[0] for line in project()["project"]["dependencies"]}
