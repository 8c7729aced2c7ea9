"""Every verb and every command that reads or exports content, or tells what partners receive, makes its row in the
audit log (R44): each verb and command is entered here, or it is said why it makes none."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.audit_world import LEVELS, OBJECTS, fill, rows_of
from tests.gate_world import look_at_all
from tests.house.test_acting import ACTING
from tests.house.test_read_paths import commands
from tests.house.test_viewing import SILENT
from tests.world import MadeClock, MadeEntropy

from comity.cli.main import run
from comity.interfaces import Query
from comity.node.access import OPERATOR
from comity.node.auditing import Auditing
from comity.node.choosing import Choice
from comity.node.home import init_home, open_home
from comity.node.node import Node
from comity.node.people import ROLES
from comity.node.supposing import Supposed
from comity.release.suppositions import read_supposition
from comity.stix.tlp import TLP

RED = OBJECTS[TLP.RED]["id"]
WIDER = Supposed(facets=(read_supposition("to.max_tlp=green"),))

NOTED: dict[str, tuple[str, Callable[[Node], object]]] = {
    "audit_log": ("audit-log", lambda node: node.audit_log()),
    "audit_report": ("audit-report", lambda node: node.audit_report(0, 2**51)),
    "difference": ("difference", lambda node: node.difference("CERT-B", WIDER)),
    "export": ("export", lambda node: node.export(io.BytesIO().write)),
    "foresee": ("foretell", lambda node: node.foresee()),
    "held": ("held", lambda node: list(node.held("CERT-B"))),
    "holders": ("holders", lambda node: node.holders(RED)),
    "recalls": ("recalls", lambda node: node.recalls()),
    "find": ("read", lambda node: list(node.find())),
    "get": ("read", lambda node: node.get(RED)),
    "manifest": ("list", lambda node: node.manifest(OPERATOR, Query())),
    "classes_published": ("matrix", lambda node: node.classes_published()),
    "matrix": ("matrix", lambda node: list(node.matrix())),
    "page": ("read", lambda node: node.page(OPERATOR, Query())),
    "search": ("search", lambda node: node.search("secret")),
    "about": ("seen", lambda node: node.about(RED)),
    "browse": ("search", lambda node: node.browse("secret")),
    "preview_batch": ("search", lambda node: node.preview_batch(Choice(text="secret"), "withdraw")),
    "timeline": ("seen", lambda node: node.timeline(RED)),
    "seen": ("seen", lambda node: node.seen(RED)),
    "show": ("show", lambda node: node.show(RED)),
    "since_reading": ("since-reading", lambda node: node.since_reading("CERT-B")),
    "tell": ("explain", lambda node: list(node.tell("CERT-B"))),
    "titles": ("seen", lambda node: node.titles([RED])),
    "who": ("who", lambda node: node.who(RED)),
    "would_read": ("preview", lambda node: node.would_read("CERT-B", [RED])),
    "write_reading": ("preview", lambda node: node.write_reading(io.BytesIO().write, "CERT-B")),
}
"""The verbs that read content or tell what partners receive, the act of the row, and how each is called."""
WRITING = frozenset(
    {
        "acting",
        "delete",
        "heed_rules",
        "note",
        "recover_user",
        "share_failures",
        "sign_in",
        "sign_in_by_link",
        "sign_out",
    }
)
"""These make rows of what was done; tests/unit/node/test_auditing.py has each."""
SAMPLES = frozenset({"batch", "class_changes", "proposals"})
"""These give ids, of what whoever acts may read, as samples of what is decided about."""
PARTS = frozenset({"at_one_moment", "status"})
"""The first holds still what other verbs read; the second tells a token what became of what it sent."""

HOME_COMMANDS: dict[str, tuple[str, list[str]]] = {
    "comity audit log": ("audit-log", []),
    "comity audit report": ("audit-report", []),
    "comity backup": ("backup", ["BACKUP", "--plain"]),
    "comity export": ("export", ["-o", "EXPORT"]),
    "comity ledger export": ("ledger-export", ["-o", "EXPORT"]),
    "comity ledger log": ("ledger-log", []),
    "comity ledger proof": ("ledger-proof", ["0"]),
    "comity release recall-status": ("recalls", []),
    "comity release record": ("held", ["--to", "CERT-B"]),
    "comity subject find": ("subject-search", ["nobody at all"]),
    "comity release decisions": ("decisions", ["--to", "CERT-B"]),
    "comity release explain": ("explain", [RED, "--to", "CERT-B"]),
    "comity release matrix": ("matrix", []),
    "comity release preview": ("explain", ["--to", "CERT-B"]),
    "comity search": ("search", ["secret"]),
    "comity show": ("show", [RED]),
}
"""The commands of the same kind, the act, and their arguments."""
ELSEWHERE = frozenset({"comity restore", "comity serve", "comity demo"})
"""`restore` makes its row in the new home (tests/e2e/test_audit.py), the others serve, and own tokens read there."""


QUIET = frozenset(
    """
    comity approvals|comity approve|comity audit verify|comity clock confirm|comity clock show
    comity collection add|comity collection list|comity completion|comity config check|comity config show
    comity doctor|comity import|comity erase|comity erasure list|comity erasure show|comity hold add
    comity hold end|comity hold list|comity init|comity ledger head|comity ledger rotate|comity ledger verify
    comity migrate|comity partner activate|comity partner add|comity partner edit|comity partner end
    comity partner list|comity partner pause|comity partner resume|comity partner show|comity policy apply
    comity policy check|comity policy diff|comity policy log|comity policy starters|comity policy test
    comity batches|comity mark|comity relate|comity rm|comity undo
    comity publish|comity reclassify|comity recovery-key new|comity recovery-key show|comity recovery-key use
    comity reject|comity release request|comity release revoke|comity source add|comity source edit
    comity source list|comity source pause|comity source poll|comity source resume|comity source show
    comity taxii collections|comity taxii discover|comity taxii get|comity taxii push|comity token list
    comity token new|comity token revoke|comity unpublish|comity user add|comity user disable|comity user list
    comity user link|comity user recover|comity user reset|comity version|comity worker
    """.replace("\n", "|")
    .replace("|    ", "|")
    .strip("| ")
    .split("|")
)
"""These print no content of an object: what of them is an act, the store notes."""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node with objects of all levels, published, and an active partner."""
    with Node.open(f"sqlite:///{tmp_path}/a.db", name="CERT-A", clock=MadeClock(), entropy=MadeEntropy()) as opened:
        furnish(opened)
        yield opened


