"""Sources that are polled, and the plain client, between real processes."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from taxii2client.v21 import Collection, as_pages
from tests.commands import COMITY, Ended, bundle, comity, environment, indicator
from tests.postgres import change_rows
from tests.served import Served, served_home, wait_until
from tests.serving import certificate
from tests.taxii_peer import COLLECTION, Fake, serving
from tests.world import indicator as another

from comity.interfaces import Query
from comity.node.home import open_home
from comity.node.node import Node

pytestmark = pytest.mark.slow

LOOPBACK = ("--allow-address", "127.0.0.1")
OBJECTS = 2500
ODD = b"""{ "type":"ipv4-addr", "value":"198.51.100.7",
  "id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd", "x_n":1.10}"""


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served node that has 2,500 objects, one of them odd to the last byte."""

    def prepare(node: Node) -> None:
        node.receive(bundle(*(indicator(number) for number in range(OBJECTS - 1))))
        node.receive(ODD)

    with served_home(tmp_path_factory.mktemp("there"), prepare=prepare) as served:
        yield served


@pytest.fixture
def signed(there: Served, tmp_path: Path) -> tuple[str, ...]:
    """The options that call the served node."""
    return "--token-file", str(secret(tmp_path / "token", there.token.token)), *LOOPBACK


def secret(path: Path, text: str) -> Path:
    path.write_text(f"{text}\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def home_of(folder: Path) -> Path:
    home = folder / "here"
    assert comity("init", "--name", "Here", home=home).code == 0
    return home


def bodies(home: Path) -> dict[str, bytes]:
    """What a node holds, by id and version."""
    with open_home(home) as node:
        return {f"{item.id} {item.version}": item.raw for item in node.find(Query(versions=("all",)))}


def test_what_one_node_has_another_has_after_a_poll_byte_for_byte(
    there: Served, signed: tuple[str, ...], tmp_path: Path
) -> None:
    home = home_of(tmp_path)
    added = comity(
        "source", "add", "taxii", there.url, "--name", "b", *signed, "--marking", "green", "--json", home=home
    )
    assert (added.code, added.json["kind"], added.json["default_marking"]) == (0, "taxii", "green")
    assert comity("source", "add", "taxii", there.url, "--name", "b", *signed, home=home).code == 6
    first = comity("source", "poll", "b", "--json", home=home)
    assert (first.code, first.json["run"]["stored"], first.json["run"]["rejected"]) == (0, OBJECTS, 0)
    assert first.json["run"]["remarks"] == []
    assert bodies(home) == bodies(there.home)
    again = comity("source", "poll", "b", "--json", home=home).json["run"]
    assert (again["stored"], again["duplicates"]) == (0, 1), "the last instant is asked for once more"
    assert comity("source", "poll", "b", "--json", home=home).json["run"]["duplicates"] == 0
    shown = comity("source", "show", "b", home=home)
    assert shown.code == 0
    assert there.token.secret not in shown.out + shown.err + added.out
    assert "ok\tJobs that wait: 1, none of them failing." in comity("doctor", home=home).out
    held = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert there.token.secret.encode() not in held, "no file of the home holds the secret of the other server"


def test_a_served_node_polls_by_itself_and_pausing_stops_it(
    there: Served, signed: tuple[str, ...], tmp_path: Path
) -> None:
    with served_home(tmp_path) as here:
        here.run("source", "add", "taxii", there.url, "--name", "b", "--every", "1m", *signed)
        wait_until(lambda: here.run("source", "show", "b")["last_run"] is not None, seconds=30)
        shown = here.run("source", "show", "b")
        assert (shown["last_run"]["stored"], shown["last_error"], shown["attempts"]) == (OBJECTS, None, 0)
        assert here.run("source", "pause", "b")["paused"] is True
        wait_until(lambda: here.run("source", "show", "b")["next_at"] is None, seconds=30)
        assert here.run("source", "poll", "b", ok=(6,))["error"]["code"] == "conflict"
        assert here.run("source", "resume", "b")["paused"] is False
        wait_until(lambda: here.run("source", "show", "b")["last_run"]["stored"] == 0, seconds=30)


def test_a_collection_alone_can_be_polled_by_basic_sign_in(there: Served, tmp_path: Path) -> None:
    home = home_of(tmp_path)
    with there.node() as node:
        collection = node.collection("default").id
    url = f"{there.url}taxii2/root/collections/{collection}/"
    password = secret(tmp_path / "password", there.token.secret)
    options = ("--user", there.token.user, "--secret-file", password, *LOOPBACK, "--every", "never")
    assert comity("source", "add", "taxii", url, "--name", "b", *options, home=home).code == 0
    assert comity("worker", "--drain", "--json", home=home).json["failed"] == 0
    assert len(bodies(home)) == OBJECTS
    shown = comity("source", "show", "b", "--json", home=home).json
    assert (shown["every_seconds"], shown["next_at"]) == (None, None)


def test_only_the_collections_that_were_named_are_polled(
    there: Served, signed: tuple[str, ...], tmp_path: Path
) -> None:
    home = home_of(tmp_path)
    comity("source", "add", "taxii", there.url, "--name", "b", "--collection", "none", *signed, home=home)
    polled = comity("source", "poll", "b", home=home)
    assert polled.code == 75
    assert "no collection 'none'" in polled.err
    assert bodies(home) == {}


def test_a_wrong_credential_is_told_and_tried_again(there: Served, tmp_path: Path) -> None:
    home = home_of(tmp_path)
    token = secret(tmp_path / "token", "comity_wrong")
    comity("source", "add", "taxii", there.url, "--name", "b", "--token-file", token, *LOOPBACK, home=home)
    polled = comity("source", "poll", "b", home=home)
    assert (polled.code, "answers 401" in polled.err) == (75, True)
    drained = comity("worker", "--drain", "--json", home=home).json
    assert drained == {"jobs": [], "failed": 0}, "it is not due before some time has gone by"
    shown = comity("source", "show", "b", "--json", home=home).json
    assert (shown["attempts"], "answers 401" in shown["last_error"]) == (1, True)
    token.write_text(there.token.token, encoding="utf-8")
    assert comity("source", "poll", "b", home=home).code == 0
    assert len(bodies(home)) == OBJECTS


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--token-file", "OPEN"), 4),
        (("--token-file", "none"), 3),
        (("--token-file", "EMPTY"), 5),
        (("--secret-file", "GOOD"), 2),
        (("--user", "x"), 5),
        (("--user", "x", "--token-file", "GOOD"), 2),
        (("--user", "a:b", "--secret-file", "GOOD"), 5),
        (("--every", "1s"), 5),
        (("--every", "often"), 5),
        (("--allow-address", "10.0.0.1/8"), 5),
        (("--into", "nowhere"), 3),
        (("--marking", "purple"), 5),
    ],
)
def test_a_source_that_cannot_work_is_not_made(options: tuple[str, ...], code: int, tmp_path: Path) -> None:
    home = home_of(tmp_path)
    files = {name: secret(tmp_path / name, "" if name == "EMPTY" else "x") for name in ("OPEN", "EMPTY", "GOOD")}
    files["OPEN"].chmod(0o644)
    given = [str(files.get(option, option)) for option in options]
    ended = comity("source", "add", "taxii", "https://feed.example/", "--name", "f", *given, home=home)
    assert ended.code == code, ended.err
    assert "feed.example" not in comity("source", "list", home=home).out
    assert comity("worker", "--drain", "--json", home=home).json["jobs"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("taxii", "https://feed.example/"), 2),
        (("taxii", "ftp://feed.example/", "--name", "f"), 5),
        (("taxii", "https://user:secret@feed.example/", "--name", "f"), 5),
        (("feed", "f", "--every", "15m"), 2),
        (("own", "f", "--allow-address", "10.0.0.1"), 2),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: tuple[str, ...], code: int, tmp_path: Path) -> None:
    ended = comity("source", "add", *arguments, home=home_of(tmp_path))
    assert ended.code == code, ended.err


