"""Those who wait for the writer's turn at once share one commit, and none is touched by what befalls another."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from comity.errors import NotAuthorized, StoreUnavailable
from comity.node.node import Node
from comity.node.turns import SHARED_MOST, Turns
from comity.store.interface import Transaction

pytestmark = pytest.mark.slow
WRITERS = 8


class Counting:
    """The store of a node, whose commits are counted and may be made to wait or to fail."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.commits = 0
        self.gate = threading.Event()
        self.gate.set()
        self.failing = False

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        self.gate.wait()
        if self.failing:
            raise StoreUnavailable("no room")
        with self.node.store.write() as tx:
            yield tx
        self.commits += 1


def setting(name: str) -> Callable[[Transaction], str]:
    def job(tx: Transaction) -> str:
        tx.put_setting(name, name.encode())
        return name

    return job


def kept(node: Node, names: list[str]) -> list[bytes | None]:
    with node.store.read() as snapshot:
        return [snapshot.setting(name) for name in names]


def crowd(turns: Turns, store: Any, jobs: list[Callable[[Transaction], Any]]) -> list[Any]:
    """What each job answered or raised, when all of them came while the first one was being written."""
    store.gate.clear()
    with ThreadPoolExecutor(len(jobs)) as pool:
        futures = [pool.submit(turns.take, job) for job in jobs]
        while len(turns._waiting) < len(jobs) - 1:  # The first may have been taken out already.
            pass
        store.gate.set()
        return [future.exception() or future.result() for future in futures]


def test_every_job_is_done_once_and_is_committed_when_it_is_answered(node: Node) -> None:
    turns = Turns(node.store)
    names = [f"made {number}" for number in range(200)]

    def one(name: str) -> bool:
        return turns.take(setting(name)) == name and kept(node, [name]) == [name.encode()]

    with ThreadPoolExecutor(WRITERS) as pool:
        assert all(pool.map(one, names))


def test_those_who_come_meanwhile_share_one_commit_and_whoever_comes_alone_waits_for_nobody(node: Node) -> None:
    store = Counting(node)
    turns = Turns(store)  # type: ignore[arg-type]  # of a store it only writes
    assert turns.take(setting("alone")) == "alone"
    assert store.commits == 1
    names = [f"made {number}" for number in range(WRITERS)]
    assert crowd(turns, store, [setting(name) for name in names]) == names
    assert store.commits in (2, 3)
    assert kept(node, names) == [name.encode() for name in names]


def test_more_than_go_together_all_go(node: Node) -> None:
    store = Counting(node)
    names = [f"made {number}" for number in range(SHARED_MOST + 10)]
    assert crowd(Turns(store), store, [setting(name) for name in names]) == names  # type: ignore[arg-type]  # see above
    assert store.commits in (2, 3)


def test_a_job_that_refuses_is_told_so_and_the_others_go_on(node: Node) -> None:
    def refusing(tx: Transaction) -> str:
        raise NotAuthorized("no")

    store = Counting(node)
    jobs = [setting("one"), refusing, setting("two"), refusing, setting("three")]
    answers = crowd(Turns(store), store, jobs)  # type: ignore[arg-type]  # see above
    assert [type(each) for each in answers] == [str, NotAuthorized, str, NotAuthorized, str]
    assert kept(node, ["one", "two", "three"]) == [b"one", b"two", b"three"]


def test_trouble_of_the_store_is_everybodys_and_nobodys_afterwards(node: Node) -> None:
    store = Counting(node)
    turns = Turns(store)  # type: ignore[arg-type]  # see above
    store.failing = True
    names = [f"made {number}" for number in range(WRITERS)]
    answers = crowd(turns, store, [setting(name) for name in names])
    assert all(isinstance(each, StoreUnavailable) for each in answers)
    store.failing = False
    assert turns.take(setting("after")) == "after"
    assert kept(node, [*names, "after"]) == [None] * WRITERS + [b"after"]


def test_a_fault_in_a_job_rolls_back_what_shares_its_commit(node: Node) -> None:
    def faulty(tx: Transaction) -> str:
        raise ZeroDivisionError

    store = Counting(node)
    turns = Turns(store)  # type: ignore[arg-type]  # see above
    answers = crowd(turns, store, [setting("one"), setting("two"), faulty])
    assert isinstance(answers[2], ZeroDivisionError)
    for name, answer in zip(("one", "two"), answers, strict=False):
        assert kept(node, [name]) == ([name.encode()] if answer == name else [None])
    assert turns.take(setting("after")) == "after"
