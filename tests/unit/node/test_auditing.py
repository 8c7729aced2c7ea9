"""The audit log of our own people (R44): what is noted, what is not, when it is on the disk, and who may read it."""

import io
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.audit_world import LEVELS, OBJECTS, OPEN, fill, rows_of, told
from tests.gate_world import look_at_all, marked
from tests.world import MadeClock, MadeEntropy, bundle, indicator

from comity.errors import NotAuthorized, NotFound, StoreUnavailable, Unauthenticated
from comity.interfaces import Query, microseconds
from comity.node import looks
from comity.node.access import OPERATOR, Access, Credential
from comity.node.node import Node
from comity.node.settings import Settings
from comity.stix.tlp import TLP

RED, STRICT = OBJECTS[TLP.RED]["id"], OBJECTS[TLP.AMBER_STRICT]["id"]


def reader(node: Node) -> Access:
    """What an own token may that reads everything."""
    made = node.new_token("siem", read=["all"])
    return replace(node.admit(Credential(made.user, made.secret)), address="192.0.2.7")


READS: dict[str, Callable[[Node, Access], object]] = {
    "read": lambda node, access: node.page(access, Query()),
    "list": lambda node, access: node.manifest(access, Query()),
    "search": lambda node, access: node.search("secret", access=access),
}


# -- what is read -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("act", sorted(READS))
def test_a_page_with_restricted_objects_is_a_row_with_their_number(node: Node, act: str) -> None:
    fill(node, *LEVELS)
    access = reader(node)
    READS[act](node, access)
    (row,) = rows_of(node, *READS)
    assert (row.account, row.address, row.act, row.purpose) == (access.token, "192.0.2.7", act, "")
    assert told(row)["objects"] == 5
    assert told(row)["restricted"] == {"red": 1, "amber+strict": 1}
    assert "secret words" not in row.what


@pytest.mark.parametrize("act", sorted(READS))
def test_what_is_not_restricted_leaves_no_row(node: Node, act: str) -> None:
    fill(node, *OPEN)
    READS[act](node, reader(node))
    READS[act](node, OPERATOR)
    assert rows_of(node, *READS) == []


def test_an_object_without_any_marking_counts_as_its_source_says(node: Node) -> None:
    node.add_source("open", default_marking="tlp:green")
    node.receive(bundle(indicator()), "open")
    node.receive(bundle(indicator()))
    node.page(OPERATOR, Query())
    (row,) = rows_of(node, "read")
    assert (row.account, told(row)["restricted"]) == ("operator", {"amber+strict": 1})


def test_what_is_shown_is_judged_by_its_effective_marking(node: Node) -> None:
    definition = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--11111111-1111-4111-8111-111111111111",
        "created": "2024-01-01T00:00:00.000Z",
        "definition_type": "tlp",
        "definition": {"tlp": "red"},
    }
    one = indicator(object_marking_refs=[definition["id"]])
    node.add_source("open", default_marking="tlp:green")
    node.receive(bundle(definition, one), "open")
    node.show(one["id"])
    (row,) = rows_of(node, "show")
    assert (told(row)["id"], told(row)["restricted"]) == (one["id"], {"red": 1})


def test_of_what_is_published_the_class_says_more_than_the_marking(node: Node, clock: MadeClock) -> None:
    victim = indicator(description="Our victim can be reached as jan@victim.example.", object_marking_refs=[])
    split = marked(
        TLP.GREEN, granular_markings=[{"marking_ref": marked(TLP.RED)["object_marking_refs"][0], "selectors": ["name"]}]
    )
    node.add_source("open", default_marking="tlp:green")
    node.receive(bundle(victim, split), "open")
    node.page(OPERATOR, Query(limit=1))
    assert rows_of(node, "read") == []
    node.publish(hold_seconds=0)
    look_at_all(node)
    clock.move(seconds=2)
    node.page(OPERATOR, Query())
    (row,) = rows_of(node, "read")
    assert told(row)["restricted"]["red"] == 1
    assert told(row)["restricted"]["personal"] >= 1


def test_what_a_partner_reads_is_in_the_ledger_and_not_here(node: Node) -> None:
    fill(node, TLP.RED)
    node.add_partner("CERT-B")
    made = node.new_token("b", read=["all"], partner="CERT-B")
    before = len(rows_of(node))
    access = node.admit(Credential(made.user, made.secret))
    node.page(access, Query(collection=node.collections()[0].id))
    assert len(rows_of(node)) == before


