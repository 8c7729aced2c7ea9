"""What is to be done later, in every store: nothing is lost, and nothing is held twice."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from tests.data import ROOT
from tests.store_world import NOW, furnish, open_kind

from comity.store.interface import Store
from comity.store.nouns import Job

POLL = ("poll",)


def _enqueued(store: Store, *jobs: Job) -> None:
    with store.write() as tx:
        for job in jobs:
            tx.enqueue(job)


def _claimed(store: Store, now: int = NOW, lease: str = "a", *, us: int = 10, kinds: tuple[str, ...] = POLL) -> Job:
    with store.write() as tx:
        job = tx.claim(now, us, kinds, lease)
    assert job is not None
    return job


def _none(store: Store, now: int = NOW, kinds: tuple[str, ...] = POLL) -> bool:
    with store.write() as tx:
        return tx.claim(now, 10, kinds, "none") is None


def test_jobs_come_by_due_time_and_not_before_it_and_only_of_the_kinds_asked_for(store: Store) -> None:
    _enqueued(store, *(Job("poll", key, due_at=NOW + due) for key, due in (("c", 0), ("b", -5), ("a", 0), ("z", 1))))
    _enqueued(store, Job("post", "first", due_at=0))
    assert [_claimed(store, lease=lease).key for lease in "123"] == ["b", "a", "c"]
    assert _none(store)
    assert _none(store, NOW, ())
    assert _claimed(store, NOW + 1, "4").key == "z"
    with store.read() as snapshot:
        assert [job.key for job in snapshot.jobs()] == ["first", "b", "a", "c", "z"]


def test_a_job_is_kept_as_it_was_given(store: Store) -> None:
    given = Job("poll", "a", b"\0payload\xff", NOW, attempts=7, last_error="old", lease="x", leased_until=1)
    _enqueued(store, given)
    plain = replace(given, attempts=0, last_error="", lease=None, leased_until=None)
    with store.read() as snapshot:
        assert snapshot.jobs() == [plain]
    job = _claimed(store, NOW + 3)
    assert job == replace(plain, attempts=1, lease="a", leased_until=NOW + 13)
    with store.read() as snapshot:
        assert snapshot.jobs() == [job]


def test_a_transaction_that_is_rolled_back_enqueues_and_claims_nothing(store: Store) -> None:
    with pytest.raises(KeyError), store.write() as tx:  # noqa: PT012
        tx.enqueue(Job("poll", "a", due_at=NOW))
        raise KeyError
    assert _none(store)
    _enqueued(store, Job("poll", "a", due_at=NOW))
    with pytest.raises(KeyError), store.write() as tx:  # noqa: PT012
        assert tx.claim(NOW, 10, POLL, "a") is not None
        raise KeyError
    assert _claimed(store).attempts == 1


def test_what_nobody_holds_is_replaced(store: Store) -> None:
    _enqueued(store, Job("poll", "a", b"old", NOW))
    job = _claimed(store)
    with store.write() as tx:
        assert tx.put_back(job, NOW, "went wrong")
        assert tx.jobs() == [Job("poll", "a", b"old", NOW, 1, "went wrong")]
    new = Job("poll", "a", b"new", NOW + 5)
    _enqueued(store, new)
    with store.read() as snapshot:
        assert snapshot.jobs() == [new]


@pytest.mark.parametrize("end", ["finish", "put_back", "lease"])
def test_what_is_held_goes_on_alone_and_is_there_again_as_it_was_enqueued_meanwhile(store: Store, end: str) -> None:
    _enqueued(store, Job("poll", "a", b"old", NOW))
    job = _claimed(store)
    new = Job("poll", "a", b"new", NOW + 5)
    _enqueued(store, new)
    assert _none(store, NOW + 9)
    with store.write() as tx:
        if end == "finish":
            assert tx.finish(job)
        elif end == "put_back":
            assert tx.put_back(job, NOW + 1000, "")
        expected = tx.jobs()[0] if end == "lease" else new
        assert tx.jobs() == [expected]
    assert _claimed(store, NOW + 10, "b") == replace(new, attempts=1, lease="b", leased_until=NOW + 20)
    assert _none(store, NOW + 19)


def test_what_is_finished_is_gone_once(store: Store) -> None:
    _enqueued(store, Job("poll", "a", due_at=NOW), Job("poll", "b", due_at=NOW))
    job = _claimed(store)
    with store.write() as tx:
        assert tx.finish(job)
        assert not tx.finish(job)
        assert not tx.put_back(job, NOW, "")
        assert not tx.renew(job, NOW + 50)
        assert [left.key for left in tx.jobs()] == ["b"]


def test_a_lease_that_ended_can_be_claimed_again_and_the_slow_worker_ends_nothing(store: Store) -> None:
    _enqueued(store, Job("poll", "a", due_at=NOW))
    slow = _claimed(store)
    assert _none(store, NOW + 9)
    quick = _claimed(store, NOW + 10, "b")
    assert quick.attempts == 2
    with store.write() as tx:
        assert not tx.finish(slow)
        assert not tx.put_back(slow, NOW, "late")
        assert not tx.renew(slow, NOW + 50)
        assert tx.jobs() == [quick]
        assert tx.finish(quick)
    _enqueued(store, Job("poll", "a", due_at=NOW))
    again = _claimed(store, NOW, "c")
    with store.write() as tx:
        assert not tx.finish(slow)
        assert tx.jobs() == [again]


def test_a_lease_that_ended_still_counts_while_nobody_else_claimed(store: Store) -> None:
    _enqueued(store, Job("poll", "a", due_at=NOW), Job("poll", "b", due_at=NOW))
    first, second = _claimed(store), _claimed(store, lease="b")
    with store.write() as tx:
        assert tx.renew(first, NOW + 30)
    assert _none(store, NOW + 9)
    with store.write() as tx:
        assert tx.finish(second)
        assert tx.claim(NOW + 29, 10, POLL, "c") is None
        assert tx.claim(NOW + 30, 10, POLL, "c") is not None


def test_an_error_keeps_the_count_of_attempts_and_success_begins_again(store: Store) -> None:
    _enqueued(store, Job("poll", "a", due_at=NOW))
    for number in (1, 2, 3):
        job = _claimed(store, lease=str(number))
        assert (job.attempts, job.last_error) == (number, f"error {number - 1}" if number > 1 else "")
        with store.write() as tx:
            assert tx.put_back(job, NOW, f"error {number}")
    job = _claimed(store, lease="4")
    with store.write() as tx:
        assert tx.put_back(job, NOW + 7, "")
        assert tx.jobs() == [Job("poll", "a", due_at=NOW + 7)]


def test_the_next_claim_can_be_foretold(store: Store) -> None:
    with store.read() as snapshot:
        assert snapshot.next_job_at(POLL) is None
    _enqueued(store, Job("poll", "a", due_at=NOW + 3), Job("poll", "b", due_at=NOW + 20), Job("post", "c", due_at=0))
    with store.read() as snapshot:
        assert snapshot.next_job_at(POLL) == NOW + 3
        assert snapshot.next_job_at(("poll", "post")) == 0
        assert snapshot.next_job_at(()) is None
    job = _claimed(store, NOW + 3, us=10)
    with store.read() as snapshot:
        assert snapshot.next_job_at(POLL) == NOW + 13
    with store.write() as tx:
        tx.put_back(job, NOW + 30, "")
    with store.read() as snapshot:
        assert snapshot.next_job_at(POLL) == NOW + 20


class JobMachine(RuleBasedStateMachine):
    """The jobs of a store beside their slow twin, a list that says for each claim what must hold of it."""

    kind = "sqlite"
    keys = st.sampled_from(["a", "b", "c"])
    kinds = st.sampled_from(["poll", "post"])

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.store = furnish(open_kind(self.kind, self.folder))
        self.now = NOW
        self.twin: dict[tuple[str, str], Job] = {}
        self.waiting: dict[tuple[str, str], Job] = {}
        """What was enqueued while the job of that place was held."""
        self.claims: list[Job] = []
        self.numbers = 0

    def teardown(self) -> None:
        assert self.store.check() == []
        self.store.close()
        shutil.rmtree(self.folder)

    def _number(self) -> str:
        self.numbers += 1
        return str(self.numbers)

    @rule(kind=kinds, key=keys, due=st.integers(-3, 6), rollback=st.booleans())
    def enqueue(self, kind: str, key: str, due: int, rollback: bool) -> None:
        job = Job(kind, key, self._number().encode(), self.now + due)
        try:
            with self.store.write() as tx:
                tx.enqueue(job)
                if rollback:
                    raise KeyError
        except KeyError:
            return
        place = (kind, key)
        held = self.twin.get(place)
        if held is not None and held.lease is not None:
            self.waiting[place] = job
        else:
            self.twin[place] = job

    @rule(kinds=st.sampled_from([("poll",), ("post",), ("post", "poll"), ()]), us=st.integers(1, 4))
    def claim(self, kinds: tuple[str, ...], us: int) -> None:
        lease = self._number()
        open = []
        for place, job in self.twin.items():
            job = self.waiting.get(place, job)
            until = self.twin[place].leased_until
            if job.kind in kinds and job.due_at <= self.now and (until is None or until <= self.now):
                open.append(job)
        with self.store.write() as tx:
            got = tx.claim(self.now, us, kinds, lease)
        if not open:
            assert got is None
            return
        first = min(open, key=lambda job: (job.due_at, job.kind, job.key))
        assert got == replace(first, attempts=first.attempts + 1, lease=lease, leased_until=self.now + us)
        self.waiting.pop((got.kind, got.key), None)
        self.twin[got.kind, got.key] = got
        self.claims.append(got)

    @rule(
        which=st.integers(0, 5), how=st.sampled_from(["finish", "put back", "fail", "renew"]), later=st.integers(0, 5)
    )
    def end(self, which: int, how: str, later: int) -> None:
        if not self.claims:
            return
        job = self.claims[-1 - which % len(self.claims)]
        place = (job.kind, job.key)
        held = self.twin.get(place)
        holds = held is not None and held.lease == job.lease
        due = self.now + later
        with self.store.write() as tx:
            if how == "finish":
                said = tx.finish(job)
            elif how == "renew":
                said = tx.renew(job, due)
            else:
                said = tx.put_back(job, due, "bad" if how == "fail" else "")
        assert said == holds
        if held is None or not holds:
            return
        waiting = self.waiting.get(place)
        if how == "renew":
            self.twin[place] = replace(held, leased_until=due)
        elif waiting is not None:
            del self.waiting[place]
            self.twin[place] = replace(waiting, last_error="bad" if how == "fail" else "")
        elif how == "finish":
            del self.twin[place]
        else:
            error, attempts = ("bad", held.attempts) if how == "fail" else ("", 0)
            self.twin[place] = replace(
                held, due_at=due, lease=None, leased_until=None, last_error=error, attempts=attempts
            )

    @rule(by=st.integers(0, 3))
    def time_goes_on(self, by: int) -> None:
        self.now += by

    @invariant()
    def the_store_says_what_its_twin_says(self) -> None:
        told = {}
        for place, job in self.twin.items():
            waiting = self.waiting.get(place)
            if waiting is not None:
                job = replace(waiting, lease=job.lease, leased_until=job.leased_until)
            told[place] = job
        with self.store.read() as snapshot:
            jobs = snapshot.jobs()
            nexts = {kind: snapshot.next_job_at((kind,)) for kind in ("poll", "post")}
        assert jobs == sorted(told.values(), key=lambda job: (job.due_at, job.kind, job.key))
        for kind, at in nexts.items():
            moments = [max(job.due_at, job.leased_until or 0) for job in jobs if job.kind == kind]
            assert at == min(moments, default=None)


@pytest.mark.slow
def test_a_random_life_of_jobs_is_that_of_their_slow_twin(store_kind: str) -> None:
    machine = type("Machine", (JobMachine,), {"kind": store_kind})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=40, stateful_step_count=30, suppress_health_check=list(HealthCheck))
    )


_WORKER = """
import os, sys, time, uuid
from pathlib import Path
from tests.store_world import open_kind

