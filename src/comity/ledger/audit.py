"""Checks an exported ledger offline: `python -m comity.ledger.audit FILE [--key VKEY] [--against CHECKPOINT_FILE]`.

This module stands alone: it needs Python and the `cryptography` package, and no other file of Comity, so that it can be
read in one sitting and handed on by itself. It shares no code with what wrote the file, and is so a second reading of
the formats: RFC 9162 (the tree), RFC 2104 (HMAC), RFC 8785 (canonical JSON), C2SP signed-note, tlog-checkpoint and
tlog-cosignature. A file is read once, line by line; nothing is kept but the tree's right edge and some leaves.
"""

import argparse
import base64
import binascii
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from json.decoder import scanstring  # type: ignore[attr-defined]
from json.encoder import encode_basestring
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "comity-ledger/1"
HOLDS, USAGE, FAILS = 0, 2, 20
LINE_BYTES_MAX = 1024 * 1024
NOTE_BYTES_MAX = 128 * 1024
SIGNATURES_MAX = 100
PROBLEMS_MAX = 100
CLAIM = """\
What this shows: no entry up to the last checkpoint was changed, dropped, added or moved after the log signed it, and
each open entry says what was logged.
What it cannot show: that an act which was not logged did not happen, nor what a person did with the data. A cut-off end
is found only against a checkpoint that is held elsewhere (--against). Where two parties are alone there is no witness
against a split view: the log may have shown another history to somebody else."""
UNTRUSTED = "The keys are those of the file itself: they prove nothing about who wrote it (--key)."

_NOTE_KEY, _WITNESS_KEY = 1, 4
_EMPTY_ROOT = sha256().digest()
_HASH = "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="
_NONCE = "[A-Za-z0-9+/]{21}[AQgw]=="
_ENTRY = re.compile(
    rf'\{{"commitment":"({_HASH})","nonce":(?:null|"({_NONCE})"),"record":(?:null|(".*")),'
    r'"seq":(0|[1-9][0-9]{0,15})\}\n'
)
_CHECKPOINT = re.compile(r'\{"checkpoint":(".*")\}\n')
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_KEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)")


