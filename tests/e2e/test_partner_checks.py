"""The conformance checks beside the project, asked by a partner (R70, 01): with a bound token, a policy in force, and
half of the objects withheld. Skipped where the folder is absent."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest
from tests.data import ROOT
from tests.partner_world import B, World
from tests.serving import serving
from tests.world import MadeClock, MadeEntropy

from comity.interfaces import Query
from comity.node.access import Credential
from comity.node.node import Node
from comity.node.system import SystemClock
from comity.stix.markings import TLP

CHECKS = Path(os.environ.get("COMITY_TEST_CHECKS") or ROOT.parent / "shared" / "checks") / "taxii"
OBJECTS = 40
CHECKS_LEAST = 80
CANNOT_APPLY: dict[str, str] = {}
"""Checks that a bound token cannot pass, by name, each with the reason: so far there is none, since what a partner sent
itself it reads, lists and deletes as anybody else."""


@pytest.mark.slow
def test_a_served_node_passes_every_shared_taxii_check_for_a_partner(tmp_path: Path) -> None:
    if not CHECKS.is_dir():
        pytest.skip("shared checks are absent (set COMITY_TEST_CHECKS)")
    clock = SystemClock()
    with Node.open(f"sqlite:///{tmp_path}/a.db", name="Test <node>", clock=clock, entropy=MadeEntropy()) as node:
        world = World(node, cast(MadeClock, clock), 1)
        ro, wo, na = (node.add_collection(title).id for title in ("Read <only>", "Write only", "Others"))
        for collection in ("default", ro, na):
            levels = [(TLP.GREEN, TLP.RED)[number % 2] for number in range(OBJECTS)]
            world.take(*(world.object("indicator", level) for level in levels), collection=collection)
        world.look()
        bound = node.new_token("checks", read=["default", ro], write=["default", wo], partner=B)
        with serving(node) as url:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "--tb=line", "-p", "no:randomly", "-rsf", *deselected()],
                cwd=CHECKS,
                env={
                    **{k: v for k, v in os.environ.items() if not k.startswith(("TAXII_", "PYTEST_", "COV_"))},
                    "TAXII_URL": url,
                    "TAXII_USER": bound.user,
                    "TAXII_PASSWORD": bound.secret,
                    "TAXII_BEARER": bound.token,
                    "TAXII_NA_COLLECTION": na,
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
                encoding="utf-8",
            )
        access = node.admit(Credential(bound.user, bound.secret))
        left = [item.id for name in ("default", ro) for item in node.find(Query(collection=name), access)]
        assert len([id for id in left if id in world.ids]) == OBJECTS
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= CHECKS_LEAST
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert all("https" in line for line in skipped), skipped


def deselected() -> list[str]:
    """The options that leave out what cannot apply."""
    return [f"--deselect={name}" for name in CANNOT_APPLY]
