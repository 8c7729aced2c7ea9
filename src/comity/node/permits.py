"""What a second person let go to a partner: publications by number, which bind the copy and its bytes (R14)."""

import msgspec
from pyroaring import BitMap

from comity.store.interface import Snapshot, Transaction
from comity.store.records import Record

KIND = "approval-of-release"


class Permits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that was ever let go to one partner, as a bitmap; the proposals say by whom, and when."""

    numbers: bytes
    proposal: str


def approved_for(snapshot: Snapshot, recipient: str) -> BitMap:
    """The publications that were let go to the recipient with that id."""
    for record in snapshot.records(KIND):
        if record.id == recipient:
            kept = msgspec.json.decode(record.body, type=Permits)
            return BitMap.deserialize(kept.numbers)
    return BitMap()


def permit(tx: Transaction, recipient: str, numbers: BitMap, proposal: str, now: int) -> None:
    """These go to the recipient as well."""
    every = approved_for(tx, recipient) | numbers
    kept = Permits(every.serialize(), proposal)
    tx.put_record(Record(KIND, recipient, recipient, msgspec.json.encode(kept), changed_at=now))
