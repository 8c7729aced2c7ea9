"""The files of the project itself, for the checks of the house."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "comity"
_MADE = frozenset(
    {
        ".git",
        ".venv",
        "node_modules",
        "vendor",
        "__pycache__",
        "build",
        "dist",
        ".hypothesis",
        "htmlcov",
        ".idea",
        ".vscode",
    }
)


def files(*suffixes: str) -> Iterator[Path]:
    """Every file that people wrote, of those suffixes or of all."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if f not in _MADE and not f.endswith(("_cache", ".egg-info")))
        for name in sorted(names):
            path = Path(folder, name)
            # In a worktree `.git` is a file.
            made = name in _MADE or name.startswith(".coverage") or path.is_symlink()
            if not made and (not suffixes or path.suffix in suffixes):
                yield path


def text_of(path: Path) -> str:
    """The text of a file; nothing for one that is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@lru_cache(maxsize=1)
def project() -> dict[str, Any]:
    """What pyproject.toml says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def copy_of_source(folder: Path) -> Path:
    """A copy of the package and of pyproject.toml, to seed faults into; the path of the package."""
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "pyproject.toml", folder)
    ignored = shutil.ignore_patterns("__pycache__", "vendor")
    return Path(shutil.copytree(SOURCE, folder / "src" / "comity", ignore=ignored))


def run(*command: str, cwd: Path = ROOT, input: str | None = None) -> subprocess.CompletedProcess[str]:
    """What a tool of this environment answers: its name without a path, as `python -m` where it is a module."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("COMITY_", "COV", "PYTEST"))
    }
    environment["PYTHONPATH"] = str(cwd / "src")
    return subprocess.run(
        command, cwd=cwd, input=input, capture_output=True, encoding="utf-8", timeout=110, check=False, env=environment
    )


def tool(name: str) -> str:
    """The path of a console script beside this interpreter."""
    return str(Path(sys.executable).parent / name)


def readme_command(heading: str) -> str:
    """The first command of the README under that heading; nothing where there is none."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    match = re.search(rf"^## {heading}\n(?:(?!^## ).)*?^```sh\n(.*?)^```", text, re.M | re.S)
    return match[1].strip() if match else ""
