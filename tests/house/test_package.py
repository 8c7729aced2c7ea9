"""What is shipped: the wheel holds all that the program reads, and works as the editable install does."""

import importlib.metadata
import json
import re
import sys
import zipfile
from pathlib import Path

import pytest
from build_hooks.wheel import SCHEMAS_EXPECTED, SCRIPTS, VENDOR
from tests.house.tree import ROOT, SOURCE, files, project, run, text_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
    assert built.returncode == 0, built.stdout + built.stderr
    (made,) = folder.glob("*.whl")
    return made


def names_of(wheel: Path) -> set[str]:
    """The names of the files in it."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    own = {str(path.relative_to(SOURCE.parent)) for path in SOURCE.rglob("*") if path.is_file()}
    own = {name for name in own if "__pycache__" not in name}
    for kind in ("py.typed", "migrations/0001", "templates/front.html", "static/comity.css"):
        assert any(kind in name for name in own), kind
    assert own <= names_of(wheel)


def test_the_wheel_holds_the_schemas_and_the_tree_does_not(wheel: Path) -> None:
    schemas = {name for name in names_of(wheel) if re.fullmatch(r"comity/_schemas/[a-z]+/[a-z0-9-]+\.json", name)}
    assert len(schemas) == SCHEMAS_EXPECTED
    assert not [path for path in files(".json") if '"$schema"' in text_of(path)]


def test_the_wheel_has_the_scripts_of_others_with_their_licences_where_npm_gives_them(wheel: Path) -> None:
    there = {name for name in names_of(wheel) if name.startswith(f"{VENDOR}/")}
    assert there in (set(), {f"{VENDOR}/{name}" for name in SCRIPTS.values()}), "all of them or none"
    if not there:
        pytest.skip("npm is not installed, or has nowhere to fetch from")
    with zipfile.ZipFile(wheel) as archive:
        assert b"Zero-Clause BSD" in archive.read(f"{VENDOR}/htmx.LICENSE.txt")
        assert b"Permission is hereby granted" in archive.read(f"{VENDOR}/cytoscape.LICENSE.txt")


def test_the_wheel_says_its_licence_and_brings_the_texts(wheel: Path) -> None:
    texts = {name.split("/")[-1] for name in names_of(wheel) if ".dist-info/licenses/" in name}
    assert texts == {"LICENSE", "NOTICE"}
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    assert "License-Expression: Apache-2.0" in metadata
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert len(required) == len(project()["project"]["dependencies"])
    assert not [line for line in required if "stix2" in line], "the validator is wanted for building alone"


PROBE = """
import hashlib, json, sys
sys.path.insert(0, sys.argv[1])
import comity
from comity.node.system import schema_documents
documents = schema_documents()
text = json.dumps(documents, sort_keys=True).encode()
print(json.dumps({"from": comity.__file__, "count": len(documents), "digest": hashlib.sha256(text).hexdigest(),
                  "version": comity.__version__, "oracle": "stix2validator" in sys.modules}))
"""


def test_the_wheel_and_a_checkout_read_the_same_schemas(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    answers = {}
    for place in (str(tmp_path), str(SOURCE.parent)):
        done = run(sys.executable, "-c", PROBE, place, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert answer.pop("from").startswith(place)
        answers[place] = answer
    assert len(set(map(str, answers.values()))) == 1
    assert answers[str(tmp_path)] == {**answer, "count": SCHEMAS_EXPECTED, "oracle": False}


def locked() -> dict[str, tuple[str, int]]:
    """The version and the number of hashes of each distribution in the lock."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    blocks = re.findall(r"^([a-z0-9-]+)==([^\s;]+)[^\n]*\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.M)
    return {name: (version, hashes.count("--hash=")) for name, version, hashes in blocks}


def test_the_lock_pins_every_requirement_with_hashes() -> None:
    table = project()["project"]
    wanted = [*table["dependencies"], *table["optional-dependencies"]["test"], *project()["build-system"]["requires"]]
    names = {re.split(r"[^A-Za-z0-9-]", line)[0].lower() for line in wanted}
    assert names <= set(locked())
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert len(locked()) == len(re.findall(r"^\S+==", text, re.M)), "every pin has its hashes"
    assert not re.search(r"https?://|index|find-links", text), "the lock names no registry"


def test_the_version_is_said_once() -> None:
    assert "version" in project()["project"]["dynamic"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", importlib.metadata.version("comity"))
