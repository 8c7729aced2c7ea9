"""Import in the browser, below the pages: files put aside, looked at, confirmed, and never left behind."""

import gzip
import json
import os
import random
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import zstandard
from tests.pages_world import SECRET, fill, id_of, thing
from tests.visiting import Staff
from tests.world import MadeClock, MadeEntropy, bundle, indicator

from comity.errors import ComityError, Conflict, InvalidRequest, NotAuthorized, NotFound, Refused, TooLarge
from comity.node import inspecting, uploads
from comity.node.home import init_home, open_home
from comity.node.node import Node
from comity.node.receive import Report
from comity.node.uploads import FAILED, LOOKING, READY, STORED, STORING, Upload
from comity.stix.markings import MARKING_IDS, TLP
from comity.store.audit import AuditQuery
from comity.store.staging import Staging

pytestmark = pytest.mark.slow

FORM = 2**20


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Node.open(f"sqlite:///{tmp_path}/a.db", name="CERT-A", clock=MadeClock(), entropy=MadeEntropy()) as opened:
        opened.staging = Staging(tmp_path / "uploads", bytes_max=4 * FORM, form_bytes_max=FORM)
        yield opened


def put(node: Node, *files: bytes | tuple[str, bytes], **how: str) -> Upload:
    """An upload of these files."""
    with node.incoming() as incoming:
        for number, file in enumerate(files):
            name, content = (f"{number}.json", file) if isinstance(file, bytes) else file
            incoming.begin(name)
            for start in range(0, len(content), 10_000):
                incoming.write(content[start : start + 10_000])
            incoming.end()
        return node.stage(incoming, **how)


def left(node: Node) -> list[str]:
    """The names of everything that lies in the folder of uploads."""
    assert node.staging is not None
    return sorted(str(path.relative_to(node.staging.folder)) for path in node.staging.folder.rglob("*"))


def objects(node: Node) -> int:
    return node.counts().objects


def verdicts(upload: Upload) -> tuple[int, int, int, int]:
    found = upload.preview
    assert found is not None
    return found.new, found.duplicates, found.conflicts, found.rejected


def reported(report: Report) -> tuple[int, int, int, int]:
    return report.stored, report.duplicates, len(report.conflicts), len(report.rejected)


def some_objects(chance: random.Random, known: list[dict[str, Any]]) -> list[Any]:
    """Objects of which some are here, some are here otherwise, some come twice, and some are none."""
    found: list[Any] = []
    for _ in range(chance.randrange(1, 30)):
        kind = chance.randrange(8)
        if kind == 0 and known:
            found.append(chance.choice(known))
        elif kind == 1 and known:
            found.append(chance.choice(known) | {"confidence": chance.randrange(3)})
        elif kind == 2 and found:
            found.append(chance.choice(found))
        elif kind == 3:
            found.append(chance.choice([{"type": "indicator"}, {"id": "x"}, 7, [], {"type": "x", "id": "x--1"}]))
        elif kind == 4:
            address = {"type": "ipv4-addr", "spec_version": "2.1", "id": id_of("ipv4-addr", chance.randrange(4))}
            found.append(address | {"value": f"192.0.2.{chance.randrange(3)}"})
        elif kind == 5 and found and isinstance(found[-1], dict):
            found.append(dict(reversed(found[-1].items())))
        else:
            found.append(indicator(name=f"n{chance.random()}"))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_the_preview_counts_what_an_import_then_does(node: Node, tmp_path: Path, seed: int) -> None:
    """The slow twin is the import itself."""
    chance = random.Random(seed)
    known = [indicator(name=f"known {number}") for number in range(5)]
    node.receive(bundle(*known))
    drawn = [some_objects(chance, known) for _ in range(chance.randrange(1, 4))]
    bodies = [json.dumps({"type": "bundle", "id": f"bundle--{UUID(int=0)}", "objects": each}) for each in drawn]
    upload = put(node, *(body.encode() for body in bodies))
    before = objects(node)
    assert upload.state == READY
    sums = [reported(node.receive(body.encode())) for body in bodies]
    assert verdicts(upload) == tuple(map(sum, zip(*sums, strict=True)))
    assert before <= objects(node)


