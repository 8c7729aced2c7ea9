"""The ledger as pages: what was entered, how far it is signed, whether it holds, and proofs to give away."""

import json

import pytest
from tests.desk_world import Desk, went_to
from tests.ledger_world import damage, forge
from tests.visiting import Seen

from comity.ledger.audit import audit
from comity.web.ui import ledger

pytestmark = pytest.mark.slow


def test_the_page_says_what_the_ledger_cannot_prove(desk: Desk) -> None:
    seen = desk.seen("/ledger", "rita")
    for words in (
        "R73",
        "The ledger proves that a logged act was not altered.",
        "It cannot prove that an act which was not logged did not happen, nor what a person did with the data.",
        "With two partners there is no witness against a split view",
    ):
        assert words in seen.text
    assert "Not shown to you." in seen.text


def test_entries_are_listed_the_newest_first_with_names(desk: Desk) -> None:
    seen = desk.seen("/ledger")
    with desk.staff.acting("rolf"):
        every = list(desk.node.ledger_log())
    shown = [link for link in seen.links if link.startswith("/ledger/entries/")]
    told = [one.seq for one in reversed(every) if one.record is None or one.record["kind"] != "padding"]
    assert shown == [f"/ledger/entries/{seq}" for seq in told]
    assert "to CERT-C" in seen.text
    assert desk.node.partner("CERT-C").id not in seen.text


def test_padding_is_listed_where_it_is_asked_for_alone(acting_desk: Desk) -> None:
    def listed(address: str) -> list[str]:
        return [link for link in acting_desk.seen(address).links if link.startswith("/ledger/entries/")]

    before = listed("/ledger")
    with acting_desk.staff.acting("rolf"):
        acting_desk.node.publish()
        assert acting_desk.node.beat()
        padding = [one.seq for one in acting_desk.node.ledger_log(kind="padding")]
    assert len(padding) > ledger.ROWS, "the world has partners, so that the log is filled"
    assert "R26" in acting_desk.seen("/ledger").text
    assert listed("/ledger")[1:] == before, "one act stands before what stood there"
    assert listed("/ledger?kind=padding") == [f"/ledger/entries/{seq}" for seq in padding[: -ledger.ROWS - 1 : -1]]


