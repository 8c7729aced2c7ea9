"""Keyed hashes: by them a node knows again what it must not name."""

import hashlib
import hmac
from dataclasses import dataclass

from comity.interfaces import Entropy
from comity.store.interface import Snapshot, Transaction
from comity.store.nouns import Token

KEY_BYTES = 32
_KEY = "side_key"


@dataclass(frozen=True, slots=True)
class Hashes:
    """HMAC-SHA256 under the key of a node, of texts of different kinds that never meet."""

    key: bytes

    def of(self, kind: str, *texts: str) -> str:
        """The hash of these texts, in hexadecimal."""
        return hmac.digest(self.key, "\0".join((kind, *texts)).encode(), "sha256").hex()

    @property
    def name(self) -> str:
        """By which the key is told apart from another one."""
        return hashlib.sha256(self.key).hexdigest()[:16]

    def object(self, id: str) -> str:
        """That of an object, whichever copy of it."""
        return self.of("object", id)

    def body(self, digest: str) -> str:
        """That of a body with this SHA-256, in hexadecimal."""
        return self.of("body", digest)

    def copy(self, collection: str, id: str, digest: str) -> str:
        """That of a body of the object in a collection."""
        return self.of("copy", collection, id, digest)

    def token(self, token: Token | str) -> str:
        """That of a token."""
        return self.of("token", token if isinstance(token, str) else token.id)

    def secret(self, id: str, digest: str) -> str:
        """That of the secret which the account has."""
        return self.of("secret", id, digest)


def hashes_of(snapshot: Snapshot) -> Hashes | None:
    """The keyed hashes of that store; None for one that never needed any."""
    key = snapshot.setting(_KEY)
    return None if key is None else Hashes(key)


def hashes_in(tx: Transaction, entropy: Entropy) -> Hashes:
    """The same, with a key that is made where there was none."""
    found = hashes_of(tx)
    if found is None:
        found = Hashes(entropy.token_bytes(KEY_BYTES))
        tx.put_setting(_KEY, found.key)
    return found
