"""The conformance checks beside the project, run against a served node; skipped where the folder is absent."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.data import ROOT
from tests.serving import certificate, standing
from tests.world import indicator

CHECKS = Path(os.environ.get("COMITY_TEST_CHECKS") or ROOT.parent / "shared" / "checks") / "taxii"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_served_node_passes_every_shared_taxii_check(tmp_path: Path, scheme: str) -> None:
    if not CHECKS.is_dir():
        pytest.skip("shared checks are absent (set COMITY_TEST_CHECKS)")
    cert, key = certificate(tmp_path)
    options: dict[str, Any] = {"tls_cert": str(cert), "tls_key": str(key)} if scheme == "https" else {}
    with standing(tmp_path, **options) as stand:
        stand.post(indicator(), collection=stand.ro, token=stand.all, verify=str(cert))
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TAXII_", "PYTEST_", "COV_"))},
            "TAXII_URL": stand.url,
            "TAXII_CA": str(cert),
            "REQUESTS_CA_BUNDLE": str(cert),
            "TAXII_USER": stand.some.user,
            "TAXII_PASSWORD": stand.some.secret,
            "TAXII_BEARER": stand.some.token,
            "TAXII_NA_COLLECTION": stand.na,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = [sys.executable, "-m", "pytest", "--tb=line", "-p", "no:randomly", "-rs"]
        done = subprocess.run(
            command, cwd=CHECKS, env=environment, capture_output=True, text=True, timeout=100, encoding="utf-8"
        )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert all("https" in line for line in skipped) if scheme == "http" else not skipped, skipped