# -- kill -9 ----------------------------------------------------------------------------------------------------------
def _lease_is_over(home: Path) -> None:
    """As after LEASE_SECONDS without a sign of life."""
    change_rows(home, "UPDATE job SET lease = NULL, leased_until = NULL, again = 0")


@pytest.mark.parametrize("moves", [pytest.param(False, marks=pytest.mark.deep), True])
def test_a_poll_that_is_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path, moves: bool) -> None:
    home = home_of(tmp_path)
    chance = random.Random(11)
    fake = Fake(page=25, moves=moves, raw=_slowly)
    fake.add(*(another() for _ in range(1000)))
    killed = 0
    with serving(fake) as server:
        given = ("source", "add", "taxii", f"{server.url}/taxii2/", "--name", "f", *LOOPBACK)
        assert comity(*given, home=home).code == 0
        for _ in range(8):
            asked = len(fake.pages_asked)
            command = [*COMITY, "source", "poll", "f", "--home", str(home)]
            process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_until(partial(_asked_more, fake, asked), seconds=20)
            time.sleep(chance.uniform(0.0, 0.15))
            process.kill()
            killed += process.wait() == -signal.SIGKILL
            _lease_is_over(home)
            with open_home(home) as node:
                assert node.check() == []
        assert killed >= 5, "most kills met a poll under way"
        assert comity("source", "poll", "f", home=home).code == 0
    with open_home(home) as node:
        assert node.counts().copies == 1000
        assert node.check() == []
    assert {key.split()[0] for key in bodies(home)} == {value["id"] for _, value in fake.objects}
    read = len(fake.pages_asked) - killed
    assert read <= 40 + 2 * killed, "what was stored is not read again"


