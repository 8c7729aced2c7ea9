"""Jobs of a node: run one at a time, tried again at growing distances, never dropped silently."""

import logging
import threading
from collections.abc import Callable

import pytest
from tests.served import wait_until
from tests.world import MadeClock, MadeEntropy, bundle, indicator

from comity.errors import ComityError, NotFound, Unavailable
from comity.interfaces import microseconds
from comity.node import jobs, work
from comity.node.doctor import Level, _jobs
from comity.node.node import Node
from comity.store.nouns import Job

SECOND = jobs.SECOND_US


def _now(node: Node) -> int:
    return microseconds(node.clock.now())


def _enqueue(node: Node, *keys: str, due_at: int = 0) -> None:
    with node.store.write() as tx:
        for key in keys:
            tx.enqueue(Job("test", key, b"payload", due_at))


def _ran(node: Node) -> jobs.Ran:
    ran = node.run_job()
    assert ran is not None
    return ran


def test_nothing_due_is_nothing_run_and_nothing_written(node: Node) -> None:
    node.handlers["test"] = lambda job, stopped: None
    _enqueue(node, "later", due_at=_now(node) + 1)
    with node.store.write():  # A writer is busy, and nobody waits for it.
        assert node.run_job() is None


def test_a_job_that_nobody_knows_is_left_alone(node: Node) -> None:
    _enqueue(node, "a")
    assert node.run_job() is None
    assert len(node.jobs()) == 1


def test_a_job_is_run_with_its_payload_and_is_gone_or_due_again_as_it_says(node: Node) -> None:
    seen: list[Job] = []
    later = _now(node) + 60 * SECOND

    def handle(job: Job, stopped: Callable[[], bool]) -> int | None:
        seen.append(job)
        return later if job.key == "recurs" else None

    node.handlers["test"] = handle
    _enqueue(node, "once", "recurs")
    assert (_ran(node).due_at, _ran(node).due_at, node.run_job()) == (None, later, None)
    assert [(job.key, job.payload, job.attempts) for job in seen] == [
        ("once", b"payload", 1),
        ("recurs", b"payload", 1),
    ]
    assert node.jobs() == [Job("test", "recurs", b"payload", later)]


def test_what_goes_wrong_is_written_beside_the_job_and_tried_again_later_each_time(
    node: Node, clock: MadeClock
) -> None:
    def handle(job: Job, stopped: Callable[[], bool]) -> int | None:
        raise NotFound(f"Attempt {job.attempts}.", hint="Try.")

    node.handlers["test"] = handle
    _enqueue(node, "a")
    waits = []
    for number in range(1, jobs.ATTEMPTS_MAX):
        ran = _ran(node)
        assert (ran.error, ran.parked) == (f"Attempt {number}. Try.", False)
        (job,) = node.jobs()
        assert (job.last_error, job.attempts, job.due_at) == (ran.error, number, ran.due_at)
        assert node.run_job() is None
        waits.append((job.due_at - _now(node)) / SECOND)
        clock.move(seconds=waits[-1] + 1)
    longest = [min(30 * 2**number, 6 * 3600) for number in range(len(waits))]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, longest, strict=True))
    assert len({wait / most for wait, most in zip(waits, longest, strict=True)}) == len(waits), "chance parts them"
    assert sum(longest) < 10 * 24 * 3600
    assert _ran(node).parked
    clock.move(days=3650)
    assert node.run_job() is None
    (found,) = _jobs(node)
    assert found.level is Level.WARN
    assert f"failed {jobs.ATTEMPTS_MAX} times, and is not tried again: Attempt {jobs.ATTEMPTS_MAX}." in found.what
    _enqueue(node, "a")
    assert _ran(node).job.attempts == 1


def test_doctor_tells_of_a_job_that_fails_again_and_again(node: Node, clock: MadeClock) -> None:
    def handle(job: Job, stopped: Callable[[], bool]) -> int | None:
        raise NotFound("No.")

    node.handlers["test"] = handle
    _enqueue(node, "a")
    levels = []
    for _ in range(jobs.ATTEMPTS_TOLD):
        _ran(node)
        levels.append([finding.level for finding in _jobs(node)])
        clock.move(hours=1)
    assert levels == [[Level.OK], [Level.OK], [Level.WARN]]


def test_the_other_side_is_not_asked_before_it_wants_to_be_within_reason(node: Node) -> None:
    entropy = MadeEntropy()
    assert jobs.retry_us(1, 7200, entropy) == 7200 * SECOND
    assert jobs.retry_us(1, 10**9, entropy) == jobs.WAIT_SECONDS_MAX * SECOND
    assert jobs.retry_us(10**6, 0, entropy) <= jobs.RETRY_SECONDS_MAX * SECOND
    node.handlers["test"] = _raising(Unavailable("Later.", retry_after_seconds=3600))
    _enqueue(node, "a")
    assert _ran(node).due_at == _now(node) + 3600 * SECOND


