"""How many mutants of `release/` and `ledger/` no test finds: a sample of each module, and a ratchet.

`tests/mutants.txt` records how many may survive in each module, and names those that cannot be found, since they change
nothing that could be seen. What survives is printed as a FIGURE at the end of the run.
"""

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.house.tree import SOURCE, copy_of_source
from tests.mutants import RECORD, Mutant, mutants_of, read_record, sample_of
from tests.seeded import FAILED, LATE, PASSED, Done, Runner

MOST = 8
NONE = 5
"""The code of pytest where no test is chosen."""
SEED = "comity"
SECONDS = 60
UNIT, LAW, NODE = "tests/unit/release", "tests/property/test_release", "tests/unit/node"
TWINS = f"{UNIT}/test_seeded_faults.py::test_the_floor_as_it_is_shows_no_difference"
CLOSED = f"{LAW}_closure.py::test_closure_is_that_of_the_slow_twin"
RULES = [f"{UNIT}/test_decide.py", f"{UNIT}/test_adapter.py", f"{UNIT}/test_approval_rules.py"]
POLICIES = [f"{UNIT}/test_policy.py", f"{UNIT}/test_problems.py", f"{UNIT}/test_compare.py"]
CLOSING = [f"{UNIT}/test_redact.py", f"{LAW}_closure.py", f"{LAW}_redact.py"]
TEXTS = [f"{UNIT}/test_personal.py", f"{LAW}_personal.py"]
TELLING = [f"{NODE}/test_telling.py", f"{NODE}/test_telling_standings.py"]
LEDGER, LOGS, VECTORS = (
    "tests/unit/ledger",
    "tests/property/test_ledger_laws.py",
    "tests/contract/test_ledger_vectors.py",
)
NOTES = [f"{LEDGER}/test_note.py", f"{LEDGER}/test_checkpoint.py", VECTORS]
AUDITS = [f"{LEDGER}/test_audit{part}.py" for part in ("", "_command", "_signatures")]
FAST: dict[str, list[str]] = {
    "alike.py": TELLING,
    "cedar.py": [*RULES, f"{UNIT}/test_problems.py", f"{LAW}_laws.py"],
    "check_digits.py": TEXTS,
    "classes.py": [*RULES, f"{UNIT}/test_classify.py", *POLICIES],
    "classifier.py": [f"{LAW}_classifier.py"],
    "classify.py": [f"{UNIT}/test_classify.py", f"{LAW}_classifier.py"],
    "closure.py": CLOSING,
    "compare.py": [f"{UNIT}/test_compare.py", f"{UNIT}/test_approval_rules.py", f"{NODE}/test_changes.py"],
    "cuts.py": [f"{UNIT}/test_cuts.py", *CLOSING, f"{NODE}/test_gate_plain.py"],
    "decide.py": RULES,
    "dispositions.py": [f"{UNIT}/test_dispositions.py", f"{UNIT}/test_approval_rules.py"],
    "expressions.py": TEXTS,
    "facets.py": [*RULES, f"{UNIT}/test_policy.py"],
    "forms.py": [f"{UNIT}/test_forms.py", f"{LAW}_standing.py", f"{LAW}_classifier.py"],
    "ledger/audit.py": [*AUDITS, VECTORS],
    "ledger/checkpoint.py": NOTES,
    "ledger/export.py": [f"{LEDGER}/test_export.py"],
    "ledger/merkle.py": [f"{LEDGER}/test_merkle.py", f"{LEDGER}/test_tiles.py", VECTORS],
    "ledger/note.py": NOTES,
    "ledger/proof.py": [f"{LEDGER}/test_proof.py", VECTORS],
    "ledger/records.py": [f"{LEDGER}/test_records.py"],
    "ledger/tiles.py": [f"{LEDGER}/test_tiles.py", VECTORS],
    "mentions.py": CLOSING,
    "naming.py": [f"{UNIT}/test_naming.py", *CLOSING],
    "nearby.py": ["tests/contract/test_store_relations.py", f"{NODE}/test_part.py"],
    "openings.py": ["tests/property/test_openings.py"],
    "passing.py": [f"{UNIT}/test_decide.py", *TELLING],
    "personal.py": TEXTS,
    "policy.py": [*POLICIES, f"{UNIT}/test_approval_rules.py"],
    "problems.py": [*POLICIES, f"{UNIT}/test_approval_rules.py"],
    "recall.py": [f"{UNIT}/test_recall.py"],
    "redact.py": CLOSING,
    "shifts.py": [f"{UNIT}/test_approval_rules.py", f"{UNIT}/test_compare.py", f"{NODE}/test_changes.py"],
    "sieve.py": TEXTS,
    "spread.py": ["tests/contract/test_store_relations.py", f"{NODE}/test_gate.py"],
    "standing.py": [f"{UNIT}/test_dispositions.py", f"{LAW}_standing.py"],
    "suppositions.py": [f"{UNIT}/test_suppositions.py"],
    "tallies.py": [f"{UNIT}/test_tallies.py"],
    "text.py": [*POLICIES],
    "words.py": [f"{UNIT}/test_naming.py", f"{UNIT}/test_forms.py", *CLOSING],
}
"""The tests that are fast, of those that concern each module; one without a folder is of `release/`."""
SLOW: dict[str, list[str]] = {
    "closure.py": [CLOSED],
    "naming.py": [CLOSED],
    "words.py": [CLOSED],
    "redact.py": [f"{NODE}/test_gate_plain.py"],
    "alike.py": [f"{UNIT}/test_alike.py"],
    "compare.py": [f"{UNIT}/test_compare.py", f"{NODE}/test_changes.py"],
    "decide.py": [TWINS, f"{LAW}_laws.py::test_a_decision_does_not_change_before_it_says"],
    "facets.py": [TWINS],
    "ledger/audit.py": [*AUDITS, LOGS],
    "ledger/export.py": [f"{LEDGER}/test_export.py", LOGS],
    "ledger/merkle.py": [LOGS],
    "ledger/records.py": [LOGS],
    "ledger/tiles.py": [LOGS],
    "mentions.py": [CLOSED],
    "passing.py": [f"{LAW}_laws.py::test_each_change_that_would_pass_is_one_that_a_question_confirms"],
    "shifts.py": [f"{UNIT}/test_compare.py", f"{UNIT}/test_approval_rules.py", f"{NODE}/test_changes.py"],
    "spread.py": [f"{NODE}/test_gate_plain.py", f"{NODE}/test_gate_edits.py"],
    "standing.py": [f"{LAW}_standing.py"],
    "suppositions.py": [f"{UNIT}/test_suppositions.py"],
}
"""Some that are slow, for what the fast ones do not find, where it is not all of the same files."""