def _slowly(page: bytes) -> bytes:
    """So that 40 pages take longer than the 8 times until a kill, on any machine."""
    time.sleep(0.03)
    return page


def _asked_more(fake: Fake, than: int) -> bool:
    return len(fake.pages_asked) > than


# -- the plain client -------------------------------------------------------------------------------------------------
def test_our_reading_is_that_of_taxii2_client(there: Served, signed: tuple[str, ...], tmp_path: Path) -> None:
    listed = comity("taxii", "collections", there.url, *signed, "--json").json["collections"]
    assert [(one["title"], one["can_read"], one["can_write"]) for one in listed] == [("default", True, True)]
    got = comity("taxii", "get", there.url, *signed, "-o", tmp_path / "got.json", "--json")
    assert got.code == 0, got.err
    ours = json.loads((tmp_path / "got.json").read_bytes())["objects"]
    other = Collection(listed[0]["url"], user=there.token.user, password=there.token.secret)
    theirs = [one for page in as_pages(other.get_objects, per_request=300) for one in page.get("objects", [])]
    assert ours == theirs
    assert len(ours) == got.json["objects"] == OBJECTS
    assert (tmp_path / "got.json").stat().st_mode & 0o777 == 0o600
    assert comity("taxii", "get", there.url, *signed, "-o", tmp_path / "got.json").code == 6
    after = comity("taxii", "get", there.url, *signed, "--added-after", got.json["added_after"])
    assert json.loads(after.out)["objects"] == ours[-1:], "the last instant is given once more"


def test_the_client_says_what_there_is(there: Served, signed: tuple[str, ...]) -> None:
    found = comity("taxii", "discover", there.url, *signed, "--json").json
    assert found["title"] == "Test node"
    assert found["default"] == f"{there.url}taxii2/root/"
    assert found["api_roots"][0]["max_content_length"] == 32 * 2**20
    words = comity("taxii", "discover", f"{there.url}taxii2/", *signed).out
    assert words.splitlines()[0] == "title\tTest node"
    for url, code in ((f"{there.url}none/", 3), (f"{there.url}healthz", 5), (there.url.replace("http", "https"), 75)):
        assert comity("taxii", "discover", url, *signed).code == code
    assert comity("taxii", "discover", there.url).code == 4
    assert comity("taxii", "discover", there.url, *LOOPBACK).code == 4
    assert comity("taxii", "get", there.url, *signed, "--collection", "none").code == 3


