"""Where a command speaks: results on stdout, everything else on stderr, in the form that was asked for."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from comity.cli.terminal import exact, relative, safe, safe_json
from comity.errors import NotFound

Cell = str | int | datetime


def default_home() -> Path:
    """Where a node lives when nobody says: `$XDG_DATA_HOME/comity`, else `~/.local/share/comity`."""
    base = os.environ.get("XDG_DATA_HOME", "")
    if os.path.isabs(base):
        return Path(base) / "comity"
    try:
        return Path.home() / ".local" / "share" / "comity"
    except RuntimeError:
        # A user without an entry in the system, as in some containers.
        raise NotFound("There is no home directory to look in.", hint="Give --home DIR, or set COMITY_HOME.") from None


@dataclass(slots=True)
class Console:
    """What the options of every command said, and the ways to speak that follow from it."""

    given_home: Path | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = field(default_factory=lambda: bool(os.environ.get("COMITY_DEBUG")))
    acts_as: str = ""
    """The account that acts, where a command was told one."""
    begun: bool = False
    """Whether results have been written: an error after them must not look like one of them."""

    @property
    def home(self) -> Path:
        """The node's folder: the one that was named, else where a node lives when nobody says."""
        return default_home() if self.given_home is None else self.given_home

    @property
    def terminal(self) -> bool:
        """Whether a person reads the results."""
        return sys.stdout.isatty()

    @property
    def command(self) -> str:
        """How this program is called: by its name where the shell finds it, else by its path."""
        import shutil

        return "comity" if shutil.which("comity") else shlex.quote(path_text(sys.argv[0]))

    @property
    def colour(self) -> bool:
        """Whether results may be coloured."""
        return self.terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def say(self, text: str = "") -> None:
        """One line of results; whatever is in it is made safe."""
        self.begun = True
        print(safe(text), file=sys.stdout)

    def say_marked(self, mark: str, colour: str, word: str, text: str) -> None:
        """A line with a mark and a word before it; the word alone, and a tab, where no person reads."""
        if not self.terminal:
            self.say_fields(word, text)
            return
        lead = f"\x1b[{colour}m{mark} {word:<6}\x1b[0m" if self.colour else f"{mark} {word:<6}"
        self.begun = True
        print(lead + safe(text), file=sys.stdout)

    def say_fields(self, *fields: str) -> None:
        """One line of results whose fields are parted by tabs."""
        self.begun = True
        print("\t".join(safe(field) for field in fields), file=sys.stdout)

    def say_pair(self, name: str, value: str) -> None:
        """A name and its value: in columns for a person, else parted by a tab."""
        if self.terminal:
            self.say(f"{name:<11} {value}")
        else:
            self.say_fields(name, value)

    def result(self, value: Any) -> None:
        """The one JSON object that a command answers with under `--json`, on one line."""
        self.begun = True
        print(json_text(value), file=sys.stdout)

    def flush(self) -> None:
        """Whoever reads the results has them now."""
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """A line for the person at the keyboard, on stderr; `--quiet` keeps it back."""
        if not self.quiet:
            print(safe(text), file=sys.stderr, flush=True)

    def complain(self, message: str, hint: str = "") -> None:
        """What went wrong, in a line on stderr, and what to do about it in another."""
        print(safe(f"error: {message}"), file=sys.stderr)
        if hint:
            print(safe(f"hint: {hint}"), file=sys.stderr, flush=True)

    def remark(self, text: str) -> None:
        """A line that only `-v` lets through."""
        if self.verbose:
            self.note(text)

    def bytes_out(self) -> BinaryIO:
        """Where bytes of results go. A terminal is given them with what it would obey escaped."""
        self.begun = True
        sys.stdout.flush()
        return _TerminalBytes() if self.terminal else sys.stdout.buffer  # type: ignore[return-value]

    def table(self, titles: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """Rows under their titles on a terminal; elsewhere one tab-separated line a row, whole, with exact times."""
        if not self.terminal:
            for row in rows:
                self.say_fields(*map(plain, row))
            return
        if not rows:
            return
        from shutil import get_terminal_size

        from comity.cli.table import lay_out

        now = datetime.now(UTC)
        told = [[safe(_told(cell, now)) for cell in row] for row in rows]
        for number, line in enumerate(lay_out(titles, told, get_terminal_size().columns)):
            self.begun = True
            print(f"\x1b[1m{line}\x1b[0m" if number == 0 and self.colour else line, file=sys.stdout)


class _TerminalBytes:
    """Takes UTF-8 JSON in any pieces, and writes it with everything escaped that a terminal would obey."""

    def __init__(self) -> None:
        import codecs

        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def write(self, data: bytes) -> int:
        """The piece is on the screen, but for a character that it may have cut in two."""
        sys.stdout.write(safe_json(self._decoder.decode(data)))
        return len(data)

    def flush(self) -> None:
        """What was written is on the screen."""
        sys.stdout.flush()


def json_text(value: Any) -> str:
    """The value as JSON on one line, safe to show."""
    import orjson

    return safe_json(orjson.dumps(value, default=_json_value, option=orjson.OPT_PASSTHROUGH_DATETIME).decode())


def embedded(raw: bytes) -> Any:
    """A JSON value that goes into a result as it is written, but for line breaks between its members."""
    import orjson

    return orjson.Fragment(raw.replace(b"\n", b" ").replace(b"\r", b" "))


def path_text(path: Path | str) -> str:
    """A path as text, whatever bytes are in it."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return exact(value)
    if isinstance(value, Path):
        return path_text(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


def plain(cell: object) -> str:
    """The cell as a script wants it."""
    return exact(cell) if isinstance(cell, datetime) else str(cell)


def _told(cell: Cell, now: datetime) -> str:
    if isinstance(cell, datetime):
        return relative(cell, now)
    return f"{cell:,}" if isinstance(cell, int) else cell
