"""A node with many classes and many partners: what is filtered is filtered here.

Every object carries one of 500 words (WORDS) among its sectors, so indicators and relationships make 1,000 classes;
which words a partner may have is chosen at random, so that what it may read lies between what it may not. A fifth are
relationships, whose ends have words of their own; one in twenty names an author who may not be named, and leaves
without it.
"""

import json
import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cost import Spent, spend
from bench.data import MOMENT
from bench.sides import command, run_command

from comity.node.home import open_home

WORDS = 500
SHARES = {"one": 0.01, "ten": 0.1, "half": 0.5, "all": 1.0}
"""Groups, and the share of the words that their members may have."""
RELATIONSHIPS, AUTHORED = 5, 20
LIMITS = "extension-definition--99751a20-2075-444c-b8ef-f168db695e4f"
SEED = 7


@dataclass(frozen=True, slots=True)
class Party:
    """A partner, and what it signs in with."""

    name: str
    group: str
    authorization: str


def _id(rng: random.Random, type: str) -> str:
    return f"{type}--{uuid.UUID(int=rng.getrandbits(128), version=4)}"


def lines(count: int, words: int, *, named: bool = False) -> Iterator[bytes]:
    """So many objects with so many words among them, the same every time; first whom some name as their author. What is
    `named` can be found by text too, and a few of it are tied to the first of them."""
    rng = random.Random(SEED)
    author = _id(rng, "identity")
    yield json.dumps(
        {
            "type": "identity",
            "spec_version": "2.1",
            "id": author,
            "created": MOMENT,
            "modified": MOMENT,
            "name": "Another organisation",
        }
    ).encode()
    ids: list[str] = []
    for number in range(count - 1):
        word = rng.randrange(words)
        related = len(ids) > 1 and rng.randrange(RELATIONSHIPS) == 0
        value: dict[str, object] = {
            "type": "relationship" if related else "indicator",
            "spec_version": "2.1",
            "id": _id(rng, "relationship" if related else "indicator"),
            "created": MOMENT,
            "modified": MOMENT,
        }
        # Whole words are authored or not, for otherwise these would be twice as many classes.
        if word % AUTHORED == 0:
            value["created_by_ref"] = author
        if related:
            source, target = rng.choice(ids), rng.choice(ids)
            if named and word == 0:
                target = ids[0]
            value |= {"relationship_type": "related-to", "source_ref": source, "target_ref": target}
        else:
            ids.append(str(value["id"]))
            value |= {
                "pattern": f"[ipv4-addr:value = '198.51.{rng.randrange(256)}.{rng.randrange(256)}']",
                "pattern_type": "stix",
                "valid_from": MOMENT,
            }
        if named:
            value["name"] = name_of(number, count)
        limits = {"extension_type": "property-extension", "sectors": [f"w{word}"]}
        yield json.dumps(value | {"extensions": {LIMITS: limits}}).encode()


def name_of(number: int, count: int) -> str:
    """A name with a word that all have, one that a thousandth has, and one that only the oldest few have."""
    rare = " needle" if number % 100 == 7 and number < min(count, 1000) else ""
    return f"beacon {number} of ring{number % 1000}{rare}"


def words_of(share: float, words: int) -> list[str]:
    """The words of the members of a group: some of those that have an author, and some of the others."""
    rng = random.Random(SEED)
    authored = [number for number in range(words) if number % AUTHORED == 0]
    plain = [number for number in range(words) if number % AUTHORED]
    few = max(1, round(share * len(authored)))
    chosen = rng.sample(authored, few) + rng.sample(plain, max(0, round(share * words) - few))
    return [f"w{number}" for number in sorted(chosen)]


def policy(shares: dict[str, float], words: int) -> tuple[str, str]:
    """Rules by which a member of a group receives its share, and the cases that prove them."""
    rules, cases = [], []
    for group, share in shares.items():
        some = words_of(share, words)
        rules.append(
            f'@id("bench.{group}")\n@title("Members of {group} receive their share")\n'
            f'permit (principal in Group::"{group}", action == Action::"release", resource)\n'
            f"when {{ resource.sectors.containsAny({json.dumps(some)}) }};\n"
        )
        cases.append(
            f'[[case]]\nname = "A member of {group}"\nobject = {{ tlp = "clear", sectors = ["{some[0]}"] }}\n'
            f'recipient = {{ groups = ["{group}"] }}\nexpect = "allow"\nrule = "bench.{group}"\n'
        )
    return "// What the bench measures by.\n" + "\n".join(rules), "\n".join(cases)


def apply(home: Path, folder: Path, shares: dict[str, float], words: int) -> None:
    """The policy of these shares is in force."""
    rules, cases = policy(shares, words)
    (folder / "bench.cedar").write_text(rules, encoding="utf-8")
    (folder / "bench.toml").write_text(cases, encoding="utf-8")
    run_command("policy", "apply", str(folder / "bench.cedar"), "--home", str(home))


def fill(home: Path, folder: Path, count: int, words: int) -> Spent:
    """The node holds and has published so many objects; what publishing them took."""
    path = folder / "crowd.ndjson"
    with path.open("wb") as file:
        file.writelines(line + b"\n" for line in lines(count, words))
    run_command("source", "add", "own", "bench", "--marking", "tlp:clear", "--home", str(home))
    run_command("import", str(path), "--source", "bench", "--home", str(home))
    path.unlink()
    return spend(command("publish", "--all", "--yes", "--no-hold", "--json", "--home", str(home)))


def join(home: Path, names: Sequence[tuple[str, str]]) -> list[Party]:
    """Partners of these names and groups, active, each with a token of its own."""
    found = []
    with open_home(home) as node:
        for name, group in names:
            node.add_partner(name, groups=(group,), max_tlp="green", history_from=0)
            node.step_partner(name, "activate", checked_by="the bench")
            token = node.new_token(name, read=["all"], write=[], partner=name)
            found.append(Party(name, group, f"Bearer {token.token}"))
    return found
