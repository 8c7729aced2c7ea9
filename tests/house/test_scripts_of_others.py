"""Scripts of others come by a lock without addresses, which is checked before anything is fetched; a build without npm
has none of them, and its pages name none."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from build_hooks import wheel as hook
from tests.house.tree import ROOT, copy_of_source, files, project, run, text_of

LOCK = (ROOT / "package-lock.json").read_text(encoding="utf-8")
FAULTS: dict[str, Callable[[str], str]] = {
    "an address to fetch from": lambda lock: lock.replace('"license": "MIT"', '"resolved": "x", "license": "MIT"'),
    "an address anywhere": lambda lock: lock.replace('"license": "MIT"', '"funding": "ftp://a.example/"'),
    "no digest": lambda lock: lock.replace('"integrity"', '"x"'),
    "a weak digest": lambda lock: lock.replace("sha512-", "sha1-"),
    "a digest of another length": lambda lock: lock.replace("sha512-", "sha512-A"),
    "nothing": lambda lock: json.dumps({"packages": {"": {}}}),
}


def test_the_lock_has_no_address_and_a_digest_for_each_package() -> None:
    assert hook.faults(LOCK) == []
    packages = {name for name in json.loads(LOCK)["packages"] if name}
    assert packages == {f"node_modules/{name.split('/')[0]}" for name in hook.SCRIPTS}
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {f"node_modules/{name}" for name in wanted} == packages
    assert "omit-lockfile-registry-resolved=true" in (ROOT / ".npmrc").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_lock_is_seen_before_anything_is_fetched(fault: str, tmp_path: Path) -> None:
    broken = FAULTS[fault](LOCK)
    assert broken != LOCK
    assert hook.faults(broken)
    (tmp_path / "package-lock.json").write_text(broken, encoding="utf-8")
    with pytest.raises(RuntimeError, match=r"package-lock\.json"):
        hook.fetch(tmp_path, tmp_path)


def test_the_source_distribution_has_what_the_hook_reads() -> None:
    included = project()["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {f"/{name}" for name in (*hook.LOCKED, "build_hooks")} <= set(included)


def test_no_script_of_others_is_in_the_tree() -> None:
    for path in files(".js", ".mjs"):
        assert max(len(line) for line in text_of(path).splitlines()) <= 120, path


def npm(folder: Path, *, says: str, code: int) -> str:
    """A folder with an npm in it that says this and ends so."""
    file = folder / "npm"
    file.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {code}\n", encoding="utf-8")
    file.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("code", ["ENOTFOUND", "ECONNREFUSED", "E404"])
def test_where_npm_cannot_fetch_the_build_goes_on_and_says_why(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", npm(tmp_path, says=f"npm error code {code}", code=1))
    assert code in hook.fetch(ROOT, tmp_path)


@pytest.mark.parametrize("code", sorted(hook.FATAL))
def test_where_npm_brings_something_else_the_build_stops(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", npm(tmp_path, says=f"npm error code {code}", code=1))
    with pytest.raises(RuntimeError, match=code):
        hook.fetch(ROOT, tmp_path)
    monkeypatch.setenv("PATH", npm(tmp_path, says="", code=0))
    with pytest.raises(RuntimeError, match="have no"):
        hook.fetch(ROOT, tmp_path)


@pytest.mark.deep
def test_another_digest_in_the_lock_stops_the_real_npm(tmp_path: Path) -> None:
    if shutil.which("npm") is None or hook.fetch(ROOT, tmp_path):
        pytest.skip("npm is not installed, or has nowhere to fetch from")
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in hook.LOCKED:
        shutil.copy(ROOT / name, broken)
    digest = json.loads(LOCK)["packages"]["node_modules/htmx.org"]["integrity"]
    (broken / "package-lock.json").write_text(LOCK.replace(digest, f"sha512-{'A' * 86}=="), encoding="utf-8")
    (tmp_path / "to").mkdir()
    with pytest.raises(RuntimeError, match="EINTEGRITY"):
        hook.fetch(broken, tmp_path / "to")


@pytest.mark.slow
def test_a_wheel_built_without_npm_has_no_script_of_others(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("git", "sh"):
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)
    source = tmp_path / "tree"
    copy_of_source(source)
    for name in ("build_hooks", "README.md", "LICENSE", "NOTICE", *hook.LOCKED):
        place = ROOT / name
        (shutil.copytree if place.is_dir() else shutil.copy)(place, source / name)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(source)]
    done = subprocess.run(
        command, env={"PATH": str(tools)}, cwd=source, capture_output=True, encoding="utf-8", timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "npm is not installed" in done.stdout + done.stderr
    (made,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(made) as archive:
        names = archive.namelist()
        assert not [name for name in names if name.startswith(hook.VENDOR)]
        assert "comity/web/static/comity.css" in names
        archive.extractall(tmp_path / "there")
    probe = "from comity.web.assets import address_of as a; print(a('comity.css'), a('htmx.min.js') == '')"
    said = run(sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'there')!r}); {probe}")
    assert said.stdout.startswith("/static/comity.")
    assert said.stdout.endswith(" True\n")
