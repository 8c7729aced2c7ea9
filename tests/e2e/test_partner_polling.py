"""A client that polls over real HTTP, as any SIEM does, ends with exactly what is permitted, whatever is done (R29)."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from pyroaring import BitMap
from tests.partner_world import BRANCH, FEED, OURS, RULES, B, Json, World
from tests.plain_gate import instant_of, permitted, version_of
from tests.serving import TAXII, serving
from tests.world import MadeClock, MadeEntropy

from comity.interfaces import microseconds
from comity.node.node import Node
from comity.node.publishing import Selection
from comity.release.openings import Openings
from comity.stix.markings import MARKING_IDS, TLP

pytestmark = pytest.mark.slow
STEPS = 30
NOTHING = """
@id("zq.open") @title("Ours that is CLEAR")
permit (principal, action == Action::"release", resource) when { resource.ours && resource.tlp == Tlp::"clear" };
"""
GREEN = NOTHING.replace("""resource.tlp == Tlp::"clear\"""", """[Tlp::"clear", Tlp::"green"].contains(resource.tlp)""")
CASE = '[[case]]\nname = "Ours goes"\nobject = { tlp = "clear" }\nexpect = "allow"\nrule = "zq.open"\n'


class Siem:
    """Asks for what was added after the newest date it has seen, page by page, and looks at the manifest for what went.

    It knows nothing of this node but TAXII 2.1.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({"Authorization": f"Bearer {token}", "Accept": TAXII})
        self.held: dict[str, Json] = {}
        self.newest: str | None = None
        self.came = self.went = 0

    def get(self, path: str, **parameters: Any) -> requests.Response:
        reply = self.session.get(self.url + path, params=parameters, timeout=30)
        assert reply.status_code == 200, reply.text
        return reply

    def pages(self, path: str, **parameters: Any) -> Iterator[requests.Response]:
        while True:
            reply = self.get(path, **parameters)
            yield reply
            if not reply.json().get("more"):
                return
            parameters["next"] = reply.json()["next"]

    def poll(self) -> None:
        """What is new was taken, and what is no more was dropped."""
        since = {} if self.newest is None else {"added_after": self.newest}
        for reply in self.pages("objects/", limit=4, **since):
            for each in reply.json().get("objects", []):
                self.held[each["id"]] = each
                self.came += 1
            last = reply.headers.get("X-TAXII-Date-Added-Last")
            if last is not None:
                assert self.newest is None or last > self.newest
                self.newest = last
        listed = {
            (each["id"], each["version"])
            for reply in self.pages("manifest/", limit=7)
            for each in reply.json().get("objects", [])
        }
        kept = {id: each for id, each in self.held.items() if (id, version_of(each)) in listed}
        self.went += len(self.held) - len(kept)
        self.held = kept


class Program:
    """What an operator, sources, staff and the partner do, one after the other, as chance will have it."""

    def __init__(self, world: World, url: str) -> None:
        self.world, self.chance = world, world.chance
        self.url = f"{url}/taxii2/root/collections/{world.collections[0]}/"
        self.siem = Siem(self.url, world.tokens[B].token)
        self.staff = Siem(self.url, world.staff.token)
        self.done: Counter[str] = Counter()
        self.author = world.object("identity", TLP.CLEAR)
        world.take(self.author)
        self.acts: tuple[Callable[[], object], ...] = (
            *(self.publish,) * 3, *(self.new_version,) * 2, *(self.edit_partner,) * 2, *(self.poll,) * 2,
            self.take_back, self.withdraw, self.hold, self.edit_policy, self.pause, self.send,
        )  # fmt: skip

    def run(self, steps: int) -> None:
        """So many steps were taken; at the end the client polls, and has exactly what is permitted."""
        for _ in range(steps):
            act = self.chance.choice(self.acts)
            act()
            self.done[act.__name__] += 1
            self.world.clock.move(seconds=self.chance.choice([0, 0.001, 1, 60]))
            self.world.note()
        if self.world.node.partner(B).state == "suspended":
            self.world.node.step_partner(B, "resume")
        self.poll()

    def poll(self) -> None:
        self.world.look()
        self.world.note()
        self.siem.poll()
        plain = permitted(self.world, B)[self.world.collections[0]].last
        held = {(id, instant_of(version_of(each))) for id, each in self.siem.held.items()}
        assert held == plain.keys(), self.done

    def publish(self) -> None:
        world, chance = self.world, self.chance
        made = [world.object(chance.choice(["indicator", "malware", "ipv4-addr"]), world.level()) for _ in range(3)]
        for each in made:
            if "created" in each and chance.random() < 0.5:
                each["created_by_ref"] = self.author["id"]
        ends = {"source_ref": made[0]["id"], "target_ref": chance.choice(made)["id"]}
        made.append(world.object("relationship", TLP.GREEN, **ends))
        self.world.take(*made, source=self.chance.choice([OURS, OURS, BRANCH, FEED]))

    def hold(self) -> None:
        self.world.take(self.world.object("indicator", TLP.GREEN), hold=self.chance.choice([1, 30]))

    def new_version(self) -> None:
        here = [each for each in self.world.made if "modified" in each]
        if here:
            level = self.chance.choice([TLP.CLEAR, TLP.GREEN, TLP.RED])
            made = self.world.later(self.chance.choice(here), object_marking_refs=[MARKING_IDS[level]])
            self.world.take(made, source=self.chance.choice([OURS, OURS, BRANCH]))

    def take_back(self) -> None:
        if self.world.ids:
            ids = self.chance.sample(self.world.ids, min(2, len(self.world.ids)))
            self.world.node.unpublish(Selection(ids=tuple(ids)))

    def withdraw(self) -> None:
        """An unbound token deletes over HTTP: an object, or one version of it."""
        if self.world.made:
            made = self.chance.choice(self.world.made)
            versions = self.chance.choice([{}, {"match[version]": version_of(made)}, {"match[version]": "last"}])
            reply = self.staff.session.delete(f"{self.url}objects/{made['id']}/", params=versions, timeout=30)
            assert reply.status_code in (200, 404)

    def edit_policy(self) -> None:
        rules = self.chance.choice([RULES, RULES, GREEN, NOTHING])
        self.world.put_policy(rules, *([] if rules == RULES else [CASE]))

    def edit_partner(self) -> None:
        now = microseconds(self.world.clock.now())
        facets: list[dict[str, Any]] = [
            {"groups": ("eu",)},
            {"groups": ()},
            {"max_tlp": self.chance.choice(["clear", "green", "amber"])},
            {"max_tlp": "amber"},
            {"history_from": self.chance.choice([0, 0, None, now])},
            {"history_from": 0},
            {"agreement_until": self.chance.choice([None, now + 50_000_000])},
            {"agreement_until": None},
        ]
        self.world.node.edit_partner(B, **self.chance.choice(facets))

    def pause(self) -> None:
        state = self.world.node.partner(B).state
        self.world.node.step_partner(B, "resume" if state == "suspended" else "pause")

    def send(self) -> None:
        """The partner sends something of its own, or deletes what it has sent."""
        made = self.world.object("indicator", TLP.RED)
        reply = self.siem.session.post(
            f"{self.url}objects/", json={"objects": [made]}, headers={"Content-Type": TAXII}, timeout=30
        )
        assert reply.json()["success_count"] == 1
        self.world.made.append(made)
        self.world.ids.append(made["id"])
        mine = [copy.id for copy in self.world.copies() if copy.source == self.world.sources[B] and copy.state.live]
        if self.chance.random() < 0.4:
            reply = self.siem.session.delete(f"{self.url}objects/{self.chance.choice(mine)}/", timeout=30)
            assert reply.status_code == 200


@contextmanager
def program_of(folder: Path, seed: int) -> Iterator[Program]:
    clock = MadeClock()
    address = f"sqlite:///{folder}/a.db"
    with Node.open(address, name="CERT-A", clock=clock, entropy=MadeEntropy(seed)) as node, serving(node) as url:
        program = Program(World(node, clock, seed), url)
        try:
            yield program
        finally:
            program.siem.session.close()
            program.staff.session.close()


SEEDS_OF_THE_LONG_RUN = range(500, 560)


@pytest.mark.parametrize(
    "seed", [*range(1, 5), *(pytest.param(seed, marks=pytest.mark.deep) for seed in SEEDS_OF_THE_LONG_RUN)]
)
def test_a_polling_client_ends_with_exactly_what_is_permitted(tmp_path: Path, seed: int) -> None:
    with program_of(tmp_path, seed) as program:
        program.run(STEPS)


def test_programs_do_everything_and_things_come_and_go(tmp_path: Path) -> None:
    """The programs are looked at: a law over programs in which nothing goes would hold for nothing."""
    with program_of(tmp_path, 6) as program:
        program.run(90)
        assert {act.__name__ for act in program.acts} == set(program.done)
        assert program.siem.came > 20
        assert program.siem.went > 5


def test_a_gate_that_never_opens_what_is_older_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without R29 a client never gets what is opened after something newer."""
    caught_up = Openings.caught_up

    def fewer(self: Openings, visible: BitMap, now: int) -> Any:
        opened = BitMap.union(BitMap(), *(stretch.opened for stretch in self.stretches))
        newest = opened.max() if opened else 0
        return caught_up(self, BitMap(each for each in visible if each in self.visible or each > newest), now)

    monkeypatch.setattr(Openings, "caught_up", fewer)
    with program_of(tmp_path, 6) as program, pytest.raises(AssertionError):
        program.run(90)
