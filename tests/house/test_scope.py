"""What the product cannot do, held by looking at all that it is made of.

It is technical: no shipped table has a word for speech, opinion or persons as targets, beyond what STIX 2.1 itself
names. One module calls other servers, those that the operator named: no scan, no telemetry. It runs no other program
and no code from outside.
"""

import ast
import re

import pytest
from tests.house.tree import ROOT, SOURCE, text_of

from comity.cli.story import story
from comity.stix.tables import SECTIONS

DATA_FOLDERS = {
    "cli/story": "the sample story",
    "release": "the floor of release policies and the schema of what they look at",
    "release/starters": "the policies to begin with",
    "store/postgres/migrations": "the tables of the store, for PostgreSQL",
    "store/sqlite/migrations": "the tables of the store, for SQLite",
    "web/static": "the style sheet and the scripts",
    "web/static/vendor": "the scripts of others, where the build found them",
    "web/templates": "the front page",
    "web/ui/catalogues/id": "what the pages say in Indonesian",
    "web/ui/templates": "the pages for persons",
}
"""Everything in the package that is no module of the product's logic; a shipped vocabulary would be a new line here."""

STIX_TYPES = {
    "artifact",
    "attack-pattern",
    "autonomous-system",
    "bundle",
    "campaign",
    "course-of-action",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "extension-definition",
    "file",
    "grouping",
    "identity",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "ipv4-addr",
    "ipv6-addr",
    "language-content",
    "location",
    "mac-addr",
    "malware",
    "malware-analysis",
    "marking-definition",
    "mutex",
    "network-traffic",
    "note",
    "observed-data",
    "opinion",
    "process",
    "relationship",
    "report",
    "sighting",
    "software",
    "threat-actor",
    "tool",
    "url",
    "user-account",
    "vulnerability",
    "windows-registry-key",
    "x509-certificate",
}

CONNECTS = {
    *("aiohttp", "ftplib", "httpcore", "httpcore2", "httpx", "httpx2", "imaplib", "poplib", "requests", "smtplib"),
    *("urllib", "urllib3"),
}
RUNS = {"code", "codeop", "ctypes", "marshal", "multiprocessing", "pickle", "pty", "runpy", "shelve", "subprocess"}
RUNNING_CALLS = {"execv", "execve", "execvp", "fork", "popen", "posix_spawn", "startfile", "system"}
ALLOWED = {
    "node/fetch.py": {"httpcore2", "socket"},
    "web/front.py": {"os.fork", "socket"},
    "web/serve.py": {"ctypes", "socket"},
    "web/server.py": {"socket"},
}
"""What single files may name: the server listens, starts more of itself, hands them connections, and asks the C library
to give freed memory back; the fetcher calls the servers that the operator named, and nothing else calls anybody."""

OUT_OF_SCOPE = re.compile(
    r"(?i)\b(propaganda|dis-?information|misinformation|extremis\w+|radicali[sz]\w+|hate.speech|rumou?rs?|"
    r"influence.operation\w*|psychological|narratives?|dissident\w*|protest\w*|moderation|censor\w*)\b"
)


def test_every_folder_of_data_is_known() -> None:
    others = {path.parent for path in SOURCE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert {str(folder.relative_to(SOURCE)) for folder in others - {SOURCE}} <= set(DATA_FOLDERS)


def test_the_types_known_are_those_of_the_standard() -> None:
    assert SECTIONS.keys() == STIX_TYPES


def test_the_story_uses_only_types_of_the_standard() -> None:
    assert {str(one["type"]) for one in story()} <= STIX_TYPES


def test_no_shipped_text_speaks_of_what_is_out_of_scope() -> None:
    found = {
        str(path.relative_to(ROOT)): match[0]
        for path in SOURCE.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and (match := OUT_OF_SCOPE.search(text_of(path)))
    }
    assert found == {}


def reaches(text: str) -> set[str]:
    """What in that source connects to others, runs programs, or runs text as code."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
        else:
            names = set()
        # Taking an address apart connects to nobody.
        found |= {name for name in names if name.split(".")[0] in CONNECTS | RUNS and "urllib.parse" not in name}
        found |= {name for name in names if name in ("socket", "http.client", "xmlrpc.client")}
        if isinstance(node, ast.Call):
            function = node.func
            bare = isinstance(function, ast.Name) and function.id in ("eval", "exec", "compile", "__import__")
            of_os = (
                isinstance(function, ast.Attribute)
                and isinstance(function.value, ast.Name)
                and function.value.id == "os"
                and function.attr in RUNNING_CALLS
            )
            found |= {ast.unparse(function)} if bare or of_os else set()
    return found


def test_one_file_connects_out_and_nothing_runs_what_came_in() -> None:
    for path in SOURCE.rglob("*.py"):
        name = str(path.relative_to(SOURCE))
        assert reaches(text_of(path)) <= ALLOWED.get(name, set()), name


@pytest.mark.parametrize(
    "fault",
    [
        "import subprocess",
        "from urllib.request import urlopen",
        "import http.client",
        "def f():\n    import requests",
        "import os\nos.system('ls')",
        "eval('1')",
        "from urllib import request",
        "import pickle",
        "import httpcore2",
        "from httpx2 import Client",
    ],
)
def test_what_would_reach_out_is_found(fault: str) -> None:
    assert reaches(fault)