SMALL = '''"""Words."""
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    x = 1 < 2
def f(a: int = 3, *, b: "x < y" = None) -> bool:
    """Says that 1 < 2."""
    if a < 4 and not b:
        raise ValueError("a < b")
    g(a, b, word="é")
    return a in [c for c in b if c]
'''


def modules() -> list[str]:
    rooms = {"": SOURCE / "release", "ledger/": SOURCE / "ledger"}
    paths = [(before, path) for before, room in rooms.items() for path in room.glob("*.py")]
    return sorted(f"{before}{path.name}" for before, path in paths if path.name != "__init__.py")


def place_of(module: str) -> str:
    """The path of the module in the package."""
    return module if "/" in module else f"release/{module}"


def survivors(runner: Runner, module: str, chosen: list[Mutant], by: str) -> list[Mutant]:
    """The mutants of the module that no test for the module `by` finds."""
    left = []
    for mutant in chosen:
        with runner.changed(place_of(module), mutant.text):
            done = runner.run(FAST[by], marks="not slow and not deep", seconds=SECONDS)
            if done.code == PASSED:
                done = slowly(runner, by)
        # 2 and 4 are a module that cannot be read any more; what never ends is found as well.
        assert done.code in (PASSED, FAILED, LATE, 2, 4), done.said
        if done.code == PASSED:
            left.append(mutant)
    return left


def slowly(runner: Runner, by: str) -> Done:
    """How the slow tests for that module ended: those that are named, or else those of the same files as the fast."""
    if by in SLOW:
        return runner.run(SLOW[by], marks="not deep", seconds=SECONDS)
    done = runner.run(FAST[by], marks="slow and not deep", seconds=SECONDS)
    return replace(done, code=PASSED) if done.code == NONE else done


def assert_in_time(runner: Runner, module: str) -> None:
    """The sound module passes, with time to spare: else a mutant that nobody finds would count as an endless one."""
    for done in (runner.run(FAST[module], marks="not slow and not deep", seconds=SECONDS), slowly(runner, module)):
        assert done.code == PASSED, done.said
        assert done.seconds < SECONDS / 2, f"the tests of {module} take {done.seconds} s of {SECONDS}"


def test_every_module_has_its_tests_and_a_record() -> None:
    assert set(FAST) == set(modules()) == set(read_record(RECORD.read_text(encoding="utf-8")))
    assert set(SLOW) <= set(FAST)


def test_mutants_are_made_of_what_decides_and_of_nothing_else() -> None:
    found = mutants_of(SMALL)
    assert sorted((one.line, one.new) for one in found) == sorted(
        [
            (5, "(4)"),
            (7, "(False)"),
            (7, "(True)"),
            (7, "(a < 4 or not b)"),
            (7, "(a < 4)"),
            (7, "(not b)"),
            (7, "(a <= 4)"),
            (7, "(a > 4)"),
            (7, "(5)"),
            (7, "(b)"),
            (8, "pass"),
            (9, "(g(a, b))"),
            (9, "(g(b, a, word='é'))"),
            (9, "pass"),
            (10, "(a not in [c for c in b if c])"),
            (10, "([c for c in b])"),
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize("module", modules())
def test_every_mutant_is_another_module_that_can_be_read(module: str) -> None:
    source = (SOURCE / place_of(module)).read_text(encoding="utf-8")
    sound = ast.dump(ast.parse(source))
    chosen = sample_of(source, MOST, SEED + module)
    assert chosen == sample_of(source, MOST, SEED + module)
    assert all(ast.dump(ast.parse(one.text)) != sound for one in chosen)


@pytest.mark.slow
def test_mutants_live_where_no_test_looks(tmp_path: Path) -> None:
    chosen = sample_of((SOURCE / place_of("mentions.py")).read_text(encoding="utf-8"), 2, SEED)
    with Runner(copy_of_source(tmp_path)) as runner:
        assert survivors(runner, "mentions.py", chosen, "openings.py") == chosen


@pytest.mark.slow
@pytest.mark.deep
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("module", modules())
def test_no_more_mutants_survive_than_are_recorded(
    module: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    source = (SOURCE / place_of(module)).read_text(encoding="utf-8")
    chosen = sample_of(source, MOST, SEED + module)
    allowed, alike = read_record(RECORD.read_text(encoding="utf-8"))[module]
    with Runner(copy_of_source(tmp_path)) as runner:
        assert_in_time(runner, module)
        left = survivors(runner, module, [one for one in chosen if one.key not in alike], module)
    for one in left:
        record_property("figure", f"survives: {module}:{one.line} {one.key}")
    words = "\n".join(f"{module}:{one.line} {one.key}" for one in left)
    assert len(left) <= allowed, (
        f"kill them, or list in {RECORD.name} those that change nothing, with a reason:\n{words}"
    )
