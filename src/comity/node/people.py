"""Persons: accounts with roles and secrets, and who acts. Without any account the host's operator is the only one."""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
from msgspec import structs

from comity.errors import AlreadyDone, Conflict, Invalid, NotAuthorized, NotFound, Unauthenticated
from comity.interfaces import microseconds
from comity.node.access import SECRET_BYTES, check_name, digest_of
from comity.node.base import Base
from comity.node.names import skeleton
from comity.node.passwords import Passwords, measured_cost
from comity.store.interface import Snapshot, Transaction
from comity.store.records import Record

KIND = "user"
ADMIN, APPROVER, RELEASER, AUDIT, AUDITOR = "admin", "approver", "releaser", "release-audit", "auditor"
READING = ("reader", "analyst", RELEASER, APPROVER)
"""Who has one of these reads content, which is not an administrator's right by itself (R44)."""
ROLES = (*READING, ADMIN, AUDIT, AUDITOR)
APPROVING = frozenset({ADMIN, APPROVER})
"""Who has one of these may be the second person."""
HOST = "the host's operator"
RECOVERY_DAYS_TOLD = 30
NO_SECRET = "0" * 64
"""The digest of an account of which nobody knows a secret: no secret has it."""
_COST = "password_cost"
ALONE = "There is one administrator, so no second person has looked at what this widens."


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An account of a person. `digest` is the SHA-256 of its secret. `handed_by` is another person who was shown that
    secret when it was made, until its holder makes a new one; empty where that was the host's operator. When it was
    recovered on the host, and why, stays known.

    Once its holder has set a password, that alone counts: `password` is what argon2id keeps of it, `password_at` when
    it was set. `totp` is the secret of the second factor (RFC 6238, base32), `recovery` the SHA-256 of each code that
    stands in for it once. `first` is the account that `init` made. `language` and `theme` are how pages look;
    without `keys` no single key does anything there."""

    id: str
    name: str
    person: str
    roles: tuple[str, ...]
    digest: str
    handed_by: str = ""
    state: str = "active"
    recovered_at: int | None = None
    recovered_why: str = ""
    password: str = ""
    password_at: int = 0
    totp: str = ""
    recovery: tuple[str, ...] = ()
    first: bool = False
    language: str = ""
    theme: str = ""
    keys: bool = True

    def __repr__(self) -> str:
        """Without what it signs in with."""
        return f"Account({self.name!r}, {self.state})"

    @property
    def stamp(self) -> str:
        """Another text whenever the account signs in with another secret or password."""
        if not self.password_at:
            return self.digest
        return hashlib.sha256(f"{self.digest} {self.password_at}".encode()).hexdigest()

    @property
    def is_taken(self) -> bool:
        """Whether it is somebody's: the account that `init` made is nobody's before its holder set a password."""
        return not self.first or bool(self.password)

    def may(self, roles: frozenset[str]) -> bool:
        """Whether it acts, and has one of these roles."""
        return self.state == "active" and not roles.isdisjoint(self.roles)


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account at the only moment when its secret is known."""

    account: Account
    secret: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an account, or the host's operator, who has no id and may do everything."""

    id: str
    name: str
    person: str

    @property
    def is_operator(self) -> bool:
        """Whether it is the host's operator, since there is no account."""
        return not self.id


OPERATOR = Actor("", "operator", "")


def accounts(snapshot: Snapshot) -> list[Account]:
    """All of them, by name."""
    return [msgspec.json.decode(record.body, type=Account) for record in snapshot.records(KIND)]


def account_named(snapshot: Snapshot, name: str) -> Account:
    """The account of that name. NotFound where there is none."""
    for one in accounts(snapshot):
        if one.name == name:
            return one
    raise NotFound(f"There is no account {name!r}.", where="user", hint="comity user list")


def same_person(one: str, other: str) -> bool:
    """Whether two names could be read as those of one person."""
    return skeleton(one) == skeleton(other)


def seconds(snapshot: Snapshot, actor: Actor) -> list[Account]:
    """The accounts that may be the second pair of eyes for what the actor asks: of other persons, and with the role."""
    if actor.is_operator:
        return []
    known = [one for one in accounts(snapshot) if one.may(APPROVING) and one.is_taken]
    return [one for one in known if not same_person(one.person, actor.person)]


