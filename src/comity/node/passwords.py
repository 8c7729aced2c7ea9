"""Passwords as they are kept: argon2id (RFC 9106), with a cost that is measured once on the node's own machine.

`argon2` is imported where a password is hashed, so that nothing else waits for it.
"""

import base64
import threading
import unicodedata

from comity.errors import Invalid
from comity.interfaces import Clock, Entropy

MEMORY_KIB = 32 * 1024
"""Of one hashing; two at once take twice that, whoever asks."""
LANES = 1
COST_LEAST, COST_MOST = 3, 100
"""Passes over the memory."""
WANTED_US = 150_000
TRIES = 3
CHARACTERS_LEAST, CHARACTERS_MOST = 12, 1_000
SALT_BYTES, HASH_BYTES = 16, 32
_AT_ONCE = threading.BoundedSemaphore(2)


def check_password(password: str, name: str) -> None:
    """It may be the password of the account of that name. Invalid where it is too short or too long, or is the name;
    what it is made of is nobody's business (NIST SP 800-63B section 5.1.1.2)."""
    if not CHARACTERS_LEAST <= len(_plain(password)) <= CHARACTERS_MOST or len(password) > CHARACTERS_MOST:
        words = f"A password has {CHARACTERS_LEAST} to {CHARACTERS_MOST:,} characters."
        raise Invalid(words, where="password", hint="Several words in a row are long and can be kept in mind.")
    if _plain(password).casefold() == _plain(name).casefold():
        raise Invalid("A password is not the name of its account.", where="password", hint="Choose another one.")


class Passwords:
    """Hashes and compares with that cost; at most two at once in this process, others wait."""

    def __init__(self, cost: int, entropy: Entropy) -> None:
        self.cost = cost
        self._entropy = entropy
        salt, hash = (base64.b64encode(bytes(count)).decode().rstrip("=") for count in (SALT_BYTES, HASH_BYTES))
        self._nobodys = f"$argon2id$v=19$m={MEMORY_KIB},t={cost},p={LANES}${salt}${hash}"

    def hashed(self, password: str) -> str:
        """What is kept of the password: algorithm, cost, a fresh salt and the hash, in the form of PHC strings."""
        from argon2.low_level import Type, hash_secret

        salt = self._entropy.token_bytes(SALT_BYTES)
        with _AT_ONCE:
            found = hash_secret(_bytes(password), salt, self.cost, MEMORY_KIB, LANES, HASH_BYTES, Type.ID)
        return found.decode("ascii")

    def holds(self, kept: str, password: str) -> bool:
        """Whether it is the password of which this is kept. Where nothing is kept the same work ends in False."""
        from argon2.exceptions import Argon2Error, InvalidHash
        from argon2.low_level import Type, verify_secret

        if len(password) > CHARACTERS_MOST:
            password = ""
        with _AT_ONCE:
            try:
                found = verify_secret((kept or self._nobodys).encode("ascii"), _bytes(password), Type.ID)
            except (Argon2Error, InvalidHash):
                return False
        return found and bool(kept)

    def is_outdated(self, kept: str) -> bool:
        """Whether it was hashed for less than is asked for now."""
        from argon2 import extract_parameters

        found = extract_parameters(kept)
        return (found.memory_cost, found.time_cost) < (MEMORY_KIB, self.cost)


def measured_cost(clock: Clock, entropy: Entropy) -> int:
    """So many passes that one hashing takes about WANTED_US on this machine, and COST_LEAST at least."""
    trial = Passwords(COST_LEAST, entropy)
    took = []
    for _ in range(TRIES):
        _, before = clock.steady()
        trial.hashed("measured")
        took.append(clock.steady()[1] - before)
    # The shortest is the one that nothing else on the machine held up.
    return (
        max(COST_LEAST, min(COST_MOST, round(COST_LEAST * WANTED_US / max(min(took), 1)))) if min(took) else COST_LEAST
    )


def _plain(text: str) -> str:
    """The same text however it was composed by the keyboard."""
    return unicodedata.normalize("NFKC", text)


def _bytes(password: str) -> bytes:
    return _plain(password).encode("utf-8", "surrogatepass")
