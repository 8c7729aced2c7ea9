"""What must be known outside the store too, so that a store that is put back does not undo it (R32)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from comity.store.interface import Transaction


@dataclass(frozen=True, slots=True)
class Aside:
    """One thing that was done and must stay done: of which kind, and its facts as they are, whose content is for no
    file: whoever writes them down writes keyed hashes."""

    kind: str
    facts: Mapping[str, str | int | bytes | Sequence[str]]


KeepAside: TypeAlias = "Callable[[Transaction, Sequence[Aside], bytes], None]"
"""Called in a transaction that is about to be committed, with the commitment of its last entry of the ledger. What it
raises rolls the transaction back."""


def keep_nothing(_tx: "Transaction", _asides: Sequence[Aside], _commitment: bytes) -> None:
    """For a store beside which no file is kept."""
