"""Every public verb of a node is entered here: those that change what leaves, or who may say so, refuse whoever is no
account once there is one; of the others it is known that they do not."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.world import MadeClock, MadeEntropy

from comity.errors import NotAuthorized, Unauthenticated
from comity.node.choosing import Choice
from comity.node.node import Node
from comity.node.people import READING as READERS
from comity.node.people import ROLES
from comity.node.policies import starter_texts
from comity.release.recall import Kind, Order, Reason
from comity.store.staging import Incoming, Staging

EVERYBODY = set(ROLES)
READS = set(READERS)
UPLOADS = Staging(Path("nowhere"), bytes_max=0, form_bytes_max=0)
WRITERS = {"analyst", "releaser"}
ACTING: dict[str, tuple[set[str], Callable[[Node], object]]] = {
    "add_holds": ({"admin"}, lambda node: node.add_holds(["x"], "a case", 2**60)),
    "add_partner": ({"admin"}, lambda node: node.add_partner("CERT-C")),
    "add_source": ({"admin"}, lambda node: node.add_source("feed", publish="auto")),
    "add_taxii_source": ({"admin"}, lambda node: node.add_taxii_source("peer", "https://peer.example/taxii2/")),
    "add_user": ({"admin"}, lambda node: node.add_user("eve", ["admin"])),
    "apply_policy": ({"admin"}, lambda node: node.apply_policy(*starter_texts()["nothing"])),
    "approve": ({"admin", "approver"}, lambda node: node.approve("x")),
    "change_partner": ({"admin"}, lambda node: node.change_partner("CERT-B", {"country": "EE"})),
    "confirm_clock": ({"admin"}, lambda node: node.confirm_clock()),
    "decisions_of": ({"releaser", "admin", "release-audit"}, lambda node: node.decisions_of("CERT-B")),
    "disable_user": ({"admin"}, lambda node: node.disable_user("anna")),
    "end_hold": ({"admin"}, lambda node: node.end_hold("x")),
    "erase": ({"admin"}, lambda node: node.erase(["x"], basis="a law")),
    "erasures": ({"admin", "approver"}, lambda node: node.erasures()),
    "find_subject": ({"admin"}, lambda node: node.find_subject("anna")),
    "edit_source": ({"admin"}, lambda node: node.edit_source("local", default_marking="tlp:green")),
    "edit_partner": ({"admin"}, lambda node: node.edit_partner("CERT-B", country="EE")),
    "legal_holds": ({"admin"}, lambda node: node.legal_holds()),
    "move_partner": ({"admin"}, lambda node: node.move_partner("CERT-B", "end")),
    "confirm_factor": (EVERYBODY, lambda node: node.confirm_factor("x", "000000")),
    "drop_factor": (EVERYBODY, lambda node: node.drop_factor("")),
    "end_session": (EVERYBODY, lambda node: node.end_session("x")),
    "new_own_token": (EVERYBODY, lambda node: node.new_own_token("siem")),
    "new_codes": (EVERYBODY, lambda node: node.new_codes("")),
    "new_link": ({"admin"}, lambda node: node.new_link("anna")),
    "own_account": (EVERYBODY, lambda node: node.own_account()),
    "own_sessions": (EVERYBODY, lambda node: node.own_sessions()),
    "pending_factor": (EVERYBODY, lambda node: node.pending_factor("x")),
    "set_looks": (EVERYBODY, lambda node: node.set_looks("", "dark")),
    "set_password": (EVERYBODY, lambda node: node.set_password("a long enough one")),
    "tokens_made_by": ({"admin"}, lambda node: node.tokens_made_by("anna")),
    "new_token": ({"admin"}, lambda node: node.new_token("siem", read=["all"])),
    "pause_source": ({"admin"}, lambda node: node.pause_source("local", paused=True)),
    "publish": ({"releaser"}, lambda node: node.publish()),
    "drop_search": (READS, lambda node: node.drop_search("x")),
    "open_search": (READS, lambda node: node.open_search("x")),
    "save_search": (READS, lambda node: node.save_search("x", "q=x")),
    "saved_searches": (READS, lambda node: node.saved_searches()),
    "confirm_upload": ({"analyst", "releaser"}, lambda node: node.confirm_upload("x", "x")),
    "drop_upload": ({"analyst", "releaser"}, lambda node: node.drop_upload("x")),
    "incoming": ({"analyst", "releaser"}, lambda node: node.incoming()),
    "stage": ({"analyst", "releaser"}, lambda node: node.stage(Incoming(UPLOADS, Path(), 1))),
    "upload": ({"analyst", "releaser"}, lambda node: node.upload("x")),
    "uploads": ({"analyst", "releaser"}, lambda node: node.uploads()),
    "recall": ({"releaser"}, lambda node: node.recall(["x"], Order(Kind.WITHDRAW, Reason.MISTAKE))),
    "reclassify": ({"admin"}, lambda node: node.reclassify()),
    "export_ledger": ({"releaser", "admin", "release-audit"}, lambda node: node.export_ledger(len)),
    "ledger_log": ({"releaser", "admin", "release-audit"}, lambda node: list(node.ledger_log())),
    "prove": ({"releaser", "admin"}, lambda node: node.prove(0)),
    "rotate_key": ({"admin"}, lambda node: node.rotate_key()),
    "reject": ({"admin", "approver"}, lambda node: node.reject("x")),
    "request_release": ({"releaser", "admin"}, lambda node: node.request_release("CERT-B")),
    "reset_user": ({"admin"}, lambda node: node.reset_user("anna")),
    "revoke_token": ({"admin"}, lambda node: node.revoke_token("x")),
    "source_of_partner": ({"admin"}, lambda node: node.source_of_partner("CERT-B")),
    "step_partner": ({"admin"}, lambda node: node.step_partner("CERT-B", "end")),
    "mark": ({"analyst", "releaser"}, lambda node: node.mark(Choice(ids=("x",)), "red", "why")),
    "retry_batch": ({"analyst", "releaser"}, lambda node: node.retry_batch("x", "published")),
    "undo_batch": ({"analyst", "releaser", "approver", "admin"}, lambda node: node.undo_batch("x")),
    "unpublish": ({"releaser"}, lambda node: node.unpublish()),
    "change_draft": (WRITERS, lambda node: node.change_draft("x", {}, 1)),
    "discard_draft": (WRITERS, lambda node: node.discard_draft("x")),
    "draft": (WRITERS, lambda node: node.draft("x")),
    "drafts": (WRITERS, lambda node: node.drafts()),
    "foretell_draft": (WRITERS, lambda node: node.foretell_draft("x")),
    "rebase_draft": (WRITERS, lambda node: node.rebase_draft("x", "y", 1)),
    "save_draft": (WRITERS, lambda node: node.save_draft("x", 1)),
    "start_draft": (WRITERS, lambda node: node.start_draft("incident", {})),
    "withdraw": ({"analyst", "releaser"}, lambda node: node.withdraw(Choice(ids=("x",)))),
}
"""The verbs that act, the roles of which one is wanted, and how each is called."""
READING = frozenset(
    [
        "about",
        "arrivals",
        "audit_log",
        "audit_report",
        "batch",
        "batches",
        "browse",
        "cautions",
        "check",
        "class_changes",
        "collection",
        "collections",
        "count_published",
        "count_unpublished",
        "counts",
        "cursor_key",
        "difference",
        "export",
        "find",
        "first_bad_audit_row",
        "foresee",
        "get",
        "halted",
        "held",
        "holders",
        "import_sources",
        "is_clean",
        "is_sound",
        "is_watched",
        "jobs",
        "known_from",
        "last_signed",
        "ledger_bundle",
        "ledger_checkpoint",
        "ledger_tile",
        "manifest",
        "matrix",
        "name",
        "classes_published",
        "not_shown",
        "opens_to",
        "ours",
        "page",
        "partner",
        "partners",
        "paused_sources",
        "policy",
        "policy_log",
        "preview_batch",
        "proposals",
        "ready",
        "recalls",
        "reclassifications",
        "relations_behind",
        "schemas",
        "search",
        "seen",
        "self_grants",
        "show",
        "since_reading",
        "source",
        "sources",
        "standing",
        "standings",
        "status",
        "tell",
        "timeline",
        "titles",
        "tour",
        "tokens",
        "unsettled",
        "users",
        "verify_ledger",
        "waiting",
        "who",
        "would_read",
        "write_reading",
    ]
)
"""These change nothing."""
OTHERS = {
    "acting": "It makes sure who acts.",
    "acting_for": "Who calls it has made sure who acts.",
    "sign_in": "It makes sure who comes.",
    "sign_in_by_link": "It makes sure who comes.",
    "sign_out": "Whoever has the secret of a session may end it.",
    "visitor": "It makes sure whose session it is.",
    "add_collection": "A new collection is read by nobody outside before a token says so.",
    "admit": "It makes sure whose token it is.",
    "at_one_moment": "It reads.",
    "bearer": "It makes sure as whom a token acts.",
    "begin_answer": "It counts what whoever acts has asked for already.",
    "drop_answer": "The same.",
    "keep_answer": "The same.",
    "beat": "It signs what was entered, which says nothing new.",
    "catch_up": "It makes hashes of what was entered.",
    "close": "It ends the work.",
    "delete": "A token has the right; nothing leaves by it.",
    "for_purpose": "It says what is read for.",
    "furnish": "A new node has no accounts.",
    "head": "It signs what was entered, and tells no more than how many entries there are.",
    "heed_rules": "What it finds to be tighter holds at once, and what is looser waits for a person.",
    "note": "It notes what whoever acts is about to do.",
    "open": "It makes or opens a node.",
    "poll": "What a source gives is published by the rule of the source, which an account set.",
    "post": "A token has the right, and the rule of its source publishes.",
    "rebuild_tiles": "It makes hashes of what was entered.",
    "receive": "What arrives is published by the rule of its source, and a new source has none.",
    "receive_stream": "The same.",
    "recover_user": "Whoever commands the host may do it, for who lost the last secret; it is kept, and told.",
    "run_job": "A job acts for nobody: it does what was decided.",
    "share_failures": "It counts.",
    "sweep_uploads": "It takes away what is over.",
    "toured": "It notes what whoever acts has looked at.",
    "work": "The same.",
}
"""These change something, and need no account: why."""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node with a partner and an administrator."""
    with Node.open(f"sqlite:///{tmp_path}/a.db", name="CERT-A", clock=MadeClock(), entropy=MadeEntropy()) as opened:
        opened.add_partner("CERT-B")
        yield opened


