"""What is beside the program: the units for systemd are some that systemd understands, and leave little exposed."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from tests.house.tree import ROOT, run

FOLDER = ROOT / "contrib" / "systemd"
UNITS = sorted(FOLDER.iterdir())
SERVICES = [path for path in UNITS if path.suffix == ".service"]
EXPOSURE_MAX = 2.0

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES, ids=lambda path: path.name)
def test_the_unit_leaves_little_exposed(unit: Path) -> None:
    judged = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(unit))
    level = re.search(rf"Overall exposure level for {re.escape(unit.name)}: ([\d.]+)", judged.stdout)
    assert level is not None, judged.stdout + judged.stderr
    assert float(level[1]) <= EXPOSURE_MAX


def complaints(unit: Path) -> list[str]:
    """What systemd does not understand in the unit and in those that it starts."""
    said = run("systemd-analyze", "verify", str(unit)).stderr
    return [line for line in said.splitlines() if "comity" in line and "is not executable" not in line]


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_understands_every_line_of_the_unit(unit: Path) -> None:
    assert complaints(unit) == []


@needs_systemd
def test_a_line_that_systemd_does_not_understand_would_be_seen(tmp_path: Path) -> None:
    unit = tmp_path / "comity-odd.timer"
    unit.write_text(
        (FOLDER / "comity-backup.timer").read_text(encoding="utf-8").replace("OnCalendar=", "OnCalender="),
        encoding="utf-8",
    )
    assert complaints(unit)


@pytest.mark.slow
def test_what_the_backup_unit_runs_makes_a_verified_backup_and_deletes_old_ones(tmp_path: Path) -> None:
    comity = f"{sys.executable} -m comity"
    (tmp_path / "backups").mkdir()
    old = tmp_path / "backups" / "comity-20200101T000000Z.tar.zst.age"
    old.touch()
    run("touch", "-d", "2020-01-01", str(old))
    made = run(*shlex.split(comity), "init", "--name", "A", "--home", str(tmp_path / "node"))
    assert made.returncode == 0
    unit = (FOLDER / "comity-backup.service").read_text(encoding="utf-8")
    lines = re.findall(r"^ExecStart(?:Post)?=(.+)$", unit, re.M)
    assert len(lines) == 2
    for line in lines:
        words = line.replace("/opt/comity/bin/comity", comity).replace("/var/lib/comity", str(tmp_path))
        ended = run(*shlex.split(words))
        assert ended.returncode == 0, ended.stderr
    (kept,) = (tmp_path / "backups").iterdir()
    assert kept != old
    assert kept.name.endswith(".tar.zst.age")
