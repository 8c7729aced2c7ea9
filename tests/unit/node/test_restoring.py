"""The file beside the store, and what a restore makes of it (R32): nothing that was taken back is there again."""

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.commands import environment
from tests.gate_world import admitted, in_force, look_at_all, take
from tests.world import bundle, indicator

from comity.errors import Conflict, NotFound, StoreUnavailable, Unauthenticated, Unverified
from comity.interfaces import Query
from comity.node.access import Credential
from comity.node.hashes import hashes_of
from comity.node.home import backup, init_home, open_home, restore
from comity.node.node import Node
from comity.node.side import BEGUN, SIDE_FILE, Line, checked, read
from comity.release.recall import Kind, Order, Reason
from comity.stix.markings import MARKING_IDS, TLP
from comity.store.interface import Transaction

pytestmark = pytest.mark.slow

SECRET = "anna.muster@victim.example"
PERSON: dict[str, Any] = {
    "type": "email-addr",
    "spec_version": "2.1",
    "id": "email-addr--7d2f4f54-1111-5111-8111-111111111112",
    "value": SECRET,
}
WITHDRAWN, KEPT = indicator(), indicator()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with three objects, two tokens, a partner and an account, of which there is a backup."""
    path = tmp_path / "machine" / "home"
    with init_home(path, name="CERT-A") as node:
        node.receive(bundle(PERSON, WITHDRAWN, KEPT))
        node.add_partner("CERT-B")
        node.step_partner("CERT-B", "activate", checked_by="a call")
    backup(path, tmp_path / "b.tar.zst", plain=True)
    return path


def token(home: Path) -> str:
    with open_home(home) as node:
        return node.new_token("made", read=["all"], write=["all"]).token


def delete(node: Node, id: str) -> None:
    with node.store.write() as tx:
        collection = tx.collection("default").id
        assert tx.withdraw(collection, id, None, 1) == 1


def ids(home: Path) -> set[str]:
    with open_home(home) as node:
        return {item.id for item in node.find()}


def kinds(path: Path) -> list[str]:
    return [line.kind for line in read(path)]


def test_a_restore_takes_back_again_what_was_taken_back_since(home: Path, tmp_path: Path) -> None:
    with open_home(home) as node:
        secret = node.new_token("siem", read=["all"], write=["all"])
    backup(home, tmp_path / "last.tar.zst", plain=True)
    with open_home(home) as node:
        delete(node, WITHDRAWN["id"])
        node.erase(text=SECRET, basis="a request")
        node.revoke_token(secret.user)
        node.step_partner("CERT-B", "pause")
    again = tmp_path / "elsewhere" / "again"
    again.parent.mkdir()
    report = restore(tmp_path / "last.tar.zst", again, side=[home / SIDE_FILE])
    done = report.anew
    assert (done.epoch, done.side, done.withdrawn, done.erased, done.revoked, done.partners) == (2, True, 1, 1, 1, 1)
    assert done.voided == 0
    assert ids(again) == {KEPT["id"]}
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in again.iterdir())
    with open_home(again) as node:
        credential = Credential.of_token(secret.token)
        assert credential is not None
        with pytest.raises(Unauthenticated):
            node.admit(credential)
        assert node.partner("CERT-B").state == "suspended"
        assert node.receive(bundle(PERSON)).rejected
        assert node.check() == []
        with node.store.read() as snapshot:
            first, second = snapshot.epochs()
            entries = snapshot.ledger_entries(second.before, 1)
        assert second.origin == f"{first.origin}/2"
        assert entries[0].record is not None
        told = json.loads(entries[0].record)
        assert (told["kind"], told["epoch"], told["entries"]) == ("restored", 2, second.before)
        assert told["backup_at"] > 0


@pytest.mark.parametrize("kind", [Kind.WITHDRAW, Kind.RETRACT])
def test_what_was_recalled_since_is_offered_to_nobody_and_published_no_more(
    home: Path, tmp_path: Path, kind: Kind
) -> None:
    here = Query(collection="default")
    with open_home(home) as node:
        green = indicator(object_marking_refs=[MARKING_IDS[TLP.GREEN]])
        in_force(node, "green-community")
        node.add_partner("CERT-C", groups=("GROUP",), history_from=0)
        node.step_partner("CERT-C", "activate", checked_by="a call")
        access = admitted(node, read=["default"], partner="CERT-C")
        take(node, green)
        assert node.page(access, here).count == 1
    backup(home, tmp_path / "last.tar.zst", plain=True)
    with open_home(home) as node:
        node.recall([green["id"]], Order(kind, Reason.MISTAKE))
    again = tmp_path / "elsewhere" / "again"
    again.parent.mkdir()
    done = restore(tmp_path / "last.tar.zst", again, side=[home / SIDE_FILE]).anew
    assert done.recalled == 1
    with open_home(again) as node:
        assert node.page(access, here).count == 0
        if kind is Kind.WITHDRAW:
            assert node.publish(hold_seconds=0).recalled == 1
            look_at_all(node)
            assert node.page(access, here).count == 0
        assert node.check() == []


def test_without_the_file_no_token_holds_unless_they_are_kept(home: Path, tmp_path: Path) -> None:
    held = token(home)
    backup(home, tmp_path / "last.tar.zst", plain=True)
    for name, keep in (("void", False), ("kept", True)):
        again = tmp_path / name / "home"
        again.parent.mkdir()
        done = restore(tmp_path / "last.tar.zst", again, keep_tokens=keep).anew
        assert (done.side, done.voided) == (False, 0 if keep else 1)
        credential = Credential.of_token(held)
        assert credential is not None
        with open_home(again) as node:
            if keep:
                node.admit(credential)
                continue
            with pytest.raises(Unauthenticated):
                node.admit(credential)


@pytest.mark.parametrize("place", ["in the new home", "beside it", "named"])
def test_the_file_is_found_where_it_may_lie(home: Path, tmp_path: Path, place: str) -> None:
    with open_home(home) as node:
        delete(node, WITHDRAWN["id"])
    again = tmp_path / "elsewhere" / "again"
    again.mkdir(parents=True)
    if place != "named":
        shutil.copy(home / SIDE_FILE, again if place == "in the new home" else again.parent)
    done = restore(tmp_path / "b.tar.zst", again, side=[home / SIDE_FILE] if place == "named" else []).anew
    assert (done.side, done.withdrawn) == (True, 1)
    assert ids(again) == {PERSON["id"], KEPT["id"]}
    assert stat.S_IMODE((again / SIDE_FILE).stat().st_mode) == 0o600


def test_a_second_restore_heeds_what_the_first_did_and_begins_a_third_epoch(home: Path, tmp_path: Path) -> None:
    with open_home(home) as node:
        delete(node, WITHDRAWN["id"])
    one, two, three = (tmp_path / name / "home" for name in ("one", "two", "three"))
    for path in (one, two, three):
        path.parent.mkdir()
    restore(tmp_path / "b.tar.zst", one, side=[home / SIDE_FILE])
    with open_home(one) as node:
        delete(node, KEPT["id"])
        assert node.receive(bundle(WITHDRAWN)).stored == 1
    backup(one, tmp_path / "c.tar.zst", plain=True)
    done = restore(tmp_path / "b.tar.zst", two, side=[one / SIDE_FILE]).anew
    assert (done.epoch, done.withdrawn) == (3, 2)
    assert ids(two) == {PERSON["id"]}
    # A backup that knows the epoch knows what came before it, and what was taken in again since stays.
    done = restore(tmp_path / "c.tar.zst", three, side=[one / SIDE_FILE]).anew
    assert (done.epoch, done.withdrawn) == (3, 0)
    assert ids(three) == {PERSON["id"], WITHDRAWN["id"]}


def test_who_was_disabled_or_has_a_new_secret_does_not_act_by_the_old_one(home: Path, tmp_path: Path) -> None:
    with open_home(home) as node:
        secrets = {"anna": node.add_user("anna", ["admin"]).secret}
        with node.acting("anna", secrets["anna"]):
            for name in ("bert", "carl", "dora"):
                secrets[name] = node.add_user(name, ["admin"]).secret
    backup(home, tmp_path / "last.tar.zst", plain=True)
    with open_home(home) as node, node.acting("anna", secrets["anna"]):
        node.disable_user("bert")
        node.reset_user("carl")
    again = tmp_path / "elsewhere" / "again"
    again.parent.mkdir()
    assert restore(tmp_path / "last.tar.zst", again, side=[home / SIDE_FILE]).anew.users == 2
    with open_home(again) as node:
        for name in ("anna", "dora"):
            with node.acting(name, secrets[name]):
                pass
        for name in ("bert", "carl"):
            with pytest.raises(Unauthenticated), node.acting(name, secrets[name]):
                pass


def test_a_trial_leaves_nothing_behind(home: Path, tmp_path: Path) -> None:
    with open_home(home) as node:
        delete(node, WITHDRAWN["id"])
    before = (home / SIDE_FILE).read_bytes()
    done = restore(tmp_path / "b.tar.zst", tmp_path / "trial", side=[home / SIDE_FILE], dry_run=True).anew
    assert done.withdrawn == 1
    assert not (tmp_path / "trial").exists()
    assert (home / SIDE_FILE).read_bytes() == before


def test_a_file_begun_behind_the_backup_does_not_vouch_for_tokens(home: Path, tmp_path: Path) -> None:
    token(home)
    backup(home, tmp_path / "last.tar.zst", plain=True)
    (home / SIDE_FILE).unlink()
    with open_home(home) as node:
        node.receive(bundle(indicator()))
    again = tmp_path / "elsewhere" / "again"
    again.parent.mkdir()
    assert kinds(home / SIDE_FILE) == [BEGUN]
    (home / SIDE_FILE).unlink()
    with open_home(home):
        pass
    done = restore(tmp_path / "last.tar.zst", again, side=[home / SIDE_FILE]).anew
    assert (done.side, done.voided) == (False, 1)


# -- the file


def test_a_line_is_on_the_disk_before_the_commit_and_where_it_cannot_be_nothing_is_done(home: Path) -> None:
    with open_home(home) as node:
        keep, seen = node.store.aside, list[set[str]]()

        def watch(tx: Transaction, *given: Any) -> None:
            keep(tx, *given)
            with node.store.read() as snapshot:
                seen.append({copy.state.name for copy in snapshot.copies(WITHDRAWN["id"])})

        node.store.aside = watch
        delete(node, WITHDRAWN["id"])
        assert seen == [{"RECEIVED"}]
        assert kinds(home / SIDE_FILE)[-1] == "withdrawal"
        (home / SIDE_FILE).unlink()
        (home / SIDE_FILE).mkdir()
        with pytest.raises(StoreUnavailable, match=SIDE_FILE):
            delete(node, KEPT["id"])
        assert node.get(KEPT["id"])


def test_no_line_says_what_was_taken_back(home: Path) -> None:
    with open_home(home) as node:
        delete(node, WITHDRAWN["id"])
        node.erase(text=SECRET, basis="a request")
        made = node.new_token("siem", read=["all"])
        node.revoke_token(made.user)
        partner = node.partner("CERT-B").id
        node.step_partner("CERT-B", "end")
        with node.store.read() as snapshot:
            hashes = hashes_of(snapshot)
    text = (home / SIDE_FILE).read_text(encoding="utf-8")
    for word in (WITHDRAWN["id"], PERSON["id"], SECRET, made.user, partner, "CERT-B", "siem", "request"):
        assert word not in text
    assert hashes is not None
    assert hashes.key.hex() not in text
    assert {"withdrawal", "erasure", "revocation", "partner"} <= set(kinds(home / SIDE_FILE))


def test_what_its_writer_did_not_finish_is_left_out_and_what_was_changed_is_refused(home: Path, tmp_path: Path) -> None:
    with open_home(home) as node:
        delete(node, WITHDRAWN["id"])
        with node.store.read() as snapshot:
            hashes = hashes_of(snapshot)
        assert hashes is not None
        path = home / SIDE_FILE
        with path.open("ab") as file:
            file.write(b'{"kind":"withdra')
        delete(node, KEPT["id"])
    assert [line.kind for line in checked(read(path), hashes)].count("withdrawal") == 2
    lines = read(path)
    for changed in (replace_in(lines[-1], kind="revocation"), replace_in(lines[-1], hashes=())):
        with pytest.raises(Unverified):
            list(checked([changed], hashes))
    with pytest.raises(Conflict):
        list(checked([replace_in(lines[-1], of="another")], hashes))
    path.write_bytes(b'{"kind": 1}\n')
    with pytest.raises(Unverified, match="line 1"):
        read(path)
    with pytest.raises(NotFound):
        read(tmp_path / "nowhere")


def replace_in(line: Line, **members: Any) -> Line:
    import msgspec

    return msgspec.structs.replace(line, **members)


_DIE = """
import os, sys
from pathlib import Path
from comity.node.home import open_home
home, id, moment = sys.argv[1:]
node = open_home(Path(home))
keep = node.store.aside
def die(tx, asides, commitment):
    if moment == "before the line":
        os.kill(os.getpid(), 9)
    keep(tx, asides, commitment)
    if moment == "before the commit":
        os.kill(os.getpid(), 9)
node.store.aside = die
with node.store.write() as tx:
    tx.withdraw(tx.collection("default").id, id, None, 1)
os.kill(os.getpid(), 9)
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before the line", "before the commit", "before the answer"])
def test_no_moment_of_death_loses_what_was_done(home: Path, tmp_path: Path, moment: str) -> None:
    died = subprocess.run(
        [sys.executable, "-c", _DIE, str(home), WITHDRAWN["id"], moment], env=environment(), check=False
    )
    assert died.returncode == -9
    again = tmp_path / "elsewhere" / "again"
    again.parent.mkdir()
    restore(tmp_path / "b.tar.zst", again, side=[home / SIDE_FILE])
    done = WITHDRAWN["id"] not in ids(home)
    assert done == (moment == "before the answer")
    assert (WITHDRAWN["id"] not in ids(again)) == (moment != "before the line")


def test_lines_of_many_writers_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / SIDE_FILE
    program = (
        "import sys; from pathlib import Path; from comity.node.system import append_durably\n"
        "for n in range(50): append_durably(Path(sys.argv[1]), (sys.argv[2] * 500).encode())"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(path), word]) for word in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert sorted(path.read_bytes().splitlines()) == [b"a" * 500] * 50 + [b"b" * 500] * 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