def _no_fraction(text: str) -> NoReturn:
    raise ValueError(f"{text} is no whole number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object with these members, none of which is there twice."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name is there twice")
    return made


_read = json.JSONDecoder(  # type: ignore[attr-defined]
    parse_float=_no_fraction, parse_constant=_no_fraction, object_pairs_hook=_once
).scan_once
_write = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_INNER_END, _OUTER_END = b"\x36" * 48, b"\x5c" * 48


@dataclass(frozen=True, slots=True)
class Problem:
    """What does not hold, and the first entry that is not known to be as it was signed because of it."""

    seq: int
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was found: entries and the root over them; how many are open, and closed because their opening was erased or
    is for others; checkpoints in the file and held elsewhere that agree; whether keys were given; and the problems,
    that of the first entry first, `more` of which were not kept."""

    size: int
    root: bytes
    opened: int
    closed: int
    checkpoints: int
    held: int
    trusted: bool
    problems: tuple[Problem, ...]
    more: int

    @property
    def ok(self) -> bool:
        """All of it holds."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class _Key:
    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    origin: str
    size: int
    root: bytes
    keys: frozenset[_Key]
    strangers: int


class _Bad(Exception):
    """What was read is not what it must be, for this reason."""


def audit(lines: Iterable[bytes], keys: Iterable[str] = (), against: Iterable[str | bytes] = ()) -> Report:
    """The exported ledger in these lines, each with its end, looked at once. `keys` are verifier keys that are trusted,
    those of the file where there are none; `against` are checkpoints that were kept elsewhere. ValueError for a key
    that is none; all else that is wrong is in the report."""
    try:
        trusted = [_key(text) for text in keys]
    except _Bad as error:
        raise ValueError(str(error)) from None
    return _Audit(trusted).run(iter(lines), against)


class _Audit:
    """One reading of one file."""

    def __init__(self, trusted: list[_Key]) -> None:
        self.given = bool(trusted)
        self.trusted = frozenset(trusted)
        self.known = {(key.name, key.key_id): key for key in trusted}
        self.origin = ""
        self.size = self.expected = self.opened = self.closed = self.checkpoints = self.held = self.more = 0
        self.edge = [b""] * 64
        self.leaves: list[bytes] = []
        self.at = 0
        self.ahead: list[_Checkpoint] = []
        self.next_held = -1
        self.agreed = 0
        self.proven = -1
        self.located: int | None = None
        self.whole = True
        self.problems: list[Problem] = []

    def run(self, lines: Iterator[bytes], against: Iterable[str | bytes]) -> Report:
        """What was found."""
        try:
            self.header(next(lines, b""))
        except _Bad as error:
            self.problem(0, f"line 1: {error}")
            return self.report()
        self.take_held(against)
        covered = False
        for number, line in enumerate(lines, 2):
            covered = line.startswith(b'{"checkpoint":')
            try:
                if covered:
                    self.checkpoint(line)
                else:
                    self.entry(line)
            except _Bad as error:
                self.problem(self.blamed() if covered else self.expected - 1, f"line {number}: {error}")
        self.end(covered)
        return self.report()

    def report(self) -> Report:
        found = tuple(sorted(self.problems, key=lambda each: each.seq))
        counts = self.opened, self.closed, self.checkpoints, self.held
        return Report(self.size, self.root(), *counts, self.given, found, self.more)

    def problem(self, seq: int, what: str) -> None:
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(Problem(seq, what))
        else:
            self.more += 1

    def header(self, line: bytes) -> None:
        text = _text(line)
        value = _object(text.removesuffix("\n"))
        if _write(value) + "\n" != text or value.keys() != {"format", "keys", "node", "origin"}:
            raise _Bad("it is not the first line of an exported ledger")
        node, origin, keys = value["node"], value["origin"], value["keys"]
        if value["format"] != FORMAT or not (isinstance(node, str) and isinstance(origin, str)):
            raise _Bad(f"it does not say {FORMAT}, a node and an origin")
        if not isinstance(keys, list):
            raise _Bad("it has no list of keys")
        self.origin = origin
        if not node or not origin.startswith(f"{node}/"):
            self.problem(0, "line 1: the origin does not begin with the node")
        for text in keys:
            try:
                key = _key(text)
            except _Bad as error:
                self.problem(0, f"line 1: {error}")
            else:
                self.known[key.name, key.key_id] = key
        if not self.given:
            self.trusted = frozenset(self.known.values())
        if not any(self.is_log_key(key) for key in self.trusted):
            self.problem(0, "line 1: no key that is trusted is one of this log")

    def is_log_key(self, key: _Key) -> bool:
        return key.kind == _NOTE_KEY and key.name == self.origin

    def is_proof(self, checkpoint: _Checkpoint) -> bool:
        """A key of the log that is trusted has signed it."""
        return any(self.is_log_key(key) for key in checkpoint.keys & self.trusted)

    def take_held(self, against: Iterable[str | bytes]) -> None:
        trusted = {(key.name, key.key_id): key for key in self.trusted}
        for number, raw in enumerate(against, 1):
            try:
                found = _checkpoint(raw, trusted)
                if not self.is_proof(found):
                    raise _Bad("no trusted key of this log has signed it")
                if found.origin != self.origin:
                    raise _Bad("it is of another log")
                self.ahead.append(found)
            except _Bad as error:
                self.problem(0, f"checkpoint {number} that is held elsewhere: {error}")
        self.ahead.sort(key=lambda each: -each.size)
        self.compare_held()

    def entry(self, line: bytes) -> None:
        here = self.expected
        self.expected += 1
        match = _ENTRY.fullmatch(line.decode(errors="replace"))
        if match is None:
            self.whole = False
            raise _Bad("it is neither an entry nor a checkpoint in the one form that they have")
        commitment, nonce, record, digits = match.groups()
        seq = int(digits)
        self.expected = seq + 1
        if seq != here:
            self.misplaced(here, seq)
        entry = binascii.a2b_base64(commitment)
        self.leaves.append(sha256(b"\x00" + entry).digest())
        self.size += 1
        if len(self.leaves) == 4096:
            self.fold()
        if nonce is not None and record is not None:
            self.opened += 1
            try:
                self.open(entry, binascii.a2b_base64(nonce), record)
            except _Bad as error:
                self.locate(seq, str(error))
        elif nonce is None and record is None:
            self.closed += 1
        else:
            self.locate(seq, "it has a nonce without a record, or a record without a nonce")
        if self.size == self.next_held:
            self.compare_held()

    def misplaced(self, here: int, seq: int) -> None:
        self.whole = False
        missing = f"entries {here} to {seq - 1} are missing" if seq > here + 1 else f"entry {here} is missing"
        self.locate(here, f"{missing}: {seq} stands in its place" if seq > here else f"entry {seq} stands in its place")

    def locate(self, seq: int, what: str) -> None:
        if self.located is None:
            self.located = seq
        self.problem(seq, what)

    def fold(self) -> None:
        """The leaves that came since are in the right edge: of each height the subtree that has no neighbour yet."""
        have, new, self.leaves = self.size - len(self.leaves), self.leaves, []
        for height, alone in enumerate(self.edge):
            new[:0] = [alone] * (have >> height & 1)
            self.edge[height] = new.pop() if len(new) & 1 else b""
            new = [sha256(b"\x01" + left + right).digest() for left, right in zip(new[::2], new[1::2], strict=True)]

    def root(self) -> bytes:
        self.fold()
        made = b""
        for left in self.edge:
            if left:
                made = sha256(b"\x01" + left + made).digest() if made else left
        return made or _EMPTY_ROOT

    def open(self, entry: bytes, nonce: bytes, quoted: str) -> None:
        text = _unquoted(quoted)
        raw = text.encode()
        # HMAC-SHA256 under a key of 16 bytes (RFC 2104), in place: this is done for every entry.
        inner = sha256(nonce.translate(_INNER) + _INNER_END + raw).digest()
        if sha256(nonce.translate(_OUTER) + _OUTER_END + inner).digest() != entry:
            raise _Bad("record and nonce are not those that were logged")
        value = _object(text)
        at, kind = value.get("at"), value.get("kind")
        if type(at) is not int or at < 0 or type(kind) is not str or not kind:
            raise _Bad("its record has no time or no kind")
        if at < self.at:
            raise _Bad("its time is before that of an entry before it")
        self.at = at

    def checkpoint(self, line: bytes) -> None:
        match = _CHECKPOINT.fullmatch(_text(line))
        if match is None:
            raise _Bad("it is no checkpoint in the one form that they have")
        found = _checkpoint(_unquoted(match[1]), self.known)
        if found.strangers:
            raise _Bad("somebody signed the checkpoint whose key the file does not list")
        if found.origin != self.origin or not any(self.is_log_key(key) for key in found.keys):
            raise _Bad("the checkpoint is not signed by a key of this log")
        if not self.whole:
            return
        if found.size != self.size:
            self.locate(min(found.size, self.size), f"a checkpoint over {found.size} entries stands after {self.size}")
            self.whole = found.size < self.size
        elif found.root == self.root():
            self.checkpoints += 1
            if self.is_proof(found):
                self.prove()
        else:
            self.differ(max(0, self.proven), found.size, "the checkpoint in the file")
            self.whole = not self.is_proof(found)

    def blamed(self) -> int:
        """The first entry that may be the reason why the last ones are not as they were signed."""
        return max(0, self.proven) if self.located is None else self.located

    def prove(self) -> None:
        """All entries until here are those that a trusted key has signed."""
        self.proven = self.size
        self.located = None

    def differ(self, begin: int, end: int, whose: str) -> None:
        seq = begin if self.located is None else self.located
        which = f"of the entries {begin} to {end - 1}" if end > begin else "of the entries"
        self.problem(seq, f"one or more {which} are not those of {whose} over {end} entries")

    def compare_held(self) -> None:
        """Against what is held elsewhere over as many entries as were read."""
        while self.ahead and self.ahead[-1].size == self.size:
            held = self.ahead.pop()
            if not self.whole:
                continue
            if held.root == self.root():
                self.held += 1
                self.agreed = self.size
                self.prove()
            else:
                self.differ(self.agreed, self.size, "a checkpoint that is held elsewhere")
        self.next_held = self.ahead[-1].size if self.ahead else -1

    def end(self, covered: bool) -> None:
        if self.whole and (self.proven != self.size or not covered):
            begin = max(0, self.proven)
            self.problem(begin, f"no trusted key has signed a checkpoint at the end, over the entries from {begin} on")
        for held in self.ahead:
            self.problem(
                self.size, f"the end is cut off: a checkpoint that is held elsewhere covers {held.size} entries"
            )


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise _Bad("it is not UTF-8") from None


def _unquoted(quoted: str) -> str:
    """The text that stands there between quotes, escaped as RFC 8785 does it."""
    try:
        text, end = scanstring(quoted, 1)
    except ValueError:
        text, end = "", 0
    # Only these two escapes can say what could be said in another way.
    spelled = "\\u" not in quoted and "\\/" not in quoted
    if end != len(quoted) or not (spelled or encode_basestring(text) == quoted):
        raise _Bad("a text is not quoted in the one way that there is")
    return str(text)


def _object(text: str) -> dict[str, Any]:
    """A JSON object of one meaning: no name is there twice, and no number has a fraction."""
    try:
        value, end = _read(text, 0)
    except (ValueError, RecursionError, StopIteration):
        value, end = None, 0
    if end != len(text) or type(value) is not dict:
        raise _Bad("it is no JSON object of one meaning")
    return value


def _base64(text: str) -> bytes:
    try:
        raw = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise _Bad("it has what is not Base 64") from None
    if base64.b64encode(raw).decode() != text:
        raise _Bad("it has Base 64 that is not in its one form")
    return raw


def _key(text: object) -> _Key:
    """A verifier key, `name+id+key`, of a log or a witness."""
    match = _KEY.fullmatch(text) if isinstance(text, str) and len(text) < 1024 else None
    try:
        raw = _base64(match[3]) if match else b""
    except _Bad:
        raw = b""
    if match is None or len(raw) != 33 or raw[0] not in (_NOTE_KEY, _WITNESS_KEY) or not _is_name(match[1]):
        raise _Bad("a verifier key is not `name+id+key` of Ed25519")
    key = _Key(match[1], raw[0], raw[1:])
    if key.key_id.hex() != match[2]:
        raise _Bad("the id of a verifier key is not its own")
    return key


def _is_name(name: str) -> bool:
    return bool(name) and not any(c.isspace() or c < " " or c == "+" or "\ud800" <= c <= "\udfff" for c in name)


def _checkpoint(raw: str | bytes, known: dict[tuple[str, bytes], _Key]) -> _Checkpoint:
    """The checkpoint in a signed note, with the known keys that signed it, and how many others did."""
    note = _text(raw) if isinstance(raw, bytes) else raw
    body, parted, lines = note.rpartition("\n\n")
    text = body + "\n"
    if len(note) > NOTE_BYTES_MAX or not parted or not lines.endswith("\n"):
        raise _Bad("the checkpoint is no signed note")
    if any((c < " " and c != "\n") or "\ud800" <= c <= "\udfff" for c in note) or lines.count("\n") > SIGNATURES_MAX:
        raise _Bad("the checkpoint is no signed note")
    signers = [_signer(line, text, known) for line in lines[:-1].split("\n")]
    origin, size, root, *rest = [*body.split("\n"), "", ""]
    if not origin or _SIZE.fullmatch(size) is None or "" in rest[:-2] or len(digest := _base64(root)) != 32:
        raise _Bad("the checkpoint has not an origin, a size and a root")
    return _Checkpoint(origin, int(size), digest, frozenset(filter(None, signers)), signers.count(None))


def _signer(line: str, text: str, known: dict[tuple[str, bytes], _Key]) -> _Key | None:
    """The known key that made this line, whose signature holds; None for an unknown one."""
    dash, _, rest = line.partition(" ")
    name, _, value = rest.partition(" ")
    raw = _base64(value)
    if dash != "—" or not _is_name(name) or len(raw) < 5:
        raise _Bad("a line under the checkpoint is no signature")
    key = known.get((name, raw[:4]))
    if key is None:
        return None
    message, signature = text.encode(), raw[4:]
    if key.kind == _WITNESS_KEY:
        seconds, signature = int.from_bytes(signature[:8]), signature[8:]
        message = f"cosignature/v1\ntime {seconds}\n".encode() + message
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise _Bad(f"the signature of {name!a} under the checkpoint does not hold") from None
    return key


def _lines(path: str) -> Iterator[bytes]:
    """The lines of the file; one that is too long comes in parts, none of which is sound."""
    with open(path, "rb") as file:
        while line := file.readline(LINE_BYTES_MAX):
            yield line


def _start(path: str) -> bytes:
    """The file, or more of it than a checkpoint can have."""
    with open(path, "rb") as file:
        return file.read(NOTE_BYTES_MAX + 1)


def _told(report: Report) -> str:
    """The report in words, the claim and its limits with it."""
    root = base64.b64encode(report.root).decode()
    found = [f"entry {each.seq}: {each.what}" for each in report.problems]
    found += [f"and {report.more} more"] if report.more else []
    lines = [
        f"{report.size} entries ({report.opened} open, {report.closed} closed), root {root}",
        f"{report.checkpoints} checkpoints in the file agree, and {report.held} that are held elsewhere.",
        *([] if report.trusted else [UNTRUSTED]),
        "The evidence holds." if report.ok else "The evidence does not hold:",
        *found,
        CLAIM,
    ]
    return "\n".join(lines)


def _json(report: Report) -> str:
    root = base64.b64encode(report.root).decode()
    problems = [{"seq": each.seq, "what": each.what} for each in report.problems]
    return json.dumps({"ok": report.ok, "size": report.size, "root": root, "problems": problems})


def main(arguments: list[str] | None = None) -> int:
    """The command. 0 where the evidence holds, 20 where it does not, 2 for usage and for files that cannot be read."""
    parser = argparse.ArgumentParser(prog="audit", description="Check an exported ledger offline.", epilog=CLAIM)
    parser.add_argument("file", metavar="FILE", help="the exported ledger")
    parser.add_argument("--key", action="append", default=[], metavar="VKEY", help="a verifier key that you trust")
    parser.add_argument("--against", action="append", default=[], metavar="FILE", help="a checkpoint that you kept")
    parser.add_argument("--json", action="store_true", help="the result for scripts; the claim goes to stderr")
    chosen = parser.parse_args(arguments)
    try:
        held = [_start(path) for path in chosen.against]
        report = audit(_lines(chosen.file), chosen.key, held)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    if chosen.json:
        print(CLAIM if report.trusted else f"{UNTRUSTED}\n{CLAIM}", file=sys.stderr)
    print(_json(report) if chosen.json else _told(report))
    return HOLDS if report.ok else FAILS


if __name__ == "__main__":
    sys.exit(main())