def furnish(node: Node) -> None:
    """There are objects of all levels, published, and an active partner."""
    fill(node, *LEVELS)
    node.add_partner("CERT-B", max_tlp="green", history_from=0, cybersecurity=True)
    node.step_partner("CERT-B", "activate", checked_by="a call")
    node.publish(hold_seconds=0)
    look_at_all(node)


def test_every_verb_is_entered_once() -> None:
    verbs = {name for name in dir(Node) if not name.startswith("_")}
    assert verbs - SILENT == NOTED.keys() | (ACTING.keys() - SILENT) | SAMPLES | PARTS
    assert not NOTED.keys() & (ACTING.keys() | SILENT)
    assert verbs >= WRITING


@pytest.mark.parametrize("name", sorted(NOTED))
def test_a_verb_that_reads_makes_its_row(node: Node, name: str) -> None:
    act, call = NOTED[name]
    assert rows_of(node, act) == []
    call(node)
    rows = rows_of(node, act)
    assert len(rows) == 1
    assert rows[0].account == "operator"
    assert "secret words" not in rows[0].what


@pytest.mark.parametrize("name", ["tell", "page", "show", "export"])
def test_a_verb_that_forgets_would_be_seen(node: Node, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for forgotten in ("_note_told", "_note_read", "_note_shown", "_note_export"):
        monkeypatch.setattr(Auditing, forgotten, lambda *_: None)
    with pytest.raises(AssertionError):
        test_a_verb_that_reads_makes_its_row(node, name)


@pytest.mark.parametrize("name", sorted(NOTED.keys() - {"export"}))
def test_it_is_noted_for_the_account_that_acts(node: Node, name: str) -> None:
    secret = node.add_user("anna", list(ROLES)).secret
    with node.acting("anna", secret) as anna:
        NOTED[name][1](node)
    assert [row.account for row in rows_of(node, NOTED[name][0])] == [anna.id]


def test_whatever_the_ledger_has_of_a_person_the_log_has_too(node: Node) -> None:
    """The slow way: every entry that says who acted, against the rows."""
    secret = node.add_user("anna", ["admin", "releaser"]).secret
    with node.acting("anna", secret) as anna:
        node.add_partner("CERT-C")
        node.edit_partner("CERT-C", country="EE")
        node.add_source("feed", publish="auto")
        node.add_taxii_source("peer", "https://peer.example/taxii2/")
        node.pause_source("peer", paused=True)
        node.revoke_token(node.new_token("siem", read=["all"]).user)
        node.unpublish()
        node.publish(hold_seconds=0)
        node.add_user("bert", ["reader"])
        node.disable_user("bert")
    with node.store.read() as snapshot:
        records = [json.loads(entry.record or b"{}") for entry in snapshot.ledger_entries(0, 10_000)]
    acted = [record["kind"] for record in records if record.get("by") == anna.id]
    assert len(acted) >= 9
    noted = [row.act for row in rows_of(node) if row.account == anna.id]
    assert [act for act in noted if act != "setting"] == acted
    assert noted.count("setting") == 1, "a pause is no entry of the ledger"


# -- commands ---------------------------------------------------------------------------------------------------------
def test_every_command_is_entered_once() -> None:
    assert sorted(commands()) == sorted([*HOME_COMMANDS, *ELSEWHERE, *QUIET])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of such a node."""
    with init_home(tmp_path / "home", name="CERT-A") as node:
        furnish(node)
    return tmp_path / "home"


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(HOME_COMMANDS))
def test_a_command_that_reads_makes_its_row(home: Path, tmp_path: Path, command: str) -> None:
    act, arguments = HOME_COMMANDS[command]
    files = {"BACKUP": str(tmp_path / "b"), "EXPORT": str(tmp_path / "e.json")}
    given = [files.get(each, each) for each in arguments]
    assert run([*command.split()[1:], *given, "--home", str(home)]) == 0
    with open_home(home) as node:
        rows = rows_of(node, act)
    assert [row.account for row in rows] == ["operator"]
