"""Requests that schemathesis makes of the description, at a node that is really served: what is answered is what was
described, nothing that breaks the schema is taken, and nothing is a mistake of the server.

It runs as a program of its own, so that no other test imports it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from tests.api_world import furnish, stages
from tests.desk_world import Desk
from tests.serving import serving

from comity.node.people import ROLES
from comity.web.api.operation import ROOT

PROGRAM = Path(sys.executable).parent / "st"
CONFIGURATION = """
[parameters]
"path.object" = "{object}"
"path.partner" = "CERT-B"
"path.person" = "arno"
"path.source" = "feed"
"path.recall" = "{recall}"
"path.seq" = "1"
"path.search" = "{search}"
"path.draft" = "{draft}"
"path.upload" = "{upload}"
"path.batch" = "{batch}"

[checks]
# Rules that no schema can say are 422, a state that is no more 412.
positive_data_acceptance.expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "422"]
missing_required_header.expected-statuses = ["400", "401", "403", "415", "422", "428"]
"""
TESTED = re.compile(r"Test cases:\s+([\d,]+) generated", re.DOTALL)
SEED = 20


def attacked(folder: Path, roles: tuple[str, ...], *options: str) -> str:
    """What the program said of a node, whose caller has these roles. The caller can call to the end."""
    desk = Desk(folder / "a.db")
    stages(desk, folder)
    with desk.staff.acting("adam"):
        caller = desk.node.add_user("caller", roles)
    with desk.node.acting("caller", caller.secret):
        token = desk.node.new_own_token("caller").token
    there = furnish(desk, desk.node.acting("caller", caller.secret) if "releaser" in roles else None)
    configuration = folder / "schemathesis.toml"
    configuration.write_text(
        CONFIGURATION.format(object=desk.green["id"], recall=desk.recall, **there), encoding="utf-8"
    )
    header = f"Authorization: Bearer {token}"
    try:
        with serving(desk.node) as url:
            done = subprocess.run(
                [PROGRAM, "--config-file", configuration, "run", f"{url}{ROOT}/openapi.json", "-H", header,
                 "--no-color",
                 "--seed", str(SEED), "--no-shrink", "--continue-on-failure", "--generation-database", "none",
                 # Who signs in wrongly a hundred times is answered 429: tests/api/test_access.py has that.
                 "--exclude-checks", "ignored_auth", *options],
                cwd=folder, capture_output=True, encoding="utf-8", check=False,
                # Its own signs are not in ASCII; it is the node that must not mind where it runs.
                env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            )  # fmt: skip
            last = requests.get(
                f"{url}{ROOT}/account", headers={"Authorization": header.partition(": ")[2]}, timeout=60
            )
    finally:
        desk.node.close()
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    assert last.status_code == 200, "else all that followed was answered 401"
    return done.stdout


def count_of(said: str) -> int:
    """How many requests were made."""
    found = TESTED.search(said)
    assert found is not None, said[-2_000:]
    return int(found[1].replace(",", ""))


EVERY_ROLE = ("--mode", "positive")
A_READER = ("--mode", "negative", "--include-method", "GET")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("roles", "options", "least"),
    [(ROLES, EVERY_ROLE, 500), (("reader",), A_READER, 100)],
    ids=["every role", "a reader"],
)
def test_some_requests_of_each_operation(
    tmp_path: Path, roles: tuple[str, ...], options: tuple[str, ...], least: int
) -> None:
    said = attacked(tmp_path, roles, "--phases", "coverage", *options)
    assert count_of(said) >= least


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("roles", [ROLES, ("reader",), ("admin",)], ids=["every role", "a reader", "an administrator"])
def test_many_requests_of_each_operation_and_one_after_the_other(tmp_path: Path, roles: tuple[str, ...]) -> None:
    said = attacked(tmp_path, roles, "--phases", "coverage,fuzzing,stateful", "--max-examples", "60")
    assert count_of(said) >= 2_000