store = open_kind(sys.argv[1], Path(sys.argv[2]))
log = os.open(sys.argv[3], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

def told(word, job):
    os.write(log, f"{time.monotonic_ns()} {word} {job.key} {job.lease}\\n".encode())
    os.fsync(log)

print("ready", flush=True)
while True:
    with store.write() as tx:
        job = tx.claim(time.time_ns() // 1000, 300_000, ("work",), str(uuid.uuid4()))
    if job is None:
        time.sleep(0.01)
        continue
    told("began", job)
    time.sleep(0.002)
    with store.write() as tx:
        ended = tx.finish(job)
    told("ended" if ended else "lost", job)
"""


def _worker(kind: str, folder: Path, log: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _WORKER, kind, str(folder), str(log)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.slow
def test_workers_that_are_killed_lose_no_job_and_no_job_is_run_by_two_at_once(store_kind: str, tmp_path: Path) -> None:
    store = furnish(open_kind(store_kind, tmp_path))
    count = 400
    _enqueued(store, *(Job("work", f"{number:04}", due_at=number) for number in range(count)))
    logs = []
    for round in range(3):
        workers = []
        for number in range(2):
            logs.append(tmp_path / f"{round}-{number}.log")
            workers.append(_worker(store_kind, tmp_path, logs[-1]))
        time.sleep(0.25)
        for worker in workers:
            worker.kill()
            worker.wait()
            assert worker.stdout is not None
            worker.stdout.close()
    last = tmp_path / "last.log"
    worker = _worker(store_kind, tmp_path, last)
    deadline = time.monotonic() + 30
    left = count
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        with store.read() as snapshot:
            left = len(snapshot.jobs())
    worker.kill()
    worker.wait()
    assert worker.stdout is not None
    worker.stdout.close()
    assert left == 0
    lines = sorted(
        (int(at), word, key, lease)
        for log in [*logs, last]
        for at, word, key, lease in (line.split() for line in log.read_text(encoding="utf-8").splitlines())
    )
    began = Counter(key for _, word, key, _ in lines if word == "began")
    assert len(began) == count, "each job was begun"
    killed = sum(began.values()) - count
    assert sum(word == "ended" for _, word, *_ in lines) <= count
    holder: dict[str, tuple[int, str]] = {}
    for at, word, key, lease in lines:
        if word != "began":
            assert holder.pop(key)[1] == lease, "the holder alone ends it"
        else:
            assert key not in holder or at - holder[key][0] >= 250_000_000, "another begins only when the lease is over"
            holder[key] = (at, lease)
    assert killed, "a worker was killed while it held a job"
    assert store.check() == []
    store.close()