def test_nothing_is_stored_before_it_is_confirmed_and_then_exactly_that(node: Node) -> None:
    good, marked = indicator(name="Beacon"), indicator(object_marking_refs=[MARKING_IDS[TLP.GREEN]])
    body = bundle(good, marked, {"type": "indicator"}, {"type": "ipv4-addr", "id": "x"})
    upload = put(node, body, marking="tlp:amber")
    assert objects(node) == 0
    assert upload.state == READY
    assert upload.preview is not None
    assert verdicts(upload) == (2, 0, 0, 2)
    assert upload.preview.types == {"indicator": 2}
    assert upload.preview.levels == {"TLP:GREEN": 1}
    assert upload.preview.unmarked == 1
    assert [(one.index, bool(one.rule)) for one in upload.preview.refusals] == [(2, True), (3, True)]
    assert upload.preview.sample[0].label == "Beacon"
    done = node.confirm_upload(upload.id, upload.digest)
    assert done.state == STORED
    assert objects(node) == 2
    assert node.get(good["id"]).raw in body
    assert [name for name in left(node) if name.rpartition("/")[2].isdecimal()] == [], "the files are gone"
    (copy,) = node.show(good["id"])
    assert (copy.tlp, copy.tlp_from) == ("TLP:AMBER", "source")
    with pytest.raises(Conflict):
        node.confirm_upload(upload.id, upload.digest)


@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.json.gz", gzip.compress), ("a.zst", zstandard.ZstdCompressor().compress), ("a", lambda data: data)],
)
def test_packed_files_and_lines_are_taken_as_the_command_takes_them(node: Node, name: str, pack: Any) -> None:
    lines = b"".join(json.dumps(indicator()).encode() + b"\n" for _ in range(5))
    assert verdicts(put(node, (name, pack(lines)))) == (5, 0, 0, 0)


def test_a_file_that_breaks_off_says_where_and_what_stands_before_counts(node: Node) -> None:
    body = bundle(indicator(), indicator())
    upload = put(node, (" ", body[:-40]), ("b.gz", gzip.compress(body)[:-8]))
    assert upload.preview is not None
    assert {file for file, _, _ in upload.preview.broken} == {0, 1}
    node.confirm_upload(upload.id, upload.digest)
    assert objects(node) == upload.preview.new


def test_personal_data_and_who_would_get_it_are_counted(node: Node) -> None:
    fill(node)
    green = [thing("indicator", 9000 + n, TLP.GREEN, f"New {n}") for n in range(3)]
    amber = thing("malware", 9100, TLP.AMBER, "New", description="Tell bob.smith@victim.example of it.")
    upload = put(node, bundle(*green, amber))
    assert upload.preview is not None
    assert upload.preview.personal == {"victim": 1}
    assert dict(upload.preview.receives or ()) == {"CERT-B": 3, "CERT-C": 3}, "the rule is: ours up to GREEN"


def test_what_may_not_be_read_counts_as_new(node: Node) -> None:
    """R64: an analyst must not learn from a preview that the feed sent something for eyes of others."""
    fill(node)
    red, open_one = thing("indicator", 5000, TLP.RED, f"{SECRET} 0"), thing("indicator", 9999, TLP.GREEN, "Open")
    node.receive(bundle(open_one), "feed")
    staff = Staff(node)
    with staff.acting("ana"):
        assert verdicts(put(node, bundle(red, open_one), source="feed")) == (1, 1, 0, 0)
        other = red | {"name": "Guessed"}
        assert verdicts(put(node, bundle(other, open_one | {"name": "Other"}), source="feed")) == (1, 0, 1, 0)


