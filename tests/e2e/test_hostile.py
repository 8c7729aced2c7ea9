"""Every hostile case at the wire of a served node: refused as it should be, nothing stored, nothing broken, and on."""

import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import orjson
import pytest
from tests.between import Between, Tamper
from tests.hostile_cases import Case, load, object_bytes
from tests.hostile_range import ROOT, TAXII, Prepared, Range, judge, judge_log
from tests.served import served_home, wait_until
from tests.wire import Answer, Wire, ask

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("hostile")]

GROWTH_BYTES_MAX = 200 * 2**20
CASES = load()
UNREAD = b"0a3b6a0e-7a5e-4c7d-9d7e-6a1d3a4a5b11"


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    """A served node with tokens of every kind; at the end what it holds is sound and readable, and its log clean."""
    prepared = Prepared()
    with served_home(tmp_path_factory.mktemp("hostile"), prepare=prepared) as served:
        ground = Range.over(served, prepared, growth_bytes_max=GROWTH_BYTES_MAX)
        before = ground.threads_and_files()
        yield ground
        assert_readable(ground)
        wait_until(lambda: ground.threads_and_files()[1] <= before[1] + 20, seconds=5)
        assert ground.threads_and_files()[0] <= before[0] + 5
        with served.node() as node:
            assert node.check() == []
        assert judge_log(served.log.read_bytes(), []) == []
    assert b"Traceback" not in served.log.read_bytes()


def assert_readable(ground: Range) -> None:
    """Whatever was taken in, a reader that is not ours reads every page."""
    watch = {"Authorization": f"Bearer {ground.prepared.tokens['watch'].token}", "Accept": TAXII}
    for id in ground.prepared.collections.values():
        path, following = f"{ROOT}collections/{id}/objects/?match[version]=all", ""
        while True:
            answer = ask(ground.served.address, "GET", path + following, watch)
            assert answer.status == 200
            page = json.loads(answer.body.decode("utf-8", "strict"), parse_constant=pytest.fail)
            if not page.get("more"):
                break
            following = f"&next={quote(page['next'])}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_a_hostile_request_is_refused_with_its_code_and_place_and_changes_nothing(ground: Range, case: Case) -> None:
    assert ground.check(case) == []


def test_hostile_requests_at_the_same_time_are_each_refused_as_alone(ground: Range) -> None:
    families = {"parameters", "next", "paths", "sign_in", "media", "stix_times", "rights"}
    quick = [case for case in CASES if case.family in families and not case.may_store and 0 not in case.expect]
    chosen = random.Random(7).sample(quick, 200)
    before = ground.contents()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ground.fire, chosen))
    assert {case.label: found for case, got in zip(chosen, answers, strict=True) if (found := judge(case, got))} == {}
    assert ground.contents() == before


def test_hundreds_of_clients_that_never_finish_do_not_keep_a_good_one_waiting(ground: Range) -> None:
    authorization = f"Authorization: Bearer {ground.prepared.tokens['full'].token}\r\n".encode()
    collection = ground.names[b"{collection}"]
    half_head = b"GET " + collection + b"objects/ HTTP/1.1\r\nHost: x\r\n" + authorization + b"X-Slow: "
    head = b"POST " + collection + b"objects/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/taxii+json\r\n"
    half_body = head + authorization + b'Content-Length: 1000000\r\n\r\n{"objects":['
    with ExitStack() as stack:
        for number in range(400):
            wire = stack.enter_context(Wire(ground.served.address, source=f"127.9.{number % 250}.9"))
            wire.send(half_body if number % 2 else half_head)
        watch = {"Authorization": f"Bearer {ground.prepared.tokens['watch'].token}", "Accept": TAXII}
        slowest = 0.0
        for _ in range(50):
            started = time.monotonic()
            assert ask(ground.served.address, "GET", f"{collection.decode()}objects/?limit=1", watch).status == 200
            slowest = max(slowest, time.monotonic() - started)
        assert slowest < 2


def test_clients_that_do_not_read_take_little_memory_and_keep_no_other_waiting(ground: Range) -> None:
    address, elsewhere = ground.served.address, f"{ROOT}collections/{ground.prepared.collections['elsewhere']}/objects/"
    watch = {"Authorization": f"Bearer {ground.prepared.tokens['watch'].token}", "Accept": TAXII}
    reader = ground.prepared.tokens["other"]
    big = object_bytes(
        {"set": {"description": {"join": ['"', {"repeat": ["y", 8 * 2**20]}, '"']}}}, {b"{uuid}": UNREAD}
    )
    assert ask(address, "POST", elsewhere, watch | {"Content-Type": TAXII}, b'{"objects":[' + big + b"]}").status == 202
    path = f"{elsewhere}indicator--{UNREAD.decode()}/"
    asking = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {reader.token}\r\n\r\n".encode()
    held = ground.served.resident_bytes()
    try:
        with ExitStack() as stack:
            for number in range(80):
                source = f"127.8.{number}.9"
                stack.enter_context(Wire(address, source=source, receive_bytes=4096)).send(asking)
            for _ in range(20):
                started = time.monotonic()
                assert ask(address, "GET", f"{elsewhere}?limit=1", watch).status == 200
                assert time.monotonic() - started < 5
                time.sleep(0.05)
            assert ground.served.resident_bytes() - held < 300 * 2**20
    finally:
        assert ask(address, "DELETE", path, watch).status == 200