def _raising(error: Exception) -> jobs.Handler:
    def handle(job: Job, stopped: Callable[[], bool]) -> int | None:
        raise error

    return handle


def test_a_fault_of_ours_is_raised_and_the_job_is_kept(node: Node) -> None:
    node.handlers["test"] = _raising(KeyError("x" * 10_000))
    _enqueue(node, "a")
    with pytest.raises(KeyError):
        node.run_job()
    (job,) = node.jobs()
    assert job.last_error.startswith("unexpected KeyError")
    assert len(job.last_error) == jobs.ERROR_CHARACTERS_MAX
    assert job.due_at > _now(node)


def test_a_job_of_which_its_workers_die_waits_for_a_person_in_the_end(node: Node, clock: MadeClock) -> None:
    class Died(BaseException):
        pass

    node.handlers["test"] = _raising(Died())  # type: ignore[arg-type]
    _enqueue(node, "a")
    for _ in range(jobs.ATTEMPTS_MAX):
        with pytest.raises(Died):
            node.run_job()
        assert node.run_job() is None, "it is held"
        clock.move(seconds=jobs.LEASE_SECONDS)
    ran = _ran(node)
    assert ran.parked
    assert "every worker that held it ended" in ran.error


def test_a_worker_that_took_too_long_hears_of_it(node: Node, clock: MadeClock) -> None:
    quick: list[jobs.Ran | None] = []

    def handle(job: Job, stopped: Callable[[], bool]) -> int | None:
        if job.attempts == 1:
            clock.move(seconds=jobs.LEASE_SECONDS)
            quick.append(node.run_job())
        return None

    node.handlers["test"] = handle
    _enqueue(node, "a")
    assert "another worker took it over" in _ran(node).error
    assert quick[0] is not None
    assert quick[0].error == ""
    assert node.jobs() == []


def test_draining_looks_at_all_that_is_behind_and_runs_what_is_due_and_ends(node: Node) -> None:
    node.receive(bundle(indicator()))
    node.publish()
    node.receive(bundle(*(indicator() for _ in range(20))))
    node.handlers["test"] = lambda job, stopped: None if job.key != "bad" else _raising(NotFound("No."))(job, stopped)
    _enqueue(node, "a", "bad", "c")
    _enqueue(node, "later", due_at=_now(node) + 1)
    assert [(ran.job.key, ran.error) for ran in work.drain(node)] == [("a", ""), ("bad", "No."), ("c", "")]
    assert (node.counts().text_behind, node.counts().relations_behind) == (0, 0)
    assert [job.key for job in node.jobs()] == ["later", "bad"]
    assert list(work.drain(node, lambda: True)) == []


def test_a_node_that_publishes_nothing_does_not_look_at_what_objects_refer_to(node: Node) -> None:
    node.receive(bundle(*(indicator() for _ in range(20))))
    assert list(work.drain(node)) == []
    assert (node.counts().text_behind, node.counts().relations_behind) == (0, 20)


def test_a_worker_runs_jobs_beside_the_text_index_and_goes_on_after_faults(
    node: Node, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(work, "SECONDS_AFTER_FAULT", 0.01)
    monkeypatch.setattr(work, "SECONDS_IDLE", 0.01)
    release, begun = threading.Event(), threading.Event()
    ended: list[str] = []

    def handle(job: Job, stopped: Callable[[], bool]) -> int | None:
        if job.key == "a bug":
            raise KeyError
        if job.key == "b slow":
            begun.set()
            assert release.wait(10)
        if job.key == "c refused":
            raise ComityError("Not now.")
        ended.append(job.key)
        return None

    node.handlers["test"] = handle
    node.receive(bundle(*(indicator() for _ in range(20))))
    _enqueue(node, "a bug", "b slow", "c refused", "d")
    idle = threading.Event()
    worker = work.Worker(node, on_idle=idle.set)
    with caplog.at_level(logging.WARNING, logger="comity.work"):
        worker.start()
        assert begun.wait(10)
        wait_until(lambda: node.counts().text_behind == 0, seconds=10)
        release.set()
        wait_until(lambda: ended == ["b slow", "d"], seconds=10)
        assert idle.wait(10)
        worker.stop()
    assert [record.getMessage() for record in caplog.records] == [
        "work behind failed",
        "job test c refused: Not now.",
    ]


def test_stopping_tells_the_job_that_runs_and_it_is_due_at_once_the_next_time(node: Node) -> None:
    begun = threading.Event()

    def handle(job: Job, stopped: Callable[[], bool]) -> int | None:
        begun.set()
        wait_until(stopped, seconds=10)
        return _now(node)

    node.handlers["test"] = handle
    _enqueue(node, "a")
    worker = work.Worker(node)
    worker.start()
    assert begun.wait(10)
    worker.stop()
    (job,) = node.jobs()
    assert (job.lease, job.due_at, job.attempts) == (None, _now(node), 0)