def test_an_upload_is_its_senders_alone(node: Node) -> None:
    staff = Staff(node)
    with staff.acting("ana"):
        upload = put(node, bundle(indicator()))
    with staff.acting("rolf"):
        assert node.uploads() == []
        for verb in (
            lambda: node.upload(upload.id),
            lambda: node.confirm_upload(upload.id, upload.digest),
            lambda: node.drop_upload(upload.id),
        ):
            with pytest.raises(NotFound, match="There is no such upload"):
                verb()
    for other in ("rita", "petra", "adam", "audra", "arno"):
        with staff.acting(other), pytest.raises(NotAuthorized):
            node.upload(upload.id)
    with staff.acting("ana"):
        assert node.confirm_upload(upload.id, upload.digest).state == STORED
    with node.store.read() as snapshot:
        rows = snapshot.audit_rows(AuditQuery(acts=("import",)))
    assert [row.account for row in rows] == [staff.users["ana"].account.id]
    assert upload.files[0].digest in str(rows[0].what)


@pytest.mark.parametrize("id", ["", ".", "..", "../a.db", "/etc", "x" * 36, "0" * 8 + "-0000-4000-8000-" + "0" * 12])
def test_what_is_no_id_of_an_upload_is_not_found(node: Node, id: str) -> None:
    for verb in (node.upload, node.drop_upload, lambda one: node.confirm_upload(one, "x")):
        with pytest.raises(NotFound):
            verb(id)


def test_it_is_bound_to_the_bytes(node: Node) -> None:
    upload = put(node, bundle(indicator()))
    with pytest.raises(Conflict):
        node.confirm_upload(upload.id, "0" * 64)
    assert node.staging is not None
    (node.staging.folder / upload.id / "0").write_bytes(bundle(indicator(name="Another")))
    assert node.confirm_upload(upload.id, upload.digest).state == FAILED
    assert objects(node) == 0


def test_a_source_whose_rule_publishes_wants_a_releaser_and_those_of_partners_want_partners(node: Node) -> None:
    fill(node)
    node.add_source("auto", publish="auto")
    theirs = node.source_of_partner("CERT-B")
    staff = Staff(node)
    body = bundle(indicator())
    with staff.acting("ana"):
        assert "auto" not in {one.name for one in node.import_sources()}
        with pytest.raises(NotAuthorized, match="publishes at once"):
            put(node, body, source="auto")
        for name in (theirs, "nowhere"):
            with pytest.raises(NotFound):
                put(node, body, source=name)
        with pytest.raises(ComityError):
            put(node, body, marking="tlp:purple")
    with staff.acting("rolf"):
        assert put(node, body, source="auto").publishes


