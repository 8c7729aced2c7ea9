"""The range: a served node, every hostile case fired at it, and the judgement of what came back and what it left."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import orjson
import psutil
from tests.hostile_cases import Case, build, object_bytes
from tests.served import Served
from tests.wire import Answer, MalformedAnswerError, Wire, ask, chunked, request_bytes

from comity.node.access import NewToken
from comity.node.node import Node
from comity.stix.timestamp import instant_key

TAXII = "application/taxii+json;version=2.1"
ROOT = "/taxii2/root/"
PLACED = frozenset({400, 406, 413, 415, 416, 422, 431})
"""The refusals of something in the request: they say where in it the fault is."""
LATE_SECONDS = 0.03
SEEDED = 5


class PastClock:
    """A hundred days ago, so that what is issued for a day is over."""

    def now(self) -> datetime:
        """That instant."""
        return datetime.now(UTC) - timedelta(days=100)

    def steady(self) -> tuple[str, int]:
        """Of another run of the machine."""
        return "past", 0


@dataclass(slots=True)
class Prepared:
    """What the range needs to know of the node, made before it is served."""

    tokens: dict[str, NewToken] = field(default_factory=dict)
    collections: dict[str, str] = field(default_factory=dict)

    def __call__(self, node: Node) -> None:
        self.collections = {"target": node.collection("default").id}
        for name in ("elsewhere", "wake"):
            self.collections[name] = node.add_collection(name).id
        node.add_source("strict feed", strict=True)
        target, elsewhere = self.collections["target"], self.collections["elsewhere"]
        self.tokens = {
            "watch": node.new_token("watch", read=["all"], write=["all"]),
            "full": node.new_token("full", read=[target], write=[target]),
            "strict": node.new_token("strict", read=[target], write=[target], source="strict feed"),
            "read_only": node.new_token("read only", read=[target]),
            "write_only": node.new_token("write only", write=[target]),
            "other": node.new_token("other", read=[elsewhere], write=[elsewhere]),
        }
        revoked = node.new_token("revoked", read=["all"], write=["all"])
        node.revoke_token(revoked.user)
        self.tokens["revoked"] = revoked
        clock, node.clock = node.clock, PastClock()
        self.tokens["expired"] = node.new_token("expired", read=["all"], write=["all"], days=1)
        node.clock = clock


@dataclass(frozen=True, slots=True)
class Range:
    """Fires cases at `address` and watches the node behind it."""

    served: Served
    prepared: Prepared
    address: tuple[str, int]
    names: Mapping[bytes, bytes]
    growth_bytes_max: int
    _known: list[bytes] = field(default_factory=list)

    @classmethod
    def over(cls, served: Served, prepared: Prepared, *, growth_bytes_max: int) -> "Range":
        """The range over a node that was just served: some objects are put in, and positions to tamper with taken."""
        tokens, collections = prepared.tokens, prepared.collections
        host, port = served.address
        at = {name: f"{ROOT}collections/{id}/" for name, id in collections.items()}
        names: dict[str, str] = {
            "host": f"{host}:{port}",
            "root": ROOT,
            "collection": at["target"],
            "collection_id": collections["target"],
            "elsewhere": at["elsewhere"],
            "elsewhere_id": collections["elsewhere"],
            "unknown": f"{ROOT}collections/00000000-0000-4000-8000-000000000000/",
            "user": tokens["full"].user,
            "secret": tokens["full"].secret,
            "token": tokens["full"].token,
        }
        watch = {"Authorization": f"Bearer {tokens['watch'].token}", "Accept": TAXII}
        for place in ("target", "elsewhere"):
            seeds = [b'{"uuid":"%d-%s"}' % (n, place.encode()) for n in range(SEEDED)]
            objects = [_good(seed) for seed in seeds]
            body = b'{"objects":[' + b",".join(objects) + b"]}"
            answer = ask(served.address, "POST", f"{at[place]}objects/", watch | {"Content-Type": TAXII}, body)
            assert answer.status == 202, answer
            names["object_id" if place == "target" else "elsewhere_object_id"] = orjson.loads(objects[0])["id"]
        names["object"] = f"{at['target']}objects/{names['object_id']}/"
        names["status"] = f"{ROOT}status/{orjson.loads(answer.body)['id']}/"
        for name, path in {
            "next": f"{at['target']}objects/?limit=2",
            "next_type": f"{at['target']}objects/?limit=2&match[type]=indicator",
            "next_elsewhere": f"{at['elsewhere']}objects/?limit=2",
            "next_manifest": f"{at['target']}manifest/?limit=2",
        }.items():
            names[name] = orjson.loads(ask(served.address, "GET", path, watch).body)["next"]
        filled = {b"{%s}" % name.encode(): value.encode() for name, value in names.items()}
        return cls(served, prepared, served.address, filled, growth_bytes_max)

    def through(self, address: tuple[str, int]) -> "Range":
        """The same range, its cases fired at another address."""
        return replace(self, address=address)

    # -- firing

    def payload(self, case: Case) -> bytes:
        """The bytes that the case sends."""
        names = dict(self.names) | dict(case.names)
        if case.raw is not None:
            return build(case.raw, names | {b"{authorization}": self._authorization(case.who).encode()})
        target = build(case.path, names)
        if case.query is not None:
            target += b"?" + (case.query if isinstance(case.query, bytes) else build(case.query, names))
        body = None if case.body is None else build(case.body, names)
        given = [(name, value) for name, value in case.headers if value is not None]
        headers = [(name.encode(), build(value, names)) for name, value in given]
        taken = {name.lower() for name, _ in case.headers}
        defaults = [("Host", self.names[b"{host}"].decode()), ("Accept", TAXII), ("Connection", "close")]
        if case.who not in ("none", "header"):
            defaults.append(("Authorization", self._authorization(case.who)))
        if body is not None:
            defaults.append(("Content-Type", TAXII))
            if case.chunked:
                body = chunked(body)
                defaults.append(("Transfer-Encoding", "chunked"))
            elif "transfer-encoding" not in taken:
                defaults.append(("Content-Length", str(len(body))))
        added = [(name.encode(), value.encode()) for name, value in defaults if name.lower() not in taken]
        return request_bytes(case.method.encode(), target, added + headers, body or b"")

    def _authorization(self, who: str) -> str:
        if who == "wrong":
            return f"Bearer comity_{self.prepared.tokens['full'].user}_{'A' * 43}"
        token = self.prepared.tokens["full" if who in ("basic", "header", "none") else who]
        return f"Bearer {token.token}"

    def fire(self, case: Case) -> list[Answer]:
        """Everything that the server answers to the case: for a request by hand there may be several answers."""
        method = case.method.encode() if case.raw is None else b"GET"
        with Wire(self.address, source=_caller(case), timeout_seconds=case.patience_seconds) as wire:
            wire.send(self.payload(case))
            answers: list[Answer] = []
            answer = wire.answer(method)
            while answer is not None and len(answers) < 10:
                answers.append(answer)
                answer = None
                if case.raw is not None:
                    answer = wire.answer(method, patience_seconds=LATE_SECONDS)
        return answers

    # -- judging

    def check(self, case: Case) -> list[str]:
        """What is wrong with how the node took the case, a sentence each; empty where all is well."""
        before, log_at = self._known[-1] if self._known else self.contents(), self.served.log.stat().st_size
        self.served.forget_highest()
        held = self.served.resident_bytes()
        started = time.monotonic()
        problems = []
        try:
            answers = self.fire(case)
        except MalformedAnswerError as error:
            answers = []
            problems.append(f"the answer is no HTTP: {error}")
        took = time.monotonic() - started
        problems += judge(case, answers)
        if took > case.seconds_max and 0 not in case.expect:
            problems.append(f"it took {took:.1f} s")
        problems += self.aftermath(case, log_at)
        growth = self.served.resident_bytes(highest=True) - held if not self._ended else 0
        if growth > self.growth_bytes_max:
            problems.append(f"the process has grown by {growth / 2**20:.0f} MiB")
        after = self.contents()
        self._known[:] = [after]
        if not case.may_store and after != before:
            problems.append("what the collections hold has changed")
        return problems

    def aftermath(self, case: Case, log_at: int) -> list[str]:
        """What is wrong with the node after the case: process, memory, log, and the next good requests."""
        problems = []
        if self._ended:
            return [f"the process has ended: {self.served.log.read_text(encoding='utf-8')[-1000:]}"]
        watch = {"Authorization": f"Bearer {self.prepared.tokens['watch'].token}", "Accept": TAXII}
        target, wake = (f"{ROOT}collections/{self.prepared.collections[name]}/objects/" for name in ("target", "wake"))
        try:
            read = ask(self.address, "GET", f"{target}?limit=1", watch)
            if read.status != 200 or len(orjson.loads(read.body).get("objects", [])) != 1:
                problems.append(f"the next good GET got {read.status} {read.body[:200]!r}")
            body = b'{"objects":[' + _good(case.label.encode()) + b"]}"
            written = ask(self.address, "POST", wake, watch | {"Content-Type": TAXII}, body)
            if written.status != 202 or orjson.loads(written.body)["success_count"] != 1:
                problems.append(f"the next good POST got {written.status} {written.body[:300]!r}")
        except (MalformedAnswerError, OSError, orjson.JSONDecodeError) as error:
            problems.append(f"the next good request failed: {error!r}")
        problems += judge_log(self._log_from(log_at), self._secrets())
        return problems

    @property
    def _ended(self) -> bool:
        return self.served.process.poll() is not None

    def contents(self) -> bytes:
        """A digest of what the node shows in the two collections that cases may reach: ids, versions, dates."""
        watch = {"Authorization": f"Bearer {self.prepared.tokens['watch'].token}", "Accept": TAXII}
        digest = hashlib.sha256()
        for name in ("target", "elsewhere"):
            path = f"{ROOT}collections/{self.prepared.collections[name]}/manifest/?match[version]=all"
            following = ""
            while True:
                answer = ask(self.served.address, "GET", path + following, watch)
                assert answer.status == 200, answer
                page = orjson.loads(answer.body)
                digest.update(orjson.dumps(page.get("objects")))
                if not page.get("more"):
                    break
                following = f"&next={quote(page['next'])}"
        return digest.digest()

    def _log_from(self, place: int) -> bytes:
        """The whole lines of the log from there on, and the one that was being written there."""
        with self.served.log.open("rb") as file:
            start = max(0, place - 4096)
            file.seek(start)
            log = file.read()
        begin = log.rfind(b"\n", 0, place - start) + 1
        return log[begin : log.rfind(b"\n") + 1]

    def threads_and_files(self) -> tuple[int, int]:
        """How many threads and open files the served process has."""
        process = psutil.Process(self.served.process.pid)
        return process.num_threads(), process.num_fds()

    def _secrets(self) -> list[bytes]:
        return [token.secret.encode() for token in self.prepared.tokens.values()]


def judge(case: Case, answers: list[Answer]) -> list[str]:
    """What is wrong with the answers to the case, a sentence each."""
    got = [answer.status for answer in answers]
    if not answers:
        return [] if 0 in case.expect else [f"expected {_words(case.expect)}, got no answer"]
    problems = [f"expected {_words(case.expect)}, got {status}" for status in got if status not in case.expect]
    problems += [f"a server error: {status}" for status in got if status >= 500]
    if problems:
        problems.append(f"the body is {answers[0].body[:300]!r}")
    for answer in answers:
        if answer.status >= 400 and case.taxii and case.method != "HEAD":
            problems += judge_error(case, answer)
        if answer.status == 202:
            problems += judge_status(case, answer)
    return problems


def judge_error(case: Case, answer: Answer) -> list[str]:
    """What is wrong with an error body under /taxii2/ (TAXII 2.1 section 3.6.1), and whether it says what and where."""
    if answer.media_type != TAXII:
        return [f"an error with Content-Type {answer.header('content-type')!r}: {answer.body[:200]!r}"]
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return [f"an error body that is no JSON: {answer.body[:200]!r}"]
    problems = []
    if not isinstance(body, dict) or not isinstance(body.get("title"), str) or not body["title"]:
        return [f"an error message without a title: {answer.body[:200]!r}"]
    if body.get("http_status") != str(answer.status):
        problems.append(f"http_status is {body.get('http_status')!r} in a {answer.status}")
    if not isinstance(body.get("error_code"), str) or (case.code and body["error_code"] != case.code):
        problems.append(
            f"error_code is {body.get('error_code')!r}, expected {case.code or 'any'}: {answer.body[:300]!r}"
        )
    details = body.get("details", {})
    where = details.get("where", "") if isinstance(details, dict) else ""
    if (answer.status in PLACED and not where) or case.where not in where:
        problems.append(f"no place {case.where!r} in the refusal: {answer.body[:300]!r}")
    if answer.status == 401 and not answer.header("www-authenticate"):
        problems.append("a 401 without WWW-Authenticate")
    if answer.status == 405 and answer.header("allow") is None:
        problems.append("a 405 without Allow")
    return problems


def judge_status(case: Case, answer: Answer) -> list[str]:
    """What is wrong with a status resource, and whether its failures say where."""
    status = orjson.loads(answer.body)
    counted = [status[f"{kind}_count"] for kind in ("success", "failure", "pending")]
    problems = [] if sum(counted) == status["total_count"] else [f"the counts do not add up: {status}"]
    failures = status.get("failures", [])
    if status["success_count"] and not case.may_store:
        problems.append(f"an object was taken: {answer.body[:300]!r}")
    if case.place and not any(case.place in failure.get("message", "") for failure in failures):
        problems.append(f"no failure names {case.place!r}: {answer.body[:500]!r}")
    problems += [f"a failure without a message: {failure}" for failure in failures if not failure.get("message")]
    versions = [item.get("version", "") for item in failures + status.get("successes", [])]
    problems += [f"a version that is no timestamp: {version!r}" for version in versions if instant_key(version) is None]
    return problems


def judge_log(log: bytes, secrets: list[bytes]) -> list[str]:
    """What is wrong with these lines of a log: exceptions, errors, secrets, and lines that are no JSON."""
    problems = [f"the log shows {word.decode()!r}" for word in (b"Traceback", b"Exception in") if word in log]
    problems += ["the log shows a secret" for secret in secrets if secret in log]
    for line in log.splitlines():
        try:
            entry: Any = orjson.loads(line)
        except orjson.JSONDecodeError:
            problems.append(f"a log line is no JSON: {line[:300]!r}")
            continue
        if str(entry.get("level", "")).lower() in ("error", "critical", "fatal"):
            problems.append(f"the log has an error: {line[:500]!r}")
    return problems


def _words(expected: tuple[int, ...]) -> str:
    return ", ".join(map(str, expected)) if len(expected) < 10 else f"{expected[-1] // 100}xx"


def _good(seed: bytes) -> bytes:
    digest = hashlib.sha256(seed).hexdigest()
    uuid = f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
    return object_bytes({}, {b"{uuid}": uuid.encode()})


def _caller(case: Case) -> str:
    """An address of this host for the case alone, so that failed sign-ins of one do not slow the others."""
    number = hashlib.sha256(case.label.encode()).digest()
    return f"127.{number[0] % 200 + 1}.{number[1]}.{number[2] % 250 + 1}"