# -- again ------------------------------------------------------------------------------------------------------------
def test_the_same_page_within_an_hour_is_counted_and_later_is_a_row_again(node: Node, clock: MadeClock) -> None:
    fill(node, TLP.RED, TLP.AMBER_STRICT)
    access = reader(node)
    for _ in range(3):
        node.page(access, Query())
    node.looks.flush()
    node.page(access, Query())
    node.page(OPERATOR, Query())
    node.page(access, Query(limit=1))
    assert [(row.account, row.again) for row in rows_of(node, "read")] == [
        (access.token, 3),
        ("operator", 0),
        (access.token, 0),
    ]
    node.page(replace(access, address="192.0.2.8"), Query())
    clock.move(hours=1)
    node.page(access, Query())
    assert [row.again for row in rows_of(node, "read")] == [3, 0, 0, 0, 0]


# -- when it is written -----------------------------------------------------------------------------------------------
@pytest.mark.slow
def test_it_is_written_within_a_second_and_at_the_end(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    with Node.open(url) as node:
        fill(node, TLP.RED, TLP.AMBER_STRICT)
        node.page(OPERATOR, Query())
        stop = time.monotonic() + 10
        found: list[Any] = []
        while not found and time.monotonic() < stop:
            time.sleep(0.05)
            with node.store.read() as snapshot:
                found = [row for row in snapshot.audit_rows(looks_query()) if row.act == "read"]
        assert len(found) == 1
        node.page(OPERATOR, Query(limit=1))
    with Node.open(url) as node:
        assert len(rows_of(node, "read")) == 2


def looks_query() -> Any:
    from comity.store.audit import AuditQuery

    return AuditQuery()


def test_an_export_is_on_the_disk_before_its_first_byte(node: Node) -> None:
    fill(node, *LEVELS)
    seen: list[int] = []

    def write(_: bytes) -> None:
        with node.store.read() as snapshot:
            seen.append(len([row for row in snapshot.audit_rows(looks_query()) if row.act == "export"]))

    assert node.export(write) == 5
    assert set(seen) == {1}
    (row,) = rows_of(node, "export")
    assert (told(row)["objects"], told(row)["restricted"]) == (5, {"red": 1, "amber+strict": 1})


def test_an_export_that_cannot_be_noted_does_not_begin(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(node, TLP.GREEN)
    monkeypatch.setattr(node.store, "write", unavailable)
    written: list[bytes] = []
    with pytest.raises(StoreUnavailable):
        node.export(written.append)
    assert written == []


@contextmanager
def unavailable() -> Iterator[None]:
    """A store that cannot be written."""
    raise StoreUnavailable("the disk is full")
    yield


def test_what_cannot_be_written_waits_and_then_reading_is_refused(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(node, TLP.RED, TLP.AMBER_STRICT)
    with monkeypatch.context() as patch:
        patch.setattr(node.store, "write", unavailable)
        patch.setattr(looks, "WAITING_MOST", 2)
        node.page(OPERATOR, Query())
        node.show(RED)
        with pytest.raises(StoreUnavailable):
            node.page(OPERATOR, Query(limit=1))
    assert sorted(row.act for row in rows_of(node, "read", "show")) == ["read", "show"]


def test_threads_lose_nothing_and_the_chain_holds(node: Node) -> None:
    fill(node, TLP.RED, TLP.AMBER_STRICT)

    def read(number: int) -> None:
        for each in range(20):
            node.page(replace(OPERATOR, token=f"t{number}", address=str(each % 5)), Query())
            if each % 7 == 0:
                node.looks.flush()

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    rows = rows_of(node, "read")
    assert len(rows) == 20
    assert sum(1 + row.again for row in rows) == 80
    assert node.first_bad_audit_row() is None


# -- purposes ---------------------------------------------------------------------------------------------------------
def test_with_purposes_asked_for_the_operator_gives_one_for_what_is_restricted(tmp_path: Path) -> None:
    with Node.open(f"sqlite:///{tmp_path}/a.db", settings=Settings(audit_purpose="asked")) as node:
        fill(node, *LEVELS)
        access = reader(node)
        verbs: list[Callable[[], object]] = [
            lambda: node.show(RED),
            lambda: node.search("secret"),
            lambda: node.export(io.BytesIO().write),
            lambda: node.page(OPERATOR, Query()),
        ]
        for verb in verbs:
            with pytest.raises(NotAuthorized) as caught:
                verb()
            assert (caught.value.rule, caught.value.where) == ("R44", "purpose")
        node.show(OBJECTS[TLP.GREEN]["id"])
        node.page(access, Query())
        assert len(rows_of(node, "read", "show", "search", "export")) == 1
        with node.for_purpose("case 7"):
            for verb in verbs:
                verb()
        assert [row.purpose for row in rows_of(node, "read", "show", "search", "export")] == ["", *["case 7"] * 4]


# -- acts -------------------------------------------------------------------------------------------------------------
def test_acts_are_noted_with_the_account_in_the_transaction_that_does_them(node: Node) -> None:
    secret = node.add_user("anna", ["admin"]).secret
    with node.acting("anna", secret) as anna:
        node.add_partner("CERT-B")
        token = node.new_token("siem", read=["all"])
        node.revoke_token(token.user)
        node.edit_source("local", default_marking="tlp:green")
        node.confirm_clock()
        with pytest.raises(NotFound):
            node.revoke_token("x")
    found = [(row.account, row.act, told(row).get("of")) for row in rows_of(node)]
    assert ("operator", "record", "user") in found
    mine = [each[1:] for each in found if each[0] == anna.id]
    assert mine[0] == ("record", "partner")
    assert [act for act, _ in mine].count("token") == 2
    assert {"source", "clock"} <= {act for act, _ in mine}
    assert secret not in repr(rows_of(node))


def test_a_delete_by_a_token_is_noted_for_the_token(node: Node) -> None:
    fill(node, TLP.GREEN)
    made = node.new_token("w", read=["all"], write=["all"])
    node.delete(node.admit(Credential(made.user, made.secret)), "default", OBJECTS[TLP.GREEN]["id"])
    (row,) = rows_of(node, "withdrawal")
    assert (row.account, told(row)["id"]) == (made.user, OBJECTS[TLP.GREEN]["id"])


def test_failed_sign_ins_are_noted_by_network_and_by_account(node: Node) -> None:
    node.add_user("anna", ["admin"])
    node.share_failures({"192.0.2.7": 3}, 60)
    with pytest.raises(Unauthenticated), node.acting("anna", "wrong"):
        raise AssertionError
    (row,) = rows_of(node, looks.FAILED)
    assert told(row) == {"networks": {"192.0.2.7": 3, "account anna": 1}, "in_all": 4}


def test_a_role_that_reads_given_to_oneself_is_told_loudly(
    node: Node, caplog: pytest.LogCaptureFixture, clock: MadeClock
) -> None:
    secret = node.add_user("anna", ["admin"], person="Anna A.").secret
    with node.acting("anna", secret) as anna, caplog.at_level(logging.WARNING, "comity.audit"):
        node.add_user("bert", ["reader"], person="Bert B.")
        node.add_user("anna-audits", ["auditor"], person="Anna A.")
        assert rows_of(node, "self-grant") == []
        node.add_user("anna-reads", ["reader", "analyst"], person="anna a.")
        node.reset_user("anna-reads")
    (row,) = node.self_grants(0)
    assert (row.account, told(row)["name"], told(row)["roles"]) == (anna.id, "anna-reads", ["analyst", "reader"])
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "anna gave themselves a role that reads content: anna-reads"
    ]
    clock.move(days=1)
    assert node.self_grants(microseconds(clock.now())) == []


def test_other_settings_are_noted_without_a_password(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    for settings in (Settings(store=url), Settings(store=url), Settings(store=url, port=9000)):
        with Node.open(url, settings=settings) as node:
            node.heed_rules()
            rows = rows_of(node, "settings")
    assert [(row.account, told(row)) for row in rows] == [("operator", {"changed": {"port": [8470, 9000]}})]


def test_each_row_is_a_line_of_the_log_once_it_is_committed(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    fill(node, TLP.RED)
    with caplog.at_level(logging.INFO, "comity.audit"):
        node.page(OPERATOR, Query())
        assert caplog.records == []
        (row,) = rows_of(node, "read")
    (record,) = caplog.records
    values = record.__dict__["values"]
    assert values["hash"] == row.hash.hex()
    assert values["what"] == told(row)
    assert (values["event"], values["act"], values["account"]) == ("audit", "read", "operator")


# -- reading the log --------------------------------------------------------------------------------------------------
def test_the_log_is_read_by_administrators_and_auditors_alone_and_that_is_noted(node: Node) -> None:
    secrets = {"admin": node.add_user("admin", ["admin"]).secret}
    with node.acting("admin", secrets["admin"]):
        for role in ("auditor", "reader", "approver"):
            secrets[role] = node.add_user(role, [role]).secret
    for name, secret in secrets.items():
        may = name in ("admin", "auditor")
        with node.acting(name, secret), nullcontext() if may else pytest.raises(NotAuthorized):
            assert node.audit_log()
            assert node.audit_report(0, 2**51)
    with pytest.raises(Unauthenticated):
        node.audit_log()
    assert len(rows_of(node, "audit-log")) == len(rows_of(node, "audit-report")) == 2
    with node.acting("auditor", secrets["auditor"]):
        names = {row.account for row in node.audit_log(account="admin")}
        assert len(names) == 1
        assert node.audit_log(account="admin", limit=2)[-1].number > node.audit_log(account="admin", limit=2)[0].number
        with pytest.raises(NotFound):
            node.audit_log(account="nobody")


def test_the_report_has_what_an_auditor_wants(node: Node, clock: MadeClock) -> None:
    fill(node, TLP.RED, TLP.AMBER_STRICT)
    node.add_partner("CERT-B")
    access, begin = reader(node), microseconds(clock.now())
    node.new_token("old", read=["all"], days=180)
    clock.move(days=95)
    now = microseconds(clock.now())
    node.page(replace(access, address=""), Query())
    node.page(replace(access, address=""), Query())
    node.export(lambda _: None)
    node.share_failures({"192.0.2.7": 3}, 60)
    list(node.tell("CERT-B"))
    found = node.audit_report(begin, now + 1)
    (read,) = found["restricted_reads"]
    assert (read["name"], read["pages"], read["restricted"]) == ("siem", 2, {"red": 1, "amber+strict": 1})
    assert [one["what"]["name"] if "name" in one["what"] else one["act"] for one in found["tokens"]] == [
        "token",
        "token",
    ]
    assert [one["act"] for one in found["exports"]] == ["export"]
    assert found["failed_sign_ins"][0]["what"]["in_all"] == 3
    assert [(one["act"], one["times"]) for one in found["told"]] == [("explain", 1)]
    assert [one["name"] for one in found["reviews_due"]] == ["old"]
    assert node.audit_report(0, begin)["tokens"] == []
    of_b = node.audit_report(begin, now + 1, "CERT-B")
    assert (of_b["partner"], of_b["restricted_reads"], of_b["tokens"]) == ("CERT-B", [], [])
    assert [one["act"] for one in of_b["told"]] == ["explain"]
    with pytest.raises(NotFound):
        node.audit_report(begin, now, "CERT-X")


def test_the_report_has_releases_policies_approvals_and_roles(tmp_path: Path) -> None:
    from tests.telling_world import put_in_force

    with Node.open(f"sqlite:///{tmp_path}/a.db", clock=MadeClock(), entropy=MadeEntropy()) as node:
        fill(node, TLP.GREEN)
        node.add_partner("CERT-B", max_tlp="green", history_from=0, cybersecurity=True)
        node.step_partner("CERT-B", "activate", checked_by="a call")
        node.publish(hold_seconds=0)
        look_at_all(node)
        put_in_force(
            node,
            '@id("ours") @title("Ours") permit (principal, action, resource) when { resource.ours };',
            '[[case]]\nname = "All"\nobject = { tlp = "clear" }\nrecipient = {}\nexpect = "allow"\n',
        )
        made = node.new_token("b", read=["all"], partner="CERT-B")
        access = node.admit(Credential(made.user, made.secret))
        for _ in range(2):
            node.page(access, Query(collection=node.collections()[0].id))
        node.deliveries.flush()
        node.add_user("anna", ["admin"])
        with node.acting("anna", node.recover_user("anna", "lost").secret):
            found = node.audit_report(0, 2**51)
            of_b = node.audit_report(0, 2**51, "CERT-B")
        (release,) = found["releases"]
        assert (release["partner"], release["form"], release["objects"], release["again"]) == (
            "CERT-B",
            "objects",
            1,
            1,
        )
        assert of_b["releases"] == found["releases"]
        assert "resource.ours" in found["policies"][0]["text"]
        assert [(one["user"], one["roles"], one["had"]) for one in found["accounts"]] == [
            ("anna", ["admin"], []),
            ("anna", ["admin"], ["admin"]),
        ]
        assert [(one["act"], one["why"]) for one in found["overrides"]] == [("recover", "lost")]
        assert [one["what"]["to"] for one in of_b["tokens"]] == [node.partner("CERT-B").id]