def test_after_a_hundred_failures_an_address_waits_but_a_good_credential_and_other_addresses_do_not(
    ground: Range,
) -> None:
    address, path = ground.served.address, f"{ROOT}collections/"
    wrong = {"Authorization": f"Bearer comity_{'a' * 16}_{'A' * 43}", "Accept": TAXII}
    right = {"Authorization": f"Bearer {ground.prepared.tokens['full'].token}", "Accept": TAXII}

    answers: list[Answer] = []

    def tries(count: int) -> list[int]:
        answers.extend(ask(address, "GET", path, wrong, source="127.77.0.1") for _ in range(count))
        return [answer.status for answer in answers[-count:]]

    # The processes that answer tell each other what they counted within a second; a new connection may be any's. The
    # time in which they count may be over at any moment, so that the answers that were limited are looked at.
    assert tries(100) == [401] * 100
    wait_until(lambda: tries(6) == [429] * 6, seconds=5)
    limited = answers[-1]
    assert limited.media_type == TAXII
    assert orjson.loads(limited.body)["error_code"] == "too-many-failures"
    assert 1 <= int(limited.header("retry-after") or 0) <= 60
    assert ask(address, "GET", path, right, source="127.77.0.1").status == 200
    assert ask(address, "GET", path, wrong, source="127.77.0.2").status == 401


# -- The checker is checked: each of these faults, put between it and the node, must be found.


@dataclass(frozen=True, slots=True)
class Seeded:
    """A fault, and what the checker must say of it."""

    name: str
    tamper: Callable[[Range], Tamper]
    said: str


def _instead(change: Callable[[bytes], bytes]) -> Callable[[Range], Tamper]:
    """The answer to the case is changed; those to other requests are not."""
    return lambda _ground: lambda request, answer: change(answer) if b"limit=0" in request else answer


def _before_answering(act: Callable[[Range], None]) -> Callable[[Range], Tamper]:
    """Something is done to the node while the case is on its way."""

    def made(ground: Range) -> Tamper:
        def tamper(request: bytes, answer: bytes) -> bytes:
            if b"limit=0" in request:
                act(ground)
            return answer

        return tamper

    return made


def _then_failing(ground: Range) -> Tamper:
    """The node is broken by the case: every later answer is a 503."""
    seen: list[bytes] = []

    def tamper(request: bytes, answer: bytes) -> bytes:
        broken = answer.replace(b"HTTP/1.1 2", b"HTTP/1.1 5", 1) if seen else answer
        seen.extend([request] if b"limit=0" in request else [])
        return broken

    return tamper


def _members(change: Callable[[dict[str, object]], object]) -> Callable[[Range], Tamper]:
    def changed(answer: bytes) -> bytes:
        head, _, body = answer.partition(b"\r\n\r\n")
        value = orjson.loads(body)
        change(value)
        written = orjson.dumps(value)
        return re.sub(rb"(?i)content-length: \d+", b"content-length: %d" % len(written), head) + b"\r\n\r\n" + written

    return _instead(changed)


def _log(ground: Range, text: str) -> None:
    with ground.served.log.open("a", encoding="utf-8") as log:
        log.write(text)


EXTRA = object_bytes({}, {b"{uuid}": b"6a4a9e3e-3b6e-4a53-8d7c-0f4b7f6d2b11"})
EXTRA_ID = "indicator--6a4a9e3e-3b6e-4a53-8d7c-0f4b7f6d2b11"


def _change(ground: Range, method: str, path: str, body: bytes | None = None) -> Answer:
    watch = {"Authorization": f"Bearer {ground.prepared.tokens['watch'].token}", "Accept": TAXII}
    target = f"{ROOT}collections/{ground.prepared.collections['target']}/objects/{path}"
    return ask(ground.served.address, method, target, watch | {"Content-Type": TAXII}, body)


def _store(ground: Range) -> None:
    assert _change(ground, "POST", "", b'{"objects":[' + EXTRA + b"]}").status == 202


def _withdraw(ground: Range) -> None:
    assert _change(ground, "DELETE", f"{EXTRA_ID}/").status == 200