def test_lines_packed_files_and_pipes_hold_the_same(there: Served, signed: tuple[str, ...], tmp_path: Path) -> None:
    bundle_out = comity("taxii", "get", there.url, *signed)
    lines_out = comity("taxii", "get", there.url, *signed, "--format", "ndjson")
    ours = json.loads(bundle_out.out)["objects"]
    assert [json.loads(line) for line in lines_out.out.splitlines()] == ours
    for name in ("x.ndjson", "x.json.gz", "x.ndjson.zst"):
        assert comity("taxii", "get", there.url, *signed, "-o", tmp_path / name).code == 0
    home = home_of(tmp_path)
    for name in ("x.ndjson", "x.json.gz", "x.ndjson.zst"):
        report = comity("import", tmp_path / name, "--source", "b", "--json", home=home).json
        assert report["stored"] + report["duplicates"] == OBJECTS
    assert comity("taxii", "get", there.url, *signed, "--all-versions", "-q").code == 0


def test_what_is_pushed_is_there_and_pushed_again_it_is_no_failure(tmp_path: Path) -> None:
    with served_home(tmp_path) as served:
        token = secret(tmp_path / "token", served.token.token)
        where = (served.url, "-", "--token-file", token, *LOOPBACK)
        good = [indicator(number) for number in range(1200)]
        bad = indicator(5000, modified="yesterday")
        for _ in range(2):
            ended = comity("taxii", "push", *where, "--json", given=bundle(*good))
            assert (ended.code, ended.json["successes"], ended.json["failure_count"]) == (0, 1200, 0)
        ended = comity("taxii", "push", *where, "--json", given=bundle(*good[:3], bad, indicator(5001)))
        assert (ended.code, ended.json["successes"], ended.json["failure_count"]) == (5, 4, 1)
        assert ended.json["failures"][0]["id"] == bad["id"]
        assert "modified" in ended.json["failures"][0]["message"]
        assert comity("taxii", "push", *where, "--allow-rejected", given=bundle(bad)).code == 0
        with served.node() as node:
            assert node.counts().copies == 1201


def test_an_envelope_for_a_server_with_a_small_limit_is_small(tmp_path: Path) -> None:
    with served_home(tmp_path, settings=["max_content_length = 2000"]) as served:
        token = secret(tmp_path / "token", served.token.token)
        given = bundle(*(indicator(number) for number in range(30)), indicator(99, description="x" * 3000))
        ended = comity("taxii", "push", served.url, "-", "--token-file", token, *LOOPBACK, "--json", given=given)
        assert (ended.code, ended.json["successes"], ended.json["failure_count"]) == (5, 30, 1)


