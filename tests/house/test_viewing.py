"""Every verb that tells of what leaves tells an account no more than it may read (R44, R64); each verb is entered here,
or in the list of those that are the operator's, or that tell no id."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from pyroaring import BitMap
from tests.gate_world import look_at_all, marked
from tests.house.test_acting import ACTING, OTHERS, READING
from tests.telling_world import put_in_force
from tests.world import MadeClock, MadeEntropy, bundle, indicator

from comity.errors import NotAuthorized, NotFound, Unauthenticated
from comity.node.choosing import Choice
from comity.node.node import Node
from comity.node.people import AUDIT
from comity.node.people import READING as READERS
from comity.node.publishing import Selection
from comity.node.recalls import Had, Recall, record_of
from comity.node.recording import OBJECTS
from comity.node.supposing import Supposed
from comity.node.viewing import Viewer, Viewing
from comity.release.classes import Action
from comity.release.recall import Kind, Reason, Way
from comity.release.suppositions import read_supposition
from comity.stix.tlp import TLP

WIDER = Supposed(facets=(read_supposition("to.max_tlp=green"),))
OURS = '@id("ours") @title("Ours") permit (principal, action, resource) when { resource.ours };'
ALL_OF_IT = '@id("all") @title("All of it") permit (principal, action, resource);'
CASE = '[[case]]\nname = "All"\nobject = { tlp = "clear" }\nrecipient = {}\nexpect = "allow"\n'
DEFINITION = "marking-definition--11111111-1111-4111-8111-111111111111"
GREEN, RED = marked(TLP.GREEN), marked(TLP.RED)
BETWEEN = indicator(object_marking_refs=[DEFINITION])
THEIRS = {"source": marked(TLP.GREEN)}
IDS = {"green": GREEN["id"], "red": RED["id"], "between": BETWEEN["id"], "theirs": THEIRS["source"]["id"]}
CLASSES = {
    "green": ("tlp=green", "origin=ours"),
    "red": ("tlp=red", "origin=partner"),
    "between": ("tlp=red", "origin=feed"),
    "theirs": ("tlp=green", "origin=partner"),
}
"""What the words of the class of each have in them."""
SECRET = {"red", "between"}
"""What is, or was, TLP:RED of others."""
RECALL = "aaaaaaaa"
"""The id of a recall of all four."""


def written(node: Node) -> bytes:
    """What a reading of CERT-C would be, which has sent TLP:RED itself."""
    found: list[bytes] = []
    node.write_reading(found.append, "CERT-C", collection="default")
    return b"".join(found)


def seen(node: Node, id: str) -> object:
    """What is shown of it; nothing where it is said that it is not there."""
    try:
        return node.seen(id)
    except NotFound:
        return None


def held_by(node: Node, id: str) -> object:
    """Who has it; nothing where it is said that it is not there."""
    try:
        return node.holders(id)
    except NotFound:
        return None


def happened(node: Node, id: str) -> object:
    """What happened to it; nothing where it is said that it is not there."""
    try:
        return node.timeline(id)
    except NotFound:
        return None


def told_about(node: Node, id: str) -> object:
    """What is said of it; nothing where it is said that it is not there."""
    try:
        return node.about(id)
    except NotFound:
        return None


TELLING: dict[str, Callable[[Node], object]] = {
    "about": lambda node: [(id, told_about(node, id)) for id in IDS.values()],
    "browse": lambda node: node.browse(limit=100),
    "preview_batch": lambda node: node.preview_batch(Choice(everything=True), "withdraw"),
    "timeline": lambda node: [(id, happened(node, id)) for id in IDS.values()],
    "apply_policy": lambda node: node.apply_policy(ALL_OF_IT, CASE, dry_run=True),
    "change_partner": lambda node: node.change_partner("CERT-B", {"max_tlp": "green"}, dry_run=True),
    "class_changes": lambda node: node.class_changes(),
    "find_subject": lambda node: node.find_subject("spec_version"),
    "difference": lambda node: node.difference("CERT-B", WIDER),
    "move_partner": lambda node: node.move_partner("CERT-D", "activate", checked_by="a call", dry_run=True),
    "proposals": lambda node: node.proposals(),
    "seen": lambda node: [(id, seen(node, id)) for id in IDS.values()],
    "since_reading": lambda node: [node.since_reading(name) for name in ("CERT-B", "CERT-C")],
    "tell": lambda node: [*node.tell("CERT-B"), *node.tell("CERT-C")],
    "titles": lambda node: node.titles(list(IDS.values())),
    "who": lambda node: [(word, len(node.who(id))) for word, id in IDS.items()],
    "would_read": lambda node: node.would_read("CERT-C", list(IDS.values())),
    "write_reading": written,
    "held": lambda node: list(node.held("CERT-E")),
    "holders": lambda node: [(id, held_by(node, id)) for id in IDS.values()],
    "recalls": lambda node: node.recalls(RECALL),
    "classes_published": lambda node: [words for words, _ in node.classes_published()],
    "matrix": lambda node: [cell.words for cell in node.matrix(["CERT-B"], [Action.RELEASE])],
}
"""How each is called that tells of objects. `who` and `matrix` give no ids; `words_in` says what they tell instead."""
DECIDING = frozenset(["approve", "recall", "reject", "edit_partner", "request_release", "step_partner"])
"""What they give back is what `proposals` gives, or no more than a partner or a count."""
OPERATORS = frozenset(["at_one_moment", "export", "find", "get", "manifest", "page", "search", "show", "status"])
"""Who calls these has the host, or a token."""
OWN = frozenset(["batch"])
"""These tell who did something, and who decides, ids of what they may read: tests/unit/node/test_batches.py."""
COMING = frozenset(["foresee"])
"""This tells of what is not published yet: tests/unit/node/test_foreseeing.py."""
AUDITING = frozenset(["audit_log", "audit_report"])
"""These tell administrators and auditors who looked at what (R44): ids, and nothing of what is in an object."""
SILENT = frozenset(
    [
        "acting",
        "acting_for",
        "add_collection",
        "add_holds",
        "add_partner",
        "add_source",
        "add_taxii_source",
        "add_user",
        "admit",
        "arrivals",
        "batches",
        "beat",
        "bearer",
        "begin_answer",
        "catch_up",
        "cautions",
        "check",
        "close",
        "collection",
        "collections",
        "confirm_clock",
        "confirm_factor",
        "confirm_upload",
        "count_published",
        "count_unpublished",
        "counts",
        "cursor_key",
        "decisions_of",
        "delete",
        "disable_user",
        "drop_factor",
        "drop_search",
        "drop_upload",
        "edit_source",
        "end_hold",
        "end_session",
        "erase",
        "erasures",
        "export_ledger",
        "first_bad_audit_row",
        "for_purpose",
        "furnish",
        "halted",
        "head",
        "heed_rules",
        "import_sources",
        "incoming",
        "is_clean",
        "is_sound",
        "legal_holds",
        "mark",
        "is_watched",
        "jobs",
        "known_from",
        "last_signed",
        "ledger_bundle",
        "ledger_checkpoint",
        "ledger_log",
        "ledger_tile",
        "legal_holds",
        "name",
        "new_codes",
        "new_link",
        "new_token",
        "not_shown",
        "note",
        "open",
        "open_search",
        "opens_to",
        "ours",
        "own_account",
        "own_sessions",
        "partner",
        "partners",
        "pause_source",
        "paused_sources",
        "pending_factor",
        "policy",
        "policy_log",
        "poll",
        "post",
        "prove",
        "publish",
        "ready",
        "rebuild_tiles",
        "receive",
        "receive_stream",
        "reclassifications",
        "reclassify",
        "recover_user",
        "acting_for",
        "confirm_factor",
        "drop_factor",
        "end_session",
        "known_from",
        "new_codes",
        "new_own_token",
        "keep_answer",
        "drop_answer",
        "new_link",
        "own_account",
        "own_sessions",
        "pending_factor",
        "set_looks",
        "set_password",
        "sign_in",
        "sign_in_by_link",
        "sign_out",
        "tour",
        "toured",
        "tokens_made_by",
        "visitor",
        "relations_behind",
        "reset_user",
        "retry_batch",
        "revoke_token",
        "rotate_key",
        "run_job",
        "save_search",
        "saved_searches",
        "schemas",
        "self_grants",
        "set_looks",
        "set_password",
        "share_failures",
        "sign_in",
        "sign_in_by_link",
        "sign_out",
        "source",
        "source_of_partner",
        "sources",
        "stage",
        "standing",
        "standings",
        "sweep_uploads",
        "tokens",
        "tokens_made_by",
        "undo_batch",
        "unpublish",
        "unsettled",
        "upload",
        "uploads",
        "users",
        "verify_ledger",
        "visitor",
        "waiting",
        "withdraw",
        "work",
        "change_draft",
        "discard_draft",
        "draft",
        "drafts",
        "foretell_draft",
        "rebase_draft",
        "save_draft",
        "start_draft",
    ]
)
"""These give no id of an object; what some say of what they took in is said to who sent it, and of a draft to who
writes it."""


def words_in(name: str, told: Any) -> set[str]:
    """Of which objects it is told."""
    if name in ("about", "holders", "seen", "timeline"):
        return {word for word, id in IDS.items() if (id, None) not in told}
    if name == "who":
        return {word for word, copies in told if copies}
    if name in ("matrix", "classes_published"):
        return {word for word, (tlp, of) in CLASSES.items() if any(tlp in each and of in each for each in told)}
    text = repr(told)
    return {word for word, id in IDS.items() if id in text}


def shown(node: Node, name: str) -> set[str]:
    """Of which objects the verb tells whoever acts; of none where it refuses."""
    try:
        return words_in(name, TELLING[name](node))
    except NotAuthorized:
        return set()


def fill(node: Node) -> None:
    """An object of ours, one of a source that came to be less than TLP:RED, and two of a partner are published."""
    node.add_source("feed")
    for name, level in (("CERT-B", "clear"), ("CERT-C", "green"), ("CERT-D", "green"), ("CERT-E", "green")):
        node.add_partner(name, max_tlp=level, history_from=0, cybersecurity=True)
    for name in ("CERT-B", "CERT-C", "CERT-E"):
        node.step_partner(name, "activate", checked_by="a call")
    red: dict[str, Any] = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": DEFINITION,
        "created": "2024-01-01T00:00:00.000Z",
    }
    red |= {"definition_type": "tlp", "definition": {"tlp": "red"}}
    node.receive(bundle(GREEN))
    node.receive(bundle(red, BETWEEN), "feed")
    node.receive(bundle(RED, *THEIRS.values()), node.source_of_partner("CERT-C"))
    node.publish(hold_seconds=0)
    look_at_all(node)
    green = red | {"created": "2025-01-01T00:00:00.000Z", "definition": {"tlp": "green"}}
    node.receive(bundle(green), "feed")
    look_at_all(node)
    put_in_force(node, OURS, CASE)
    let_out(node)


def let_out(node: Node) -> None:
    """By the record all four left for CERT-E, and were taken back; two of them were published anew since."""
    id = node.partner("CERT-E").id
    with node.store.write() as tx:
        numbers = BitMap(tx.published_of(list(IDS.values())))
        tx.enter_release(id, OBJECTS, bytes(32), 0, {"ours": numbers})
        had = {id: Had(numbers.serialize(), Way.TAXII, Way.TAXII.first_answer)}
        words = (Kind.WITHDRAW, Reason.MISTAKE, "", "", "", 0, "operator", tx.last_entry)
        tx.put_record(record_of(Recall(RECALL, *words, tuple(IDS.values()), (), had)))
    again = Selection(ids=(GREEN["id"], RED["id"]))
    node.unpublish(again)
    node.publish(again, hold_seconds=0)
    look_at_all(node)


@dataclass(frozen=True)
class World:
    """The node, what its operator was told before there was an account, and the secrets of accounts."""

    node: Node
    operator: dict[str, set[str]]
    secrets: dict[str, str]

    @contextmanager
    def acts(self, name: str) -> Iterator[Node]:
        with self.node.acting(name, self.secrets[name]):
            yield self.node


ACCOUNTS = {
    "admin": ["admin"],
    "auditor": [AUDIT],
    "chief": ["admin", AUDIT],
    "both": ["reader", AUDIT],
    "reading-admin": ["reader", "admin"],
} | {role: [role] for role in READERS}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    path = tmp_path_factory.mktemp("viewing") / "a.db"
    with Node.open(f"sqlite:///{path}", name="CERT-A", clock=MadeClock(), entropy=MadeEntropy()) as node:
        fill(node)
        operator = {name: shown(node, name) for name in TELLING}
        made = World(node, operator, {"admin": node.add_user("admin", ["admin"]).secret})
        with made.acts("admin"):
            for name, roles in ACCOUNTS.items():
                if name != "admin":
                    made.secrets[name] = node.add_user(name, roles).secret
            node.move_partner("CERT-D", "activate", checked_by="a call")
        yield made


def test_every_verb_is_entered_once() -> None:
    assert sorted(ACTING.keys() | READING | OTHERS.keys()) == sorted(
        [*TELLING, *DECIDING, *OPERATORS, *OWN, *COMING, *AUDITING, *SILENT]
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TELLING))
def test_the_operator_is_told_of_what_a_reader_is_told_and_of_more(world: World, name: str) -> None:
    """Without an account everything is told, and so none of what follows holds because nothing is told at all."""
    if name == "proposals":
        with world.acts("reading-admin"):
            assert shown(world.node, name) == {"green"}
        return
    assert world.operator[name]
    with world.acts("reading-admin"):
        assert shown(world.node, name) == world.operator[name] - SECRET


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TELLING))
def test_an_administrator_alone_and_an_auditor_alone_see_no_object(world: World, name: str) -> None:
    with pytest.raises(Unauthenticated):
        TELLING[name](world.node)
    for account in ("admin", "auditor", "chief"):
        with world.acts(account):
            assert shown(world.node, name) == set(), account


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", sorted(TELLING.keys() - {"apply_policy", "change_partner", "find_subject", "move_partner"})
)
def test_each_role_that_reads_sees_the_same(world: World, name: str) -> None:
    found = []
    for role in READERS:
        with world.acts(role):
            found.append(shown(world.node, name))
    assert found[0] or name == "class_changes"
    assert all(each == found[0] and not each & SECRET for each in found)


@pytest.mark.slow
def test_what_is_not_shown_is_counted_for_an_auditor_alone(world: World) -> None:
    counts: dict[str, list[int | None] | None] = {}
    for account in ACCOUNTS:
        with world.acts(account):
            try:
                counts[account] = [world.node.not_shown(), world.node.not_shown("CERT-B", [RED["id"], GREEN["id"]])]
            except NotAuthorized:
                counts[account] = None
    assert counts.pop("both") == [2, 1]
    assert counts.pop("auditor") == counts.pop("chief") == [5, 2]
    assert counts.pop("admin") is None
    assert all(each == [None, None] for each in counts.values())


@pytest.mark.slow
def test_what_is_decided_is_told_as_what_waits(world: World) -> None:
    with world.acts("admin"):
        id = world.node.proposals()[0][0].id
        told = repr(world.node.reject(id).told)
    assert not any(each in told for each in IDS.values())
    with world.acts("admin"):
        world.node.move_partner("CERT-D", "activate", checked_by="a call")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TELLING))
def test_a_verb_that_forgets_would_be_seen(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as the one mechanism lets everything through, every verb tells whoever reads nothing what it has."""
    monkeypatch.setattr(Viewing, "_viewer_with", lambda *_: Viewer(everything=True, reads=True, counts=False))
    with pytest.raises(AssertionError), world.acts("admin"):
        assert shown(world.node, name) == set()