def test_who_may_import_no_more_confirms_nothing(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    staff = Staff(node)
    monkeypatch.setattr(uploads, "INLINE_BYTES", 0)
    with staff.acting("ana"):
        upload = put(node, bundle(indicator()))
        node.run_job()
        assert node.confirm_upload(upload.id, upload.digest).state == STORING
    with staff.acting("adam"):
        node.disable_user("ana")
    node.run_job()
    assert node.staging is not None
    assert json.loads(node.staging.facts(upload.id))["state"] == FAILED
    assert objects(node) == 0


def test_what_is_large_is_done_behind_and_says_how_far_it_is(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "INLINE_BYTES", 100)
    packed = gzip.compress(bundle(*(indicator(name=f"n{n}") for n in range(1200))))
    upload = put(node, packed)
    assert (upload.state, upload.preview, objects(node)) == (LOOKING, None, 0)
    with pytest.raises(Conflict):
        node.confirm_upload(upload.id, upload.digest)
    while node.run_job() is not None:
        pass
    assert verdicts(node.upload(upload.id)) == (1200, 0, 0, 0)
    assert node.confirm_upload(upload.id, upload.digest).state == STORING
    with pytest.raises(Conflict):
        node.drop_upload(upload.id)
    while node.run_job() is not None:
        pass
    assert node.upload(upload.id).state == STORED
    assert objects(node) == 1200
    assert node.jobs() == []


# -- bounds -----------------------------------------------------------------------------------------------------------
def test_files_are_bounded_one_by_one_and_together(node: Node) -> None:
    with pytest.raises(TooLarge):
        put(node, b"x" * (FORM + 1))
    with pytest.raises(TooLarge):
        put(node, *[bundle(indicator())] * 21)
    with pytest.raises(InvalidRequest):
        put(node, ("", b""))
    assert left(node) == [], "what was refused is gone"
    for _ in range(uploads.UPLOADS_MOST):
        put(node, bundle(indicator()))
    with pytest.raises(Refused):
        put(node, bundle(indicator()))
    assert len(node.uploads()) == uploads.UPLOADS_MOST


def test_all_uploads_together_are_bounded(node: Node) -> None:
    assert node.staging is not None
    node.staging = Staging(node.staging.folder, bytes_max=3000, form_bytes_max=FORM)
    while node.staging.held_bytes() < 3000:
        put(node, bundle(indicator()))
    with pytest.raises(Refused, match="wait already"):
        put(node, bundle(indicator()))
    assert node.staging.held_bytes() < 10_000


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor(level=19).compress])
def test_a_bomb_is_refused_and_gone(node: Node, pack: Any) -> None:
    upload = put(node, ("bomb", pack(b" " * 2**27)))
    while node.run_job() is not None:
        pass
    found = node.upload(upload.id)
    assert found.state == FAILED
    assert "unpacks to more than" in found.error
    assert [name for name in left(node) if name.rpartition("/")[2].isdecimal()] == []
    assert node.jobs() == []


def test_too_many_objects_are_refused(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspecting, "OBJECTS_MOST", 3)
    upload = put(node, bundle(*(indicator() for _ in range(4))))
    assert upload.state == FAILED
    assert "at most 3 objects" in upload.error


# -- what is left behind -----------------------------------------------------------------------------------------------
def test_it_is_gone_after_an_hour_and_when_it_is_dropped(node: Node) -> None:
    assert isinstance(node.clock, MadeClock)
    first, second = put(node, bundle(indicator())), put(node, bundle(indicator()))
    node.drop_upload(first.id)
    assert [one.id for one in node.uploads()] == [second.id]
    node.clock.move(seconds=3601)
    with pytest.raises(NotFound):
        node.upload(second.id)
    assert node.sweep_uploads() == 1
    assert left(node) == []


def test_only_their_owner_may_read_them(node: Node) -> None:
    put(node, bundle(indicator()))
    assert node.staging is not None
    for path in (node.staging.folder, *node.staging.folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from tests.world import bundle, indicator
    from comity.node.home import open_home
    from comity.node import uploads

    home, when = Path(sys.argv[1]), sys.argv[2]
    with open_home(home) as node:
        if when == "storing":
            node._check_bytes = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        with node.incoming() as incoming:
            incoming.begin("a.json")
            incoming.write(bundle(indicator()))
            if when == "coming":
                os.kill(os.getpid(), signal.SIGKILL)
            incoming.end()
            made = node.stage(incoming)
        if when == "storing":
            node.confirm_upload(made.id, made.digest)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("when", "stays"), [("coming", 0), ("staged", 0), ("storing", 1)])
def test_killed_in_between_nothing_is_left_after_the_next_start(tmp_path: Path, when: str, stays: int) -> None:
    home = tmp_path / "home"
    init_home(home, name="CERT-A").close()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(home), when],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    with open_home(home) as node:
        assert left(node) != []
        node.sweep_uploads(all=True)
        assert len([name for name in left(node) if "/" not in name]) == stays
        assert objects(node) == 0
        if stays:
            # What was confirmed is not forgotten: its sender finds it, and it ends by itself a day later.
            assert [one.state for one in node.uploads()] == [STORING]
