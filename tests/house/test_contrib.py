"""What is beside the program: the unit for systemd is one that systemd understands, and leaves little exposed."""

import re
import shutil

import pytest
from tests.house.tree import ROOT, run

UNIT = ROOT / "contrib" / "systemd" / "comity.service"
EXPOSURE_MAX = 2.0

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@needs_systemd
def test_the_unit_leaves_little_exposed() -> None:
    judged = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT))
    level = re.search(r"Overall exposure level for comity\.service: ([\d.]+)", judged.stdout)
    assert level is not None, judged.stdout + judged.stderr
    assert float(level[1]) <= EXPOSURE_MAX


@needs_systemd
def test_systemd_understands_every_line_of_the_unit() -> None:
    said = run("systemd-analyze", "verify", str(UNIT)).stderr
    lines = [line for line in said.splitlines() if "comity.service" in line and "is not executable" not in line]
    assert lines == []