def test_the_secret_of_the_client_comes_from_the_environment_too(there: Served) -> None:
    for more, user in (
        ({"COMITY_TAXII_SECRET": there.token.token}, ()),
        ({"COMITY_TAXII_SECRET": there.token.secret}, ("--user", there.token.user)),
    ):
        command = [*COMITY, "taxii", "collections", there.url, *LOOPBACK, *user]
        done = subprocess.run(command, env=environment(**more), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_client_speaks_tls_by_the_authority_that_was_named(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    options = ("--log-json", "--tls-cert", str(cert), "--tls-key", str(key))
    with served_home(tmp_path, options=options) as served:
        token = secret(tmp_path / "token", served.token.token)
        where = (served.url, "--token-file", token, *LOOPBACK)
        assert served.url.startswith("https://")
        assert comity("taxii", "collections", *where).code == 20
        assert comity("taxii", "collections", *where, "--ca", cert).code == 0


def test_getting_takes_the_same_memory_whatever_the_size(tmp_path: Path) -> None:
    peaks = []
    for count in (2_000, 20_000):
        fake = Fake(page=1000)
        fake.add(*(another(description="x" * 500) for _ in range(count)))
        with serving(fake) as server:
            peaks.append(
                _peak_kib("taxii", "get", f"{server.url}/taxii2/", *LOOPBACK, "-o", str(tmp_path / f"{count}.json"))
            )
        assert len(json.loads((tmp_path / f"{count}.json").read_bytes())["objects"]) == count
    assert peaks[1] - peaks[0] < 8 * 1024, peaks


def _peak_kib(*arguments: str) -> int:
    """The most memory that the command held."""
    program = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *COMITY, *arguments], env=environment(), capture_output=True, check=True
    )
    return int(done.stdout)


# -- another server ---------------------------------------------------------------------------------------------------
MEDALLION = os.environ.get("COMITY_TEST_MEDALLION", "")


def test_medallion_is_read_and_written_whole(tmp_path: Path) -> None:
    if not Path(MEDALLION).is_file():
        pytest.skip("medallion is absent (set COMITY_TEST_MEDALLION)")
    values = [another(name=f"n{number}") for number in range(130)]
    with _medallion(tmp_path) as url:
        password = secret(tmp_path / "password", "pass")
        signed = ("--user", "user", "--secret-file", password, *LOOPBACK)
        pushed = comity("taxii", "push", url, "-", *signed, "--json", given=bundle(*values))
        assert (pushed.code, pushed.json["successes"], pushed.json["pending"]) == (0, 130, 0), pushed.err
        got = comity("taxii", "get", url, *signed)
        assert got.code == 0, got.err
        ours = sorted(json.loads(got.out)["objects"], key=lambda one: str(one["name"]))
        assert ours == sorted(values, key=lambda one: str(one["name"]))
        home = home_of(tmp_path)
        assert comity("source", "add", "taxii", url, "--name", "m", *signed, home=home).code == 0
        polled = [_run(comity("source", "poll", "m", "--json", home=home)) for _ in range(3)]
        assert [run["stored"] for run in polled] == [130, 0, 0]
        comity("taxii", "push", url, "-", *signed, given=bundle(another()))
        assert _run(comity("source", "poll", "m", "--json", home=home))["stored"] == 1


def _run(ended: Ended) -> dict[str, Any]:
    assert ended.code == 0, ended.err
    found: dict[str, Any] = ended.json["run"]
    return found


@contextmanager
def _medallion(folder: Path) -> Iterator[str]:
    """The reference server of the standard's committee, in memory, with one collection; its interpreter is the one that
    COMITY_TEST_MEDALLION names."""
    port = free_port()
    media = "application/taxii+json;version=2.1"
    root = {"title": "root", "versions": [media], "max_content_length": 50_000}
    listed = {"id": COLLECTION, "title": "all", "can_read": True, "can_write": True, "media_types": [media]}
    data = {
        "/discovery": {
            "title": "m",
            "default": f"http://127.0.0.1:{port}/root/",
            "api_roots": [f"http://127.0.0.1:{port}/root/"],
        },
        "root": {"information": root, "status": [], "collections": [{**listed, "manifest": [], "objects": []}]},
    }
    (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
    settings = {
        "backend": {
            "module": "medallion.backends.memory_backend",
            "module_class": "MemoryBackend",
            "filename": str(folder / "data.json"),
        },
        "users": {"user": "pass"},
        "taxii": {"max_page_size": 50},
    }
    (folder / "medallion.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [MEDALLION, "-m", "medallion.scripts.run", "--port", str(port), str(folder / "medallion.json")]
    with (folder / "medallion.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(lambda: _listens(port), seconds=20)
        yield f"http://127.0.0.1:{port}/taxii2/"
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