def is_lone(known: Sequence[Account]) -> bool:
    """Whether there is no account yet but the one that `init` made: then the host's operator acts as before."""
    return len(known) == 1 and known[0].first


def watched(snapshot: Snapshot) -> bool:
    """Whether there is somebody who may change what is released, and a second person to look at it."""
    known = [one for one in accounts(snapshot) if one.is_taken]
    admins = [one for one in known if one.may(frozenset({ADMIN}))]
    return any(two.may(APPROVING) and not same_person(one.person, two.person) for one in admins for two in known)


class People(Base):
    """The verbs on accounts, and the check that every acting verb makes."""

    _hasher: Passwords | None = None

    # -- who acts

    @contextmanager
    def acting(self, name: str, secret: str) -> Iterator[Actor]:
        """What this thread does inside the block is done by the account of that name. Unauthenticated, in the same
        words and after the same work, where name or secret is wrong."""
        with self._snapshot() as snapshot:
            known = accounts(snapshot)
        held = next((one for one in known if one.name == name), None)
        equal = self._knows_secret(held, secret, hash=any(one.password for one in known))
        if held is None or not equal or held.state != "active":
            raise Unauthenticated("The name or the secret is wrong.", hint="comity user list has the names.")
        with self.acting_for(held) as actor:
            yield actor

    @contextmanager
    def acting_for(self, account: Account) -> Iterator[Actor]:
        """What this thread does inside the block is done by that account, of which somebody made sure, as long as it
        signs in with what it has now."""
        before = getattr(self._here, "account", None)
        self._here.account = (account.id, account.stamp)
        try:
            yield Actor(account.id, account.name, account.person)
        finally:
            self._here.account = before

    def _knows_secret(self, account: Account | None, secret: str, *, hash: bool) -> bool:
        """Whether it is the password of the account, or its secret as long as there is no password. Unless the secret
        holds, the same work is done for every account and for none; of hashing only with `hash`."""
        held = account.digest if account else NO_SECRET
        equal = hmac.compare_digest(held, digest_of(secret).hex())
        if equal or not hash:
            return equal
        return self._passwords().holds(account.password if account else "", secret)

    def _passwords(self) -> Passwords:
        """With the cost that was measured when the first of all processes of the node needed it."""
        if self._hasher is None:
            with self._snapshot() as snapshot:
                kept = snapshot.setting(_COST)
            if kept is None:
                kept = str(measured_cost(self.clock, self.entropy)).encode()
                with self.store.write() as tx:
                    kept = tx.setting(_COST) or kept
                    tx.put_setting(_COST, kept)
            self._hasher = Passwords(int(kept), self.entropy)
        return self._hasher

    def _actor(self, snapshot: Snapshot, *roles: str) -> Actor:
        """Who acts in this thread, as of that state of the store: an account with one of the roles, or the operator
        where there is none but the one that `init` made, and it is not the one that acts. Unauthenticated or
        NotAuthorized otherwise."""
        known = accounts(snapshot)
        id, stamp = getattr(self._here, "account", None) or ("", "")
        if not known or (not id and is_lone(known)):
            return OPERATOR
        account = next((one for one in known if one.id == id and one.stamp == stamp), None)
        if account is None or account.state != "active":
            raise Unauthenticated("Only an account may do this.", hint="Give --as NAME.", where="as")
        if not account.may(frozenset(roles)):
            words = f"{account.name} is none of {', '.join(roles)}."
            if len(roles) == 1:
                words = f"{account.name} is no {roles[0]}."
            raise NotAuthorized(words, where="as", hint="comity user list")
        snapshot.actor = account.id
        return Actor(account.id, account.name, account.person)

    # -- accounts

    def users(self) -> list[Account]:
        """Every account, by name."""
        with self._snapshot() as snapshot:
            return accounts(snapshot)

    def is_watched(self) -> bool:
        """Whether a second person looks at what widens; where not, `ALONE` is to be told."""
        with self._snapshot() as snapshot:
            return watched(snapshot)

    def add_user(self, name: str, roles: Sequence[str], *, person: str = "", first: bool = False) -> NewUser:
        """There is an account of that name with a secret of its own. The first one is an administrator, and from then
        on only accounts act; with `first`, which is for `init` alone, from the next one on. AlreadyDone where there is
        one whose name looks the same."""
        check_name(name, "name")
        check_name(person or name, "person")
        if not roles or not set(roles) <= set(ROLES):
            raise Invalid(f"A role is one of {', '.join(ROLES)}.", where="role")
        secret = self._new_secret()
        with self.store.write() as tx:
            actor = self._actor(tx, ADMIN)
            known = accounts(tx)
            if first and known:
                raise AlreadyDone("There is an account already.", where="name")
            if not known and ADMIN not in roles:
                raise Invalid("The first account is an administrator.", where="role", hint="Give --role admin.")
            for other in known:
                if skeleton(other.name) == skeleton(name):
                    raise AlreadyDone(
                        f"{other.name} looks the same.", where="name", hint="Choose a name that differs more."
                    )
            made = Account(
                id=str(self.entropy.uuid4()),
                name=name,
                person=person or name,
                roles=tuple(role for role in ROLES if role in roles),
                digest=digest_of(secret).hex(),
                handed_by=actor.person,
                first=first,
            )
            return NewUser(self._put_account(tx, made), secret)

    def disable_user(self, name: str) -> Account:
        """The account acts no more: its sessions have ended, and what it asked for is approved no more (R47). Conflict
        for the last administrator, and where no second person would be left to look at what widens."""
        with self.store.write() as tx:
            self._actor(tx, ADMIN)
            account = account_named(tx, name)
            was_watched = watched(tx)
            changed = self._put_account(tx, structs.replace(account, state="disabled"))
            left = accounts(tx)
            if not any(one.may(frozenset({ADMIN})) and (one.is_taken or not account.is_taken) for one in left):
                raise Conflict(f"{name} is the last administrator.", where="user")
            if was_watched and not watched(tx):
                raise Conflict(
                    "No second person would be left to look at what widens.",
                    where="user",
                    hint="Make another approver first.",
                )
            return changed

    def reset_user(self, name: str) -> NewUser:
        """The account is active and has a new secret; the old one counts no more, nor does its password, and its
        sessions have ended. Everybody may renew their own, an administrator that of others, whose second factor goes
        with it."""
        secret = self._new_secret()
        with self.store.write() as tx:
            account = account_named(tx, name)
            actor = self._actor(tx, *ROLES)
            if actor.id != account.id:
                actor = self._actor(tx, ADMIN)
            is_own = actor.id == account.id
            changed = structs.replace(
                account,
                digest=digest_of(secret).hex(),
                state="active",
                handed_by="" if is_own else actor.person,
                password="",
                password_at=0,
                totp=account.totp if is_own else "",
                recovery=account.recovery if is_own else (),
                first=account.first and is_lone(accounts(tx)),
            )
            return NewUser(self._put_account(tx, changed), secret)

    def recover_user(self, name: str, why: str) -> NewUser:
        """The account is active and has a new secret, by the word of whoever commands the host: for the administrator
        who lost the last one. When, and why, is kept, and `doctor` tells it for RECOVERY_DAYS_TOLD."""
        check_name(why, "reason")
        secret = self._new_secret()
        with self.store.write() as tx:
            changed = structs.replace(
                account_named(tx, name),
                digest=digest_of(secret).hex(),
                state="active",
                handed_by=HOST,
                recovered_at=microseconds(self.clock.now()),
                recovered_why=why,
                password="",
                password_at=0,
                totp="",
                recovery=(),
            )
            return NewUser(self._put_account(tx, changed), secret)

    def _new_secret(self) -> str:
        return base64.urlsafe_b64encode(self.entropy.token_bytes(SECRET_BYTES)).decode().rstrip("=")

    def _put_account(self, tx: Transaction, account: Account, *, keep: str = "") -> Account:
        """The account is kept so. Where it is active no more, or signs in with something else, its sessions end, but
        for the one with the id `keep`."""
        now = microseconds(self.clock.now())
        before = next((one for one in accounts(tx) if one.id == account.id), None)
        if before is not None and (account.state != "active" or before.stamp != account.stamp):
            tx.end_sessions(account.id, now, but=keep)
        tx.put_record(Record(KIND, account.id, account.name, msgspec.json.encode(account), changed_at=now))
        return account