def test_pages_of_the_log_join_without_gap_or_repeat(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with desk.staff.acting("rolf"):
        every = [one.seq for one in desk.node.ledger_log(kind="record")]
    monkeypatch.setattr(ledger, "ROWS", 3)
    monkeypatch.setattr(ledger, "WINDOW", 4)
    monkeypatch.setattr(ledger, "LOOKED_MOST", 8)
    found: list[int] = []
    link = "/ledger?kind=record"
    while link:
        seen = desk.seen(link)
        found += [int(each.rpartition("/")[2]) for each in seen.links if each.startswith("/ledger/entries/")]
        link = next((each for each in seen.links if "before=" in each), "")
    assert found == every[::-1]
    assert len(found) > 6


def test_the_log_begins_where_it_is_asked_to(desk: Desk) -> None:
    assert "No entry of that kind here." in desk.seen("/ledger?since=2026-03-05").text
    assert "No entry of that kind here." in desk.seen("/ledger?kind=erasure").text
    with desk.staff.acting("rolf"):
        every = list(desk.node.ledger_log())
        assert list(desk.node.ledger_log(first=5)) == every[5:]
        assert list(desk.node.ledger_log(first=5, limit=3)) == every[-3:]
        assert list(desk.node.ledger_log(first=len(every) - 2, limit=5)) == every[-2:]


def test_it_is_verified_by_a_form_and_holds(acting_desk: Desk) -> None:
    before = acting_desk.state()
    answer = acting_desk.submit(acting_desk.seen("/ledger"), "/ledger/verify", "rolf")
    seen = Seen(answer)
    assert answer.status == 200
    assert "The evidence holds" in seen.text
    assert "1 checkpoints agree" in seen.text
    assert acting_desk.state() == before


def test_a_checkpoint_that_was_kept_is_compared(acting_desk: Desk) -> None:
    kept = acting_desk.get("/ledger/checkpoint.txt", "rita").body.decode()
    seen = Seen(acting_desk.post("/ledger/verify", "rita", held=kept.replace("\n", "\r\n")))
    assert "The evidence holds" in seen.text
    assert "and 1 of those held elsewhere" in seen.text
    other = kept.replace("CERT-A", "CERT-X")
    assert "The evidence does not hold" in Seen(acting_desk.post("/ledger/verify", "rita", held=other)).text


def test_an_entry_that_was_altered_is_named(acting_desk: Desk) -> None:
    damage(acting_desk.node, lambda db: forge(db, 8, b'{"at":1,"kind":"forged"}'))
    seen = Seen(acting_desk.post("/ledger/verify", "rolf", held=""))
    assert "The evidence does not hold" in seen.text
    assert "entry 7" in seen.text


def test_a_ledger_that_is_too_long_is_left_to_the_command(acting_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "VERIFIED_MOST", 3)
    monkeypatch.setattr(ledger, "EXPORTED_MOST", 3)
    for act, words in (("verify", "comity ledger verify"), ("export", "comity ledger export")):
        answer = acting_desk.post(f"/ledger/{act}", "rolf")
        assert answer.status == 413
        assert words in Seen(answer).text


def test_one_verifies_at_a_time(acting_desk: Desk) -> None:
    with ledger._verifying:
        assert acting_desk.post("/ledger/verify", "rolf", held="").status == 503


def test_what_is_not_signed_yet_is_signed_by_a_form_and_proved_then(acting_desk: Desk) -> None:
    with acting_desk.staff.acting("rolf"):
        last = [one.seq for one in acting_desk.node.ledger_log()][-1]
    before = acting_desk.node.last_signed()
    seen = acting_desk.seen(f"/ledger/entries/{last}")
    assert "No checkpoint covers this entry yet." in seen.text
    assert acting_desk.node.last_signed() == before
    assert went_to(acting_desk.submit(seen, "/ledger/sign", "rolf"))[0] == f"/ledger/entries/{last}"
    proof = acting_desk.get(f"/ledger/entries/{last}/proof")
    assert proof.body.startswith(b"c2sp.org/tlog-proof@v1")
    assert dict(proof.headers)["Content-Disposition"] == f'attachment; filename="entry-{last}.tlog-proof"'
    assert proof.body.decode().strip() in Seen(acting_desk.get(f"/ledger/entries/{last}")).source.replace("&#43;", "+")


def test_an_export_holds_by_itself(acting_desk: Desk) -> None:
    answer = acting_desk.post("/ledger/export", "rolf", to="")
    assert dict(answer.headers)["Content-Disposition"].startswith("attachment")
    assert audit(answer.body.splitlines(keepends=True), [], []).ok
    for_b = acting_desk.post("/ledger/export", "rolf", to="CERT-B")
    assert audit(for_b.body.splitlines(keepends=True), [], []).ok
    assert len(for_b.body) < len(answer.body)


def test_an_entry_says_what_was_entered(desk: Desk) -> None:
    seen = desk.seen("/ledger/entries/0")
    with desk.staff.acting("rolf"):
        (first, *_) = desk.node.ledger_log(limit=None)
    assert first.record is not None
    assert all(name in seen.text for name in first.record if name not in ("at", "kind"))
    assert json.dumps(first.record["strict"]) in seen.text


def test_an_entry_names_whom_its_ids_mean(desk: Desk) -> None:
    with desk.staff.acting("rolf"):
        recall = next(one for one in desk.node.ledger_log(kind="recall"))
    assert recall.record is not None
    seen = desk.seen(f"/ledger/entries/{recall.seq}")
    assert recall.record["to"]
    for id in recall.record["to"]:
        assert id in seen.text
        assert next(one.name for one in desk.node.partners() if one.id == id) in seen.text
