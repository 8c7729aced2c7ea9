"""What a decision of the release gate costs: a table of classes for one recipient, and single decisions.

    python bench/release.py [--classes 1000] [--repeat 5] [--smoke]

Prints medians with their spread. Everything runs on this machine, in one process, interleaved.
"""

import argparse
import platform
import random
import statistics
import time
from collections.abc import Callable

from comity.node.policies import policy_texts, starter_texts
from comity.release.classes import Action, Author, Recipient, Relation, ReleaseClass
from comity.release.decide import decide, decide_all
from comity.release.policy import Policy, check_policy, load_floor
from comity.stix.tlp import TLP

NOW = 1_767_225_600_000_000


def classes(count: int) -> list[ReleaseClass]:
    """Distinct classes, the same each time."""
    rng = random.Random(1)
    return [
        ReleaseClass(
            rng.choice(list(TLP)),
            "object",
            rng.choice(["indicator", "malware", "report", "relationship"]),
            origin=rng.choice(["", "partner-a", "partner-b"]),
            author=rng.choice(list(Author)),
            community=rng.choice([None, "GROUP"]),
            embargo_until=NOW + number,
        )
        for number in range(count)
    ]


def timed(work: Callable[[], object]) -> float:
    """The seconds that it took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--smoke", action="store_true", help="the smallest size, to see that it runs")
    given = parser.parse_args()
    count, repeat = (50, 1) if given.smoke else (given.classes, given.repeat)
    floor = load_floor(*policy_texts())
    policy, problems = check_policy(floor, *starter_texts()["green-community"])
    assert isinstance(policy, Policy), problems
    asked = classes(count)
    recipient = Recipient("cert-b", Relation.PARTNER, "active", groups=frozenset({"GROUP"}))
    few = asked[: min(200, count)]
    works: dict[str, tuple[int, Callable[[], object]]] = {
        f"{count} classes x 1 recipient, release": (
            count,
            lambda: decide_all(policy, asked, recipient, Action.RELEASE, NOW),
        ),
        f"{count} classes x 1 recipient, every action": (
            count * len(Action),
            lambda: [decide_all(policy, asked, recipient, action, NOW) for action in Action],
        ),
        "one by one": (len(few), lambda: [decide(policy, one, recipient, Action.RELEASE, NOW) for one in few]),
        "check of a policy with its cases": (1, lambda: check_policy(floor, *starter_texts()["green-community"])),
    }
    spent: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeat):
        for name, (_, work) in works.items():
            spent[name].append(timed(work))
    print(f"Python {platform.python_version()}, {platform.machine()}, median of {repeat}")
    for name, (decisions, _) in works.items():
        seconds = statistics.median(spent[name])
        low, high = min(spent[name]), max(spent[name])
        rate = decisions / seconds
        print(f"{name:<44} {seconds * 1e3:9.1f} ms ({low * 1e3:.1f}-{high * 1e3:.1f})  {rate:9,.0f} a second")


if __name__ == "__main__":
    main()
