"""The conformance checks beside the project, run against a served node; skipped where the folder is absent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.data import ROOT
from tests.serving import standing
from tests.world import indicator

CHECKS = Path(os.environ.get("COMITY_TEST_CHECKS") or ROOT.parent / "shared" / "checks") / "taxii"


@pytest.mark.slow
def test_a_served_node_passes_every_shared_taxii_check(tmp_path: Path) -> None:
    if not CHECKS.is_dir():
        pytest.skip("shared checks are absent (set COMITY_TEST_CHECKS)")
    with standing(tmp_path) as stand:
        stand.post(indicator(), collection=stand.ro, token=stand.all)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TAXII_", "PYTEST_", "COV_"))},
            "TAXII_URL": stand.url,
            "TAXII_USER": stand.some.user,
            "TAXII_PASSWORD": stand.some.secret,
            "TAXII_BEARER": stand.some.token,
            "TAXII_NA_COLLECTION": stand.na,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [sys.executable, "-m", "pytest", "--tb=line", "-p", "no:randomly", "-rs"]
        done = subprocess.run(command, cwd=CHECKS, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert all("https" in line for line in skipped), skipped
