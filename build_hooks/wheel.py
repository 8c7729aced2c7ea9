"""Adds to the wheel what is of others and therefore not kept in this tree: the OASIS STIX 2.1 JSON schemas out of the
installed stix2-validator distribution, and the scripts of the pages out of npm, as package-lock.json pins them.

Without npm, or where npm cannot fetch, the wheel has no such scripts and its pages go without. What npm brings and is
not what the lock says stops the build.
"""

import importlib.metadata
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SCHEMAS_EXPECTED = 57
VENDOR = "comity/web/static/vendor"
SCRIPTS = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE.txt",
    "cytoscape/dist/cytoscape.esm.min.mjs": "cytoscape.esm.min.mjs",
    "cytoscape/LICENSE": "cytoscape.LICENSE.txt",
}
"""Files of npm packages, and what they are called in VENDOR."""
LOCKED = ("package.json", "package-lock.json", ".npmrc")
FETCH = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1")
SECONDS_MAX = 120
FATAL = frozenset({"EINTEGRITY", "EUSAGE"})
"""What npm says where a package is not what the lock pins, or the lock does not fit package.json."""


class WheelHook(BuildHookInterface[Any]):
    """Adds `comity/_schemas/<folder>/<name>.json`, and what there is of VENDOR. An editable install has the scripts in
    the source tree, where git does not look."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """The wheel to be built holds every schema file and, where npm can give them, every script."""
        build_data["force_include"].update(schemas())
        self.fetched = tempfile.TemporaryDirectory()
        folder = Path(self.fetched.name)
        missing = fetch(Path(self.root), folder)
        if missing:
            self.app.display_warning(f"The pages go without scripts of others: {missing}")
            return
        if version == "editable":
            vendor = Path(self.root, "src", VENDOR)
            vendor.mkdir(exist_ok=True)
            for source, name in SCRIPTS.items():
                shutil.copyfile(folder / "node_modules" / source, vendor / name)
            return
        for source, name in SCRIPTS.items():
            build_data["force_include"][str(folder / "node_modules" / source)] = f"{VENDOR}/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """What was fetched is in the wheel, and nowhere else any more."""
        self.fetched.cleanup()


def schemas() -> dict[str, str]:
    """Each schema file of the distribution with its place in the wheel. RuntimeError where one is missing."""
    found = {}
    for file in importlib.metadata.files("stix2-validator") or ():
        parts = file.parts
        if parts[:3] == ("stix2validator", "schemas-2.1", "schemas") and file.suffix == ".json":
            found[str(file.locate())] = "/".join(("comity", "_schemas", *parts[3:]))
    if len(found) != SCHEMAS_EXPECTED:
        message = f"expected {SCHEMAS_EXPECTED} STIX 2.1 schema files in stix2-validator, found {len(found)}"
        raise RuntimeError(message)
    return found


def fetch(root: Path, folder: Path) -> str:
    """The packages of the lock are in the folder, as it pins them, and nothing of them was run: an empty text. Why they
    are not, where npm cannot give them. RuntimeError where they are not what the lock says."""
    lock_faults = faults((root / "package-lock.json").read_text(encoding="utf-8"))
    if lock_faults:
        raise RuntimeError("package-lock.json: " + "; ".join(lock_faults))
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    for name in LOCKED:
        shutil.copyfile(root / name, folder / name)
    try:
        done = subprocess.run(  # noqa: S603 - what is run is constant, and found on the path of the builder
            [npm, *FETCH], cwd=folder, capture_output=True, encoding="utf-8", timeout=SECONDS_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"npm did not answer ({type(error).__name__})"
    if done.returncode:
        code = re.search(r"^npm (?:error|ERR!) code (\w+)", done.stderr, re.MULTILINE)
        if code is not None and code[1] in FATAL:
            raise RuntimeError(done.stderr)
        return f"npm could not fetch them ({code[1] if code else done.returncode})"
    absent = [source for source in SCRIPTS if not (folder / "node_modules" / source).is_file()]
    if absent:
        raise RuntimeError(f"the packages have no {', '.join(absent)}")
    return ""


def faults(lock: str) -> list[str]:
    """What is wrong with that text of a lock: an address in it, or a package without a SHA-512 of its archive."""
    packages = {name: one for name, one in json.loads(lock)["packages"].items() if name}
    found = [f"{name} has no SHA-512" for name, one in packages.items() if not _is_pinned(one)]
    found += [f"{name} is fetched from an address" for name, one in packages.items() if "resolved" in one]
    found += [f"the address {match}" for match in re.findall(r"\w+://[^\"\s]*", lock)]
    return found if packages else ["no package is pinned"]


def _is_pinned(package: dict[str, Any]) -> bool:
    return re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", package.get("integrity", "")) is not None