SEEDED = [
    Seeded("a 500", _instead(lambda a: a.replace(b"HTTP/1.1 400", b"HTTP/1.1 500")), "a server error: 500"),
    Seeded("a 404 where a 400 is right", _instead(lambda a: a.replace(b"HTTP/1.1 400", b"HTTP/1.1 404")), "got 404"),
    Seeded("silence", _instead(lambda a: b""), "got no answer"),
    Seeded("half an answer", _instead(lambda a: a[:-5]), "the answer is no HTTP"),
    Seeded("no HTTP", _instead(lambda a: b"oops\r\n\r\n"), "the answer is no HTTP"),
    Seeded(
        "plain text", _instead(lambda a: a.replace(b"application/taxii+json;version=2.1", b"text/plain")), "text/pl"
    ),
    Seeded("no title", _members(lambda body: body.pop("title")), "without a title"),
    Seeded("a wrong http_status", _members(lambda body: body.update(http_status="404")), "http_status is"),
    Seeded("a number as http_status", _members(lambda body: body.update(http_status=400)), "http_status is"),
    Seeded("another code", _members(lambda body: body.update(error_code="error")), "error_code is"),
    Seeded("no code", _members(lambda body: body.pop("error_code")), "error_code is"),
    Seeded("no place", _members(lambda body: body.pop("details")), "no place"),
    Seeded("another place", _members(lambda body: body.update(details={"where": "next"})), "no place"),
    Seeded("something stored", _before_answering(_store), "have changed|has changed"),
    Seeded("something withdrawn", _before_answering(_withdraw), "have changed|has changed"),
    Seeded("a traceback", _before_answering(lambda ground: _log(ground, '{"traceback": "Traceback"}\n')), "Traceback"),
    Seeded("an error", _before_answering(lambda ground: _log(ground, '{"level": "error"}\n')), "has an error"),
    Seeded("a line of print", _before_answering(lambda ground: _log(ground, "here\n")), "no JSON"),
    Seeded(
        "a secret",
        _before_answering(lambda g: _log(g, f'{{"x": "{g.prepared.tokens["full"].secret}"}}\n')),
        "a secret",
    ),
    Seeded("a slow answer", _before_answering(lambda _: time.sleep(0.5)), "it took"),
    Seeded("a broken node", _then_failing, "the next good"),
]


@pytest.fixture
def small_ground(tmp_path: Path) -> Iterator[Range]:
    """A range of its own, since its log and contents are spoilt on purpose."""
    prepared = Prepared()
    with served_home(tmp_path, prepare=prepared) as served:
        yield Range.over(served, prepared, growth_bytes_max=GROWTH_BYTES_MAX)


def test_every_seeded_fault_is_found_and_none_where_there_is_none(small_ground: Range) -> None:
    (nought,) = (case for case in CASES if case.label == "parameters: limit: nought")
    nought = replace(nought, seconds_max=0.4)
    with Between(small_ground.served.address, lambda _request, answer: answer) as honest:
        assert small_ground.through(honest.address).check(nought) == []
    missed = {}
    for seeded in SEEDED:
        with Between(small_ground.served.address, seeded.tamper(small_ground)) as between:
            problems = small_ground.through(between.address).check(nought)
        if not re.search(seeded.said, "; ".join(problems)):
            missed[seeded.name] = problems
    assert missed == {}


def test_a_process_that_ended_or_grew_is_found(small_ground: Range) -> None:
    (nought,) = (case for case in CASES if case.label == "parameters: limit: nought")
    grown = replace(small_ground, growth_bytes_max=-1)
    assert any("has grown" in problem for problem in grown.check(nought))
    with subprocess.Popen([sys.executable, "-c", ""], text=True, encoding="utf-8") as other:
        other.wait()
    ended = replace(small_ground, served=replace(small_ground.served, process=other))
    assert any("has ended" in problem for problem in ended.check(nought))


def test_a_status_that_took_what_it_should_not_is_found() -> None:
    (case,) = (case for case in CASES if case.label == "stix_times: modified: year zero")
    counts = {"total_count": 1, "success_count": 1, "failure_count": 0, "pending_count": 0}
    taken = counts | {"successes": [{"id": "x", "version": "0000-01-01T00:00:00Z"}]}
    said = "; ".join(judge(case, [Answer(202, (), orjson.dumps(taken))]))
    assert re.search("an object was taken", said)
    assert re.search("no failure names 'modified'", said)
    assert re.search("no timestamp", said)
    odd = counts | {"total_count": 2, "success_count": 0, "failure_count": 1, "failures": [{"id": "x"}]}
    said = "; ".join(judge(case, [Answer(202, (), orjson.dumps(odd))]))
    assert re.search("do not add up", said)
    assert re.search("without a message", said)
