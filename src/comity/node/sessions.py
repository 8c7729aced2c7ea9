"""Signing in: who a person is, once, and the session that says so from then on.

Whatever was wrong, it is the same error after the same work. A session is a row; its cookie holds 256 bits of chance,
of which the row has the SHA-256 (OWASP ASVS 4.0, V3). It ends when its account signs in with something else.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from msgspec import structs

from comity.errors import Invalid, NotFound, Unauthenticated
from comity.interfaces import microseconds
from comity.node.access import digest_of
from comity.node.auditing import Auditing
from comity.node.codes import recovery_code_of, step_of
from comity.node.people import ADMIN, ROLES, Account, account_named, accounts
from comity.store.audit import AuditQuery, Noted
from comity.store.interface import Snapshot, Transaction
from comity.store.nouns import Token
from comity.store.sessions import Link, Session

LINK_MINUTES, LINK_MINUTES_MOST = 10, 60
NETWORK_DAYS = 30
SIGN_INS_LOOKED_AT = 200
OF_A_NAME = "name "
"""How failures of a name begin where they are counted; what follows is a digest, since what was typed as a name may be
a password."""
SIGN_IN, SIGN_IN_FAILED, SIGN_OUT = "sign-in", "sign-in-failed", "sign-out"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session at the only moment when its secret is known."""

    session: Session
    account: Account
    secret: str


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link that signs in once, at the only moment when its secret is known; it ends at that instant."""

    account: Account
    secret: str
    expires: int


class SigningIn(Auditing):
    """The verbs by which persons come in and go."""

    def sign_in(
        self, name: str, password: str, code: str = "", *, address: str = "", agent: str = "", replaces: str = ""
    ) -> SignedIn:
        """There is a session of the account with that name, whose password was given, or its secret as long as it has
        no password, and a code where it has a second factor. The session with the secret `replaces` has ended.

        Unauthenticated, in the same words after the same work, where anything of it is wrong."""
        with self._snapshot() as snapshot:
            held = next((one for one in accounts(snapshot) if one.name == name), None)
        by_secret = held is not None and not held.password
        good = self._knows_secret(held, password, hash=not by_secret)
        if by_secret:
            # Whoever guesses must not see that there is no password yet.
            self._passwords().holds("", password)
        if held is None or not good or held.state != "active" or not self._has_factor(held, code):
            raise self._failed(held, address)
        kept = held.password
        if kept and self._passwords().is_outdated(kept):
            kept = self._passwords().hashed(password)
        with self.store.write() as tx:
            account = self._unchanged(tx, held, address)
            account = self._use_code(tx, structs.replace(account, password=kept), code, address)
            if account != held:
                self._put_account(tx, account)
            way = "secret" if by_secret else "password"
            return self._new_session(tx, account, way, address, agent, replaces)

    def sign_in_by_link(
        self, link: str, code: str = "", *, address: str = "", agent: str = "", replaces: str = ""
    ) -> SignedIn:
        """The same by the secret of a link, which is used up by it. Who made the link for another person may have used
        it, and counts as whoever handed the secret over."""
        digest = digest_of(link)
        with self.store.write() as tx:
            now = self._latest(tx)
            found = tx.sign_in_link(digest)
            account = next((one for one in accounts(tx) if found and one.id == found.account), None)
            if found is None or account is None or account.state != "active" or found.used is not None:
                raise self._failed(None, address)
            if found.stamp != stamp_digest(account) or not self._has_factor(account, code):
                raise self._failed(account, address)
            if not tx.use_link(digest, now):
                raise self._failed(account, address)
            changed = self._use_code(tx, account, code, address)
            if found.made_by:
                changed = structs.replace(changed, handed_by=found.made_by)
            if changed != account:
                self._put_account(tx, changed)
            return self._new_session(tx, changed, "link", address, agent, replaces)

    def new_link(self, name: str, *, minutes: int = LINK_MINUTES) -> NewLink:
        """A link signs the account of that name in, once and within so many minutes. An administrator may make one, or
        the host's operator where he still acts. Invalid beyond LINK_MINUTES_MOST."""
        if not 1 <= minutes <= LINK_MINUTES_MOST:
            raise Invalid(f"A link lasts from 1 to {LINK_MINUTES_MOST} minutes.", where="minutes")
        secret = self._new_secret()
        with self.store.write() as tx:
            actor = self._actor(tx, ADMIN)
            account = account_named(tx, name)
            if account.state != "active":
                raise NotFound(f"{name} does not act.", where="user", hint="comity user reset makes it act again.")
            expires = microseconds(self.clock.now()) + minutes * 60_000_000
            made_by = "" if actor.id == account.id else actor.person
            tx.put_link(Link(digest_of(secret), account.id, stamp_digest(account), made_by, expires))
            tx.note(Noted(tx.staff, "sign-in-link", {"user": account.id}))
            return NewLink(account, secret, expires)

    def visitor(self, secret: str) -> tuple[Session, Account]:
        """The session with that secret, and whose it is. Unauthenticated, in the same words, where there is none, where
        it is over, and where its account acts no more or signs in with something else."""
        with self._snapshot() as snapshot:
            found = snapshot.session(digest_of(secret))
            account = next((one for one in accounts(snapshot) if found and one.id == found.account), None)
            now = self._latest(snapshot)
        if found is None or account is None or not self._holds_at(found, account, now):
            raise Unauthenticated("You are not signed in any more.", where="session", hint="Sign in again.")
        self.looks.visited(found.id, found.seen)
        self.looks.used(account.id)
        return found, account

    def sign_out(self, secret: str) -> None:
        """The session with that secret has ended, if there is one."""
        with self.store.write() as tx:
            self._end(tx, tx.session(digest_of(secret)))

    # -- sessions of one's own

    def own_sessions(self) -> list[Session]:
        """The sessions of whoever acts that are not over, the newest first."""
        with self._snapshot() as snapshot:
            actor = self._actor(snapshot, *ROLES)
            now = self._latest(snapshot)
            account = next((one for one in accounts(snapshot) if one.id == actor.id), None)
            return [one for one in snapshot.sessions(actor.id) if account and self._holds_at(one, account, now)]

    def end_session(self, id: str) -> None:
        """That session of whoever acts has ended. NotFound for those of others, as for what is not there."""
        with self.store.write() as tx:
            actor = self._actor(tx, *ROLES)
            found = next((one for one in tx.sessions(actor.id) if one.id == id and one.ended is None), None)
            if found is None:
                raise NotFound("There is no such session.", where="session")
            self._end(tx, found)

    def known_from(self, name: str, is_there: Callable[[str], bool]) -> bool:
        """Whether the account of that name signed in within NETWORK_DAYS from an address for which that holds."""
        with self._snapshot() as snapshot:
            held = next((one for one in accounts(snapshot) if one.name == name), None)
            since = microseconds(self.clock.now()) - NETWORK_DAYS * 24 * 3600 * 1_000_000
            query = AuditQuery(
                account=held.id if held else "nobody",
                acts=(SIGN_IN,),
                since=since,
                limit=SIGN_INS_LOOKED_AT,
                newest=True,
            )
            return any(is_there(row.address) for row in snapshot.audit_rows(query))

    def tokens_made_by(self, name: str) -> list[Token]:
        """The tokens in force that the account of that name made, and whose secrets its person may have kept (R47). For
        administrators."""
        with self._snapshot() as snapshot:
            self._actor(snapshot, ADMIN)
            account = account_named(snapshot, name)
            query = AuditQuery(account=account.id, acts=("token",), limit=2**31)
            made = {row.what.partition('"id":"')[2].partition('"')[0] for row in snapshot.audit_rows(query)}
            now = self._latest(snapshot)
            known = snapshot.tokens()
        return [one for one in known if one.id in made and one.revoked_at is None and one.expires_at > now]

    # -- what these rest on

    def _latest(self, snapshot: Snapshot) -> int:
        """The instant that no clock which was put back makes earlier."""
        return self.guard.moment(snapshot).latest

    def _holds_at(self, session: Session, account: Account, now: int) -> bool:
        idle = self.settings.session_idle_minutes * 60_000_000
        return (
            session.ended is None
            and now < session.expires
            and now < session.seen + idle
            and account.state == "active"
            and session.stamp == stamp_digest(account)
        )

    def _has_factor(self, account: Account, code: str) -> bool:
        """Whether the code could be one of the account; whether it was used is known where it is used."""
        if not account.totp:
            return True
        now = microseconds(self.clock.now())
        return step_of(account.totp, code, now) is not None or recovery_code_of(code, account.recovery) is not None

    def _use_code(self, tx: Transaction, account: Account, code: str, address: str) -> Account:
        """The account with that code used; nobody can use it again."""
        if not account.totp:
            return account
        step = step_of(account.totp, code, microseconds(self.clock.now()))
        if step is not None:
            if not tx.use_counter(account.id, step):
                raise self._failed(account, address)
            return account
        used = recovery_code_of(code, account.recovery)
        if used is None:
            raise self._failed(account, address)
        return structs.replace(account, recovery=tuple(one for one in account.recovery if one != used))

    def _unchanged(self, tx: Transaction, held: Account, address: str) -> Account:
        """The account as it is now, if it still signs in with what was looked at."""
        account = next((one for one in accounts(tx) if one.id == held.id), None)
        if account is None or account.stamp != held.stamp or account.state != "active":
            raise self._failed(held, address)
        return account

    def _failed(self, account: Account | None, address: str) -> Unauthenticated:
        """It is noted, without what was typed."""
        known = {} if account is None else {"name": account.name}
        self.looks.note((account.id if account else "", SIGN_IN_FAILED, address, ""), known)
        return Unauthenticated(
            "The name, the password or the code is wrong.",
            where="sign-in",
            hint="An account that has no password yet signs in with the secret that was handed over with it.",
        )

    def _new_session(
        self, tx: Transaction, account: Account, way: str, address: str, agent: str, replaces: str
    ) -> SignedIn:
        now = microseconds(self.clock.now())
        if replaces:
            self._end(tx, tx.session(digest_of(replaces)))
        secret = self._new_secret()
        made = Session(
            id=str(self.entropy.uuid4()),
            digest=digest_of(secret),
            account=account.id,
            stamp=stamp_digest(account),
            made=now,
            seen=now,
            expires=now + self.settings.session_hours * 3600 * 1_000_000,
            address=address,
            agent="".join(each for each in agent if each.isprintable()),
        )
        tx.put_session(made)
        tx.note(Noted(account.id, SIGN_IN, {"session": made.id, "by": way}, address))
        return SignedIn(made, account, secret)

    def _end(self, tx: Transaction, session: Session | None) -> None:
        if session is not None and session.ended is None:
            now = microseconds(self.clock.now())
            tx.put_session(replace(session, ended=now))
            tx.note(Noted(session.account, SIGN_OUT, {"session": session.id}, session.address))


def stamp_digest(account: Account) -> bytes:
    """What a session keeps of what its account signs in with."""
    return hashlib.sha256(account.stamp.encode()).digest()


def name_key(name: str) -> str:
    """By what failures of that name are counted, whether there is such an account or not."""
    return OF_A_NAME + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
