"""What a benchmark prints: a block of a page that can be put in the place of the last one."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench import peers
from bench.figures import table
from bench.sides import Side, machine


@dataclass(slots=True)
class Report:
    """Paragraphs and tables of one benchmark, in the order in which they were said."""

    name: str
    parts: list[str] = field(default_factory=list)

    def say(self, part: str) -> None:
        """The part is printed, and stands in the block."""
        self.parts.append(part)
        print(part, end="\n\n", flush=True)

    def sides(self, sides: Sequence[Side]) -> None:
        """Who was measured, and how each was configured."""
        rows = [[side.name, side.configuration, side.durability] for side in sides]
        self.say(table(["side", "configuration", "durability"], rows))
        if not peers.installed():
            self.say(peers.ABSENT)

    def put_into(self, page: Path) -> None:
        """The page holds this block in the place of the one of the same name."""
        start, end = f"<!-- bench {self.name} -->\n", f"<!-- end {self.name} -->"
        text = page.read_text(encoding="utf-8")
        block = start + "\n" + "\n\n".join(self.parts) + "\n\n" + end
        found = re.compile(re.escape(start) + ".*?" + re.escape(end), re.S)
        if len(found.findall(text)) != 1:
            raise ValueError(f"{page} has no single place for {self.name}")
        page.write_text(found.sub(lambda _: block, text), encoding="utf-8")


def arguments(words: str | None, *, repeat: int) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(description=words, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="the smallest run that still touches everything")
    parser.add_argument("--repeat", type=int, default=repeat, help="interleaved rounds")
    parser.add_argument("--page", type=Path, help="a page in which the block of this benchmark is replaced")
    return parser


def begun(name: str, repeat: int) -> Report:
    """A report that says when and where it was made."""
    report = Report(name)
    report.say(f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine()}; {repeat} interleaved rounds.")
    return report
