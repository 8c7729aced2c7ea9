"""Who is asking, and what that credential may do."""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from comity.errors import Invalid, Unauthenticated
from comity.interfaces import Clock, Entropy, microseconds
from comity.store.interface import Snapshot, Transaction
from comity.store.nouns import EVERY, Token

TOKEN_DAYS_DEFAULT = 90
TOKEN_DAYS_MAX = 180
SECRET_BYTES = 32
NAME_CHARACTERS_MAX = 200

_TOKEN_TEXT = re.compile(r"comity_([a-z2-7]{16})_([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Credential:
    """What somebody presented: the public id and the secret of a token."""

    id: str
    secret: str

    @classmethod
    def of_token(cls, text: str) -> "Credential | None":
        """The two parts of a `comity_…_…` token; None for what cannot be one."""
        match = _TOKEN_TEXT.fullmatch(text)
        return cls(match[1], match[2]) if match else None


@dataclass(frozen=True, slots=True)
class Access:
    """A credential that held: its rights by collection id, and the source that its posts count as. `recipient` is the
    partner or client that it is bound to, empty for own staff; `account` the id of the account that it acts as, if any;
    `address` is where it was presented from, if known."""

    token: str | None
    name: str
    source: str
    read: frozenset[str]
    write: frozenset[str]
    recipient: str = ""
    address: str = ""
    account: str = ""

    def may_read(self, collection: str) -> bool:
        """Whether the collection of that id may be read."""
        return EVERY in self.read or collection in self.read

    @property
    def may_read_all(self) -> bool:
        """Whether every collection may be read as it stands, those made later included: own staff alone may."""
        return EVERY in self.read and not self.recipient

    def may_write(self, collection: str) -> bool:
        """Whether the collection of that id may be written."""
        return EVERY in self.write or collection in self.write


OPERATOR = Access(None, "operator", "local", frozenset({EVERY}), frozenset({EVERY}))
"""Whoever commands the host. The command line and embedding programs act as this, the web never does."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token at the only moment when its secret is known. `token` is both parts in one text."""

    user: str
    secret: str
    token: str
    name: str
    source: str
    read: tuple[str, ...]
    write: tuple[str, ...]
    expires_at: datetime
    recipient: str = ""


def digest_of(secret: str) -> bytes:
    """What is kept of a secret. One round is enough: a secret has 256 random bits, so guessing is not a way in."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def admit(snapshot: Snapshot, credential: Credential, now_us: int) -> Access:
    """The rights of a credential that holds now. Unauthenticated otherwise, with the same words whatever was wrong."""
    token = snapshot.token(credential.id)
    held = token.digest if token else bytes(32)
    equal = hmac.compare_digest(held, digest_of(credential.secret))
    if token is None or not equal or token.revoked_at is not None or token.expires_at <= now_us:
        raise Unauthenticated("The credential is unknown, expired or revoked.", hint="Ask the operator for a token.")
    return Access(token.id, token.name, token.source, token.read, token.write, token.recipient, account=token.account)


def issue(
    tx: Transaction,
    clock: Clock,
    entropy: Entropy,
    name: str,
    *,
    read: Sequence[str],
    write: Sequence[str],
    source: str,
    days: int,
    recipient: str = "",
    account: str = "",
    stamp: bytes = b"",
) -> NewToken:
    """A new token with those rights is in force; `read` and `write` hold `all` or collections by id, alias or title.
    One that acts as an account has no other rights."""
    if not 1 <= days <= TOKEN_DAYS_MAX:
        raise Invalid(f"A token lasts 1 to {TOKEN_DAYS_MAX} days, not {days}.", where="days")
    if account and (read or write or recipient):
        raise Invalid("A token that acts as an account has the rights of that account alone.", where="account")
    if not account and not read and not write:
        raise Invalid(
            "A token needs a right.", hint="Give --read or --write, with `all` or a collection.", where="read"
        )
    check_name(name, "name")
    tx.source(source)
    now = clock.now()
    token_id = base64.b32encode(entropy.token_bytes(10)).decode().lower()
    secret = base64.urlsafe_b64encode(entropy.token_bytes(SECRET_BYTES)).decode().rstrip("=")
    expires = now + timedelta(days=days)
    rights = [
        frozenset(EVERY if item == "all" else tx.collection(item).id for item in right) for right in (read, write)
    ]
    tx.put_token(
        Token(
            id=token_id,
            name=name,
            digest=digest_of(secret),
            source=source,
            read=rights[0],
            write=rights[1],
            created_at=microseconds(now),
            expires_at=microseconds(expires),
            recipient=recipient,
            account=account,
            stamp=stamp,
        )
    )
    return NewToken(
        user=token_id,
        secret=secret,
        token=f"comity_{token_id}_{secret}",
        name=name,
        source=source,
        read=tuple(read),
        write=tuple(write),
        expires_at=expires,
        recipient=recipient,
    )


def check_name(name: str, where: str) -> None:
    """The name can be shown on one line: not empty, not overlong, no control characters. Invalid otherwise."""
    if not name.strip() or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        raise Invalid(f"A {where} is 1 to {NAME_CHARACTERS_MAX} printable characters.", where=where)
