"""Writers that overlap, and clients that poll beside them: each client gets each addition once.

A client polls by dates alone (`added_after` of the last date it was told) or by positions (`next` to the end, then by
the last date). One of the writers deletes and posts anew: of such an object a client may see every body that was
posted, must see the last one that stayed, and sees none twice.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from tests.faults.client import Client, Reply
from tests.faults.homes import COLLECTIONS, make_home
from tests.served import COMITY, served
from tests.world import MadeEntropy, indicator

WRITERS = 8
OVERLAPPED_LEAST = 100
ENVELOPES = (1, 2, 4, 10, 40)
PAGE = 100
OPTIONS = ("--log-json", "--workers", "2")
DELETER_SHARE = 16


class Asking(threading.Thread):
    """A client in a thread of its own; what went wrong is in `fault`."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        self.fault: BaseException | None = None

    def run(self) -> None:
        """All was done, or `fault` is set."""
        try:
            with self.client:
                self.work()
        except BaseException as error:
            self.fault = error

    def work(self) -> None:
        """What the client does."""
        raise NotImplementedError


class Writer(Asking):
    """Posts so many objects; `posted` counts each (collection, name). With `deletes`, some go and come again."""

    def __init__(self, client: Client, count: int, seed: int, *, deletes: bool) -> None:
        super().__init__(client)
        self.posted: Counter[tuple[str, str]] = Counter()
        self.stays: dict[str, dict[str, str]] = {name: {} for name in COLLECTIONS}
        self.spans: list[tuple[float, float]] = []
        self._left = count
        self._chance = random.Random(seed)
        self._entropy = MadeEntropy(seed)
        self._deletes = deletes
        self._round = 0

    def work(self) -> None:
        """Every object is posted; `stays` says by which name each is there at the end."""
        while self._left > 0:
            place = self._chance.choice(COLLECTIONS)
            count = min(self._left, 3 if self._deletes else self._chance.choice(ENVELOPES))
            self._left -= count
            ids = [f"indicator--{self._entropy.uuid4()}" for _ in range(count)]
            self._post(place, ids)
            if self._deletes:
                again = ids[:2]
                for id in again:
                    self._timed(partial(self.client.delete, place, id), 200)
                    del self.stays[place][id]
                self._post(place, again[:1])

    def _post(self, place: str, ids: Sequence[str]) -> None:
        self._round += 1
        names = {id: f"{id} {self._round}" for id in ids}
        objects = [indicator(id=id, name=name) for id, name in names.items()]
        self._timed(partial(self.client.post, place, objects), 202)
        self.posted.update((place, name) for name in names.values())
        self.stays[place].update(names)

    def _timed(self, ask: Callable[[], Reply], wanted: int) -> None:
        began = time.monotonic()
        reply = ask()
        self.spans.append((began, time.monotonic()))
        assert reply.status == wanted, reply


class Poller(Asking):
    """Polls one collection until the writers are done and nothing more comes."""

    def __init__(self, client: Client, collection: str, *, by_next: bool, done: threading.Event) -> None:
        super().__init__(client)
        self.collection = collection
        self.seen: Counter[str] = Counter()
        self.last: dict[str, str] = {}
        self.polls = 0
        self._by_next = by_next
        self._done = done

    def work(self) -> None:
        """Everything that was added was seen."""
        since: dict[str, str] = {}
        position: dict[str, str] = {}
        while True:
            over = self._done.is_set()
            path = f"collections/{self.collection}/objects/"
            reply = self.client.get(path, limit=PAGE, **{"match[version]": "all"}, **since, **position)
            page = reply.json()
            self.polls += 1
            for each in page.get("objects", ()):
                self.seen[each["name"]] += 1
                self.last[each["id"]] = each["name"]
            last = reply.headers.get("x-taxii-date-added-last")
            if self._by_next and page.get("more"):
                position = {"next": page["next"]}
                continue
            if last:
                # Else the same pages would come again and again.
                assert last > since.get("added_after", ""), "the dates do not rise"
                since, position = {"added_after": last}, {}
            elif over:
                return
            else:
                position = {}


@dataclass(frozen=True, slots=True)
class Figures:
    """What was written and how much of it at the same time."""

    objects: int
    requests: int
    overlapped: int
    polls: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.objects} objects in {self.requests} writing requests, {self.overlapped} of which overlapped another"
            f" (by the writers' clock, from asking to the answer); {self.polls} polls beside them; {self.seconds:.1f} s"
        )


def overlapped(spans: Sequence[tuple[float, float]]) -> int:
    """How many of the spans have a moment in common with another."""
    latest, found = (-1.0, -1), set()
    for place, (began, ended) in sorted(enumerate(spans), key=lambda each: each[1]):
        if began < latest[0]:
            found |= {place, latest[1]}
        latest = max(latest, (ended, place))
    return len(found)


def run(
    kind: str,
    folder: Path,
    objects: int,
    seed: int,
    *,
    program: Sequence[str] = COMITY,
    deleting: int = 1,
) -> Figures:
    """Nobody lost anything or saw it twice, and dates rose."""
    home = folder / "home"
    token = make_home(kind, home).token
    with served(home, folder / "serve.log", program=program, options=OPTIONS) as running:
        began = time.monotonic()
        done = threading.Event()
        pollers = [
            Poller(Client(running.address, token), name, by_next=by_next, done=done)
            for name in COLLECTIONS
            for by_next in (False, True)
        ]
        # Who deletes asks often for little, and ends when the others do.
        few = objects // WRITERS // DELETER_SHARE
        many = (objects - few * deleting) // (WRITERS - deleting)
        counts = [few if place < deleting else many for place in range(WRITERS)]
        writers = [
            Writer(Client(running.address, token), count, seed * 100 + place, deletes=place < deleting)
            for place, count in enumerate(counts)
        ]
        for each in (*pollers, *writers):
            each.start()
        for writer in writers:
            writer.join()
        done.set()
        for poller in pollers:
            poller.join()
        seconds = time.monotonic() - began
        faults = [each.fault for each in (*writers, *pollers) if each.fault is not None]
        assert faults == [], f"a client met a fault: {faults}"
        with Client(running.address, token) as client:
            rows = {name: list(client.rows(name)) for name in COLLECTIONS}
    for poller in pollers:
        _judge(poller, writers)
    for name, listed in rows.items():
        assert all(before.added < after.added for before, after in pairwise(listed)), "dates do not rise"
        stays = {id for writer in writers for id in writer.stays[name]}
        assert sorted(row.id for row in listed) == sorted(stays)
    spans = [span for writer in writers for span in writer.spans]
    figures = Figures(
        sum(map(len, rows.values())), len(spans), overlapped(spans), sum(p.polls for p in pollers), seconds
    )
    assert figures.overlapped >= OVERLAPPED_LEAST, f"hardly anything overlapped: {figures}"
    return figures


def _judge(poller: Poller, writers: Sequence[Writer]) -> None:
    posted = {name for writer in writers for place, name in writer.posted if place == poller.collection}
    stays: dict[str, str] = {}
    for writer in writers:
        stays |= writer.stays[poller.collection]
    twice = [name for name, times in poller.seen.items() if times > 1]
    assert twice == [], f"seen twice: {twice[:5]}"
    assert poller.seen.keys() <= posted
    lost = [name for id, name in stays.items() if poller.last.get(id) != name]
    assert lost == [], f"{len(lost)} of {len(stays)} were lost to a polling client"
