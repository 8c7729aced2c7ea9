"""Every fault of `tests/patches`, put into a copy of the package, is found by the test that it names."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.house.tree import ROOT, SOURCE, copy_of_source
from tests.patching import DoesNotApply, Patch, patches, read_patch
from tests.seeded import FAILED, PASSED, Runner, environment_of

PATCHES = patches()
FLOOR = "release/floor.cedar"
AREAS = {
    "floor": (FLOOR,),
    "adapter": ("release/decide.py", "release/cedar.py", "release/facets.py", "release/policy.py"),
    "closure": ("release/closure.py", "release/spread.py", "release/mentions.py", "stix/graph.py"),
    "redaction": ("release/redact.py", "release/cuts.py", "release/personal.py", "stix/spans.py"),
    "gate": (
        "node/views.py",
        "node/gate.py",
        "node/guard.py",
        "node/permits.py",
        "node/deliveries.py",
        "release/dispositions.py",
        "release/standing.py",
    ),
}
LEAST = {"floor": 20, "adapter": 15, "closure": 15, "redaction": 8, "gate": 40}


def marks_of(patch: Patch) -> tuple[pytest.MarkDecorator, ...]:
    return (pytest.mark.slow, pytest.mark.deep) if patch.slow else (pytest.mark.slow,)


RUN = [
    pytest.param(patch, id=patch.name.removesuffix(".patch"), marks=marks_of(patch))
    for patch in PATCHES
    if patch.file != FLOOR
]
"""Faults of the floor are tried without a process each, by `test_seeded_faults.py`."""


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with Runner(copy_of_source(tmp_path_factory.mktemp("seeded"))) as runner:
        yield runner


def test_there_are_enough_in_every_area() -> None:
    assert [patch.name[:3] for patch in PATCHES] == [f"{number:03}" for number in range(1, len(PATCHES) + 1)]
    files = Counter(patch.file for patch in PATCHES)
    found = {area: sum(files[file] for file in of) for area, of in AREAS.items()}
    assert all(found[area] >= least for area, least in LEAST.items()), found
    assert sum(found.values()) - found["gate"] >= 60


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.name.removesuffix(".patch"))
def test_a_patch_applies_and_names_a_test_that_there_is(patch: Patch) -> None:
    text = (SOURCE / patch.file).read_text(encoding="utf-8")
    assert patch.applied(text) != text
    file, _, name = patch.test.partition("::")
    assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("patch", RUN)
def test_a_seeded_fault_is_found(patch: Patch, runner: Runner) -> None:
    text = (SOURCE / patch.file).read_text(encoding="utf-8")
    with runner.changed(patch.file, patch.applied(text)):
        done = runner.run([patch.test])
    assert done.code == FAILED, done.said
    # A fault that keeps a module from being read is found by every test, and shows nothing.
    assert " failed" in done.said
    assert " error" not in done.said


@pytest.mark.slow
def test_without_a_fault_the_tests_pass_against_the_copy(runner: Runner) -> None:
    done = runner.run(["tests/unit/release/test_classify.py", "tests/unit/node/test_gate_plain.py"])
    assert done.code == PASSED, done.said
    where = subprocess.run(
        [sys.executable, "-c", "import comity; print(comity.__file__)"],
        cwd=ROOT,
        env=environment_of(runner.package),
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    assert where.stdout.strip() == str(runner.package / "__init__.py")


SOUND = "one\ntwo\nthree\nfour\n"
GOOD = """# test: tests/a.py::test_b
--- a/src/comity/x.py
+++ b/src/comity/x.py
@@ -2,2 +2,2 @@
 two
-three
+3
"""


def test_a_hunk_that_has_moved_applies_and_one_that_nearly_fits_does_not() -> None:
    patch = read_patch("1.patch", GOOD)
    assert patch.applied(SOUND) == "one\ntwo\n3\nfour\n"
    assert patch.applied(f"zero\n{SOUND}") == "zero\none\ntwo\n3\nfour\n"
    for text, words in (
        (SOUND.replace("two", "two "), "fits nowhere"),
        (SOUND.replace("three", "3"), "fits nowhere"),
        (SOUND + SOUND, "fits at 2 places"),
    ):
        with pytest.raises(DoesNotApply) as caught:
            patch.applied(text)
        said = str(caught.value)
        assert f"1.patch: hunk 1 of 1 (line 2 of x.py) {words}" in said
        assert "    three\n" in said
        assert "edit the source" in said


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("# test: tests/a.py::test_b\n", "", "begin with"),
        ("# test", "# tset", "begin with"),
        ("+++ b/src", "+++ b/crs", "below the remarks"),
        ("x.py\n+++", "y.py\n+++", "below the remarks"),
        ("@@ -2,2", "@@ -2,3", "as many lines"),
        ("@@ -2", "@ -2", "does not begin"),
        ("-three", "*three", "begins with '*'"),
        ("+3", "+three", "changes nothing"),
        (GOOD[GOOD.index("@@") :], "", "no hunk"),
    ],
)
def test_a_text_that_is_no_patch_is_refused(old: str, new: str, words: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(DoesNotApply, match=words.replace("*", r"\*")):
        read_patch("1.patch", GOOD.replace(old, new))
