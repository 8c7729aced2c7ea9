"""The file beside the store (R32): what must stay done though the store is put back from a backup, a line each.

A line is on the disk before the transaction that does what it says is committed, so that no moment of death loses one;
a line whose transaction was not committed says what somebody was about to do, and is heeded too. It holds keyed hashes
and no content; the key lies in the store, and so in its backups, but not in the file.
"""

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import structs

from comity.errors import Conflict, NotFound, StoreUnavailable, Unverified
from comity.node import system
from comity.node.hashes import Hashes, hashes_of
from comity.node.people import KIND as USER
from comity.node.people import Account
from comity.node.recipients import KIND as PARTNER
from comity.node.recipients import Partner
from comity.store.asides import Aside
from comity.store.interface import Transaction

SIDE_FILE = "side.log"
BEGUN, EPOCH, DRAFT = "begun", "epoch", "draft"


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line. `entry` is the commitment of the entry of the ledger that was written with it; `of` tells by which key
    `hashes` were made; `mac` is over all the rest."""

    kind: str
    at: int
    entry: str
    of: str
    hashes: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    state: str = ""
    number: int = 0
    mac: str = ""


@dataclass(frozen=True, slots=True)
class SideFile:
    """The file. Several processes may write it at once."""

    path: Path

    def begin(self, tx: Transaction) -> None:
        """There is a file; where there was none, its first line says from which entry of the ledger on it knows all."""
        hashes = _hashes(tx)
        if not self.path.exists():
            line = Line(kind=BEGUN, at=tx.last_entry_at, entry="", of=hashes.name, number=tx.last_entry)
            system.append_durably(self.path, _encoded(line, hashes))

    def keep(self, tx: Transaction, asides: Sequence[Aside], commitment: bytes) -> None:
        """There is a line for each of these that matters, on the disk. StoreUnavailable where it cannot be written, and
        then nothing was done."""
        hashes = _hashes(tx)
        at = tx.last_entry_at
        for aside in asides:
            line = line_of(aside, hashes)
            if line is not None:
                line = structs.replace(line, at=at, entry=commitment.hex(), of=hashes.name)
                system.append_durably(self.path, _encoded(line, hashes))


def _hashes(tx: Transaction) -> Hashes:
    """The keyed hashes of the store. StoreUnavailable where their key could not be kept when the node was opened."""
    found = hashes_of(tx)
    if found is None:
        raise StoreUnavailable("The store was busy when the node was opened.", hint="Nothing was done. Try again.")
    return found


def line_of(aside: Aside, hashes: Hashes) -> Line | None:
    """What is written down of it; None for what a backup may bring back."""
    facts = aside.facts
    blank = Line(kind=aside.kind, at=0, entry="", of="")
    match aside.kind:
        case "withdrawal" | "restoration":
            if "copies" in facts:
                parted = [copy.split(" ", 2) for copy in _texts(facts["copies"])]
                many = tuple(hashes.copy(collection, id, digest) for collection, digest, id in parted)
                return structs.replace(blank, hashes=many)
            collection, id = str(facts["collection"]), str(facts["id"])
            digests = tuple(hashes.copy(collection, id, digest) for digest in _texts(facts["digests"]))
            return structs.replace(blank, hashes=digests)
        case "erasure":
            ids = [hashes.object(id) for id in _texts(facts["ids"])]
            bodies = [hashes.body(digest) for digest in _texts(facts["digests"])]
            drafts = [hashes.of(DRAFT, id) for id in _texts(facts["drafts"])]
            return structs.replace(blank, hashes=(*ids, *bodies, *drafts), closed=_texts(facts["closed"]))
        case "recall":
            parted = [bar.split(" ", 2) for bar in _texts(facts["bars"])]
            bars = tuple(f"{ours} {instant} {hashes.object(id)}" for ours, instant, id in parted)
            return structs.replace(blank, hashes=bars)
        case "revocation":
            return structs.replace(blank, hashes=(hashes.token(str(facts["token"])),))
        case "epoch":
            number = facts["number"]
            assert isinstance(number, int)
            return structs.replace(blank, number=number)
        case "record":
            body = facts["body"]
            assert isinstance(body, bytes)
            return _line_of_record(blank, str(facts["of"]), body, hashes)
    return None


def _line_of_record(blank: Line, kind: str, body: bytes, hashes: Hashes) -> Line | None:
    if kind == USER:
        account = msgspec.json.decode(body, type=Account)
        known = (hashes.of(USER, account.id), hashes.secret(account.id, account.stamp))
        return structs.replace(blank, kind=USER, hashes=known, state=account.state)
    if kind == PARTNER:
        partner = msgspec.json.decode(body, type=Partner)
        return structs.replace(blank, kind=PARTNER, hashes=(hashes.of(PARTNER, partner.id),), state=partner.state)
    return None


def _texts(value: object) -> tuple[str, ...]:
    assert isinstance(value, list | tuple)
    return tuple(str(each) for each in value)


def _encoded(line: Line, hashes: Hashes) -> bytes:
    plain = structs.replace(line, mac="")
    mac = hmac.digest(hashes.key, b"line\0" + msgspec.json.encode(plain), "sha256").hex()
    return msgspec.json.encode(structs.replace(plain, mac=mac))


def read(path: Path) -> list[Line]:
    """The lines of the file, in their order; one that nobody finished, since its writer died before it had done
    anything, is left out. Unverified for anything else that is no line."""
    found = []
    try:
        with system.opened(path) as file:
            for number, raw in enumerate(file, 1):
                line = _decoded(raw.rstrip(b"\n"), path, number)
                if line is not None:
                    found.append(line)
    except IsADirectoryError as error:
        raise NotFound(f"{path} is a folder.") from error
    return found


def write(path: Path, lines: Sequence[Line]) -> None:
    """The new file (mode 0600) has these lines."""
    system.write_private(path, b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


def _decoded(raw: bytes, path: Path, number: int) -> Line | None:
    if not raw.endswith(b"}"):
        return None
    try:
        return msgspec.json.decode(raw, type=Line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unverified(f"{path}, line {number}, is no line of a side file: {error}.") from error


def checked(lines: Sequence[Line], hashes: Hashes) -> Iterator[Line]:
    """The same lines, each as it was written under that key. Conflict for one of another key, Unverified for one that
    is not as it was."""
    for line in lines:
        if line.of != hashes.name:
            raise Conflict(
                "The side file is of another node, or the backup was made before there was one.",
                where="side",
                hint="Name the file of this node by --side, or move the other one away.",
            )
        wanted = msgspec.json.decode(_encoded(line, hashes), type=Line).mac
        if not hmac.compare_digest(wanted, line.mac):
            raise Unverified(
                "A line of the side file is not as it was written.",
                where=f"the line of {line.at}",
                hint="Take the file from another copy.",
            )
        yield line