def test_every_verb_is_entered_once() -> None:
    verbs = {name for name in dir(Node) if not name.startswith("_")}
    assert verbs == ACTING.keys() | READING | OTHERS.keys()
    assert not ACTING.keys() & READING
    assert not (ACTING.keys() | READING) & OTHERS.keys()


@pytest.mark.parametrize("name", sorted(ACTING))
def test_a_verb_that_acts_wants_an_account_with_the_role(node: Node, name: str) -> None:
    roles, call = ACTING[name]
    secret = node.add_user("anna", ["admin"]).secret
    with node.acting("anna", secret):
        # Of what everybody may do for their own account, it is enough that nobody does it without one.
        others = node.add_user("bert", [role for role in ROLES if role not in roles] or ["reader"])
    with node.store.read() as snapshot:
        before = (snapshot.admin_version, snapshot.last_publication)
    with pytest.raises(Unauthenticated):
        call(node)
    if roles != EVERYBODY:
        with node.acting("bert", others.secret), pytest.raises(NotAuthorized):
            call(node)
    with node.store.read() as snapshot:
        assert (snapshot.admin_version, snapshot.last_publication) == before


def test_a_verb_that_forgets_to_ask_would_be_seen(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Node, "_check_releaser", lambda *_: None)
    with pytest.raises(BaseException, match=r"DID NOT RAISE"):
        test_a_verb_that_acts_wants_an_account_with_the_role(node, "publish")
