"""Can two kinds of requests be told apart by how long their answers take, or how long they are (R67)?"""

import http.client
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import sqrt

from tests.serving import TAXII


@dataclass(slots=True)
class Heard:
    """What somebody who listens to the clock has of one kind of answers."""

    seconds: list[float] = field(default_factory=list)
    lengths: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Told:
    """How well the two kinds are told apart: 0.5 is by chance, 1 is always."""

    by_time: float
    by_length: float
    pairs: int

    def limit(self, auc_most: float = 0.55, deviations: float = 3.5) -> float:
        """What a classifier that is worth `auc_most` reaches at most in so few pairs, but for very bad luck."""
        return auc_most + deviations * chance_deviation(self.pairs)


def chance_deviation(pairs: int) -> float:
    """The standard deviation of the area where both kinds are one, by the rank statistic of Mann and Whitney."""
    return sqrt((2 * pairs + 1) / (12 * pairs * pairs))


def area(one: Sequence[float], other: Sequence[float]) -> float:
    """How often a value of one kind is above one of the other, ties half: the area under the curve, of whichever way
    round tells more."""
    everything = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    total = 0.0
    at = 0
    while at < len(everything):
        end = at
        while end < len(everything) and everything[end][0] == everything[at][0]:
            end += 1
        rank = (at + 1 + end) / 2
        total += rank * sum(1 for _, kind in everything[at:end] if kind == 0)
        at = end
    found = (total - len(one) * (len(one) + 1) / 2) / (len(one) * len(other))
    return max(found, 1 - found)


class Listener:
    """Asks one server over one connection, in the name of one token."""

    def __init__(self, host: str, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=60)
        self._headers = {"Authorization": f"Bearer {token}", "Accept": TAXII}

    def close(self) -> None:
        """The connection is closed."""
        self._connection.close()

    def ask(self, target: str, heard: Heard) -> int:
        """One GET; its time and length are kept."""
        began = time.perf_counter()
        self._connection.request("GET", target, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        heard.seconds.append(time.perf_counter() - began)
        heard.lengths.append(len(body) + sum(len(name) + len(value) for name, value in answer.getheaders()))
        return answer.status


def listen(
    listener: Listener,
    target: Callable[[str], str],
    withheld: Sequence[str],
    absent: Sequence[str],
    pairs: int,
    chance: random.Random,
) -> Told:
    """So many pairs of requests, one for something withheld and one for something absent, in random order."""
    kinds = ((withheld, Heard()), (absent, Heard()))
    statuses = set()
    for _ in range(pairs):
        for ids, heard in chance.sample(kinds, 2):
            statuses.add(listener.ask(target(chance.choice(ids)), heard))
    assert len(statuses) == 1
    one, other = (heard for _, heard in kinds)
    return Told(area(one.seconds, other.seconds), area(one.lengths, other.lengths), pairs)
