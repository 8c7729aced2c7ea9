"""What persons do with their own account: password, second factor, and how pages look to them."""

import re
from collections.abc import Sequence

from msgspec import structs

from comity.errors import AlreadyDone, Conflict, Invalid, NotAuthorized
from comity.interfaces import microseconds
from comity.node.codes import address_of, digest_of_code, new_recovery_codes, new_secret, step_of
from comity.node.passwords import check_password
from comity.node.people import NO_SECRET, ROLES, Account
from comity.node.people import accounts as all_accounts
from comity.node.sessions import SigningIn, stamp_digest
from comity.store.interface import Snapshot, Transaction

THEMES = ("system", "light", "dark")
_LANGUAGE = re.compile(r"(?:[a-z]{2})?", re.ASCII)


class OwnAccount(SigningIn):
    """The verbs on the account that acts. `session` is the id of the session in which it does."""

    def own_account(self) -> Account:
        """The account that acts. Unauthenticated where none does."""
        with self._snapshot() as snapshot:
            return self._own(snapshot)

    def set_password(self, new: str, current: str = "", *, session: str = "") -> None:
        """The account signs in with this password and with nothing else: the secret that was handed over counts no
        more, and every other session has ended. NotAuthorized where it has a password that is not the current one."""
        account = self.own_account()
        self._check_current(account, current)
        check_password(new, account.name)
        kept = self._passwords().hashed(new)
        with self.store.write() as tx:
            self._same(tx, account)
            changed = structs.replace(
                account,
                password=kept,
                password_at=max(microseconds(self.clock.now()), account.password_at + 1),
                digest=NO_SECRET,
                handed_by="",
            )
            self._put_account(tx, changed, keep=session)
            if session:
                tx.restamp_session(session, stamp_digest(changed))

    def pending_factor(self, session: str) -> tuple[str, str]:
        """The secret that the account would have in its second factor, and the same as an address for a picture. It is
        kept nowhere before it is confirmed, and is another one for each session and password."""
        account = self.own_account()
        secret = new_secret(self.cursor_key(), session, account.id, account.stamp)
        return secret, address_of(secret, account.name, self.name)

    def confirm_factor(self, session: str, code: str) -> list[str]:
        """The account has the second factor of `pending_factor`, since the code is of it; the codes that stand in for
        it, at the only moment when they are known. AlreadyDone where it has one, Invalid for another code."""
        account = self.own_account()
        if account.totp:
            raise AlreadyDone("There is a second factor already.", where="code", hint="Remove it first.")
        secret, _ = self.pending_factor(session)
        step = step_of(secret, code, microseconds(self.clock.now()))
        codes = new_recovery_codes(self.entropy)
        with self.store.write() as tx:
            self._same(tx, account)
            if step is None or not tx.use_counter(account.id, step):
                raise Invalid(
                    "This is not the code of now.",
                    where="code",
                    hint="See whether the clock of your device is right, and type the code that it shows now.",
                )
            self._put_account(tx, structs.replace(account, totp=secret, recovery=_digests(codes)))
        return codes

    def drop_factor(self, current: str) -> None:
        """The account has no second factor. NotAuthorized where that is not its password."""
        account = self.own_account()
        self._check_current(account, current)
        with self.store.write() as tx:
            self._same(tx, account)
            self._put_account(tx, structs.replace(account, totp="", recovery=()))

    def new_codes(self, current: str) -> list[str]:
        """Other codes stand in for the second factor, and those before count no more. NotAuthorized where that is not
        the password of the account, Conflict where it has no second factor."""
        account = self.own_account()
        self._check_current(account, current)
        if not account.totp:
            raise Conflict("There is no second factor.", where="code", hint="Set it up first.")
        codes = new_recovery_codes(self.entropy)
        with self.store.write() as tx:
            self._same(tx, account)
            self._put_account(tx, structs.replace(account, recovery=_digests(codes)))
        return codes

    def set_looks(self, language: str, theme: str, *, keys: bool = True) -> None:
        """Pages are in that language (a code of two letters; empty for what the browser asks for) and theme, and single
        keys do something there or not (WCAG 2.1.4)."""
        if _LANGUAGE.fullmatch(language) is None:
            raise Invalid("A language is a code of two letters.", where="language")
        if theme not in THEMES:
            raise Invalid(f"A theme is one of {', '.join(THEMES)}.", where="theme")
        with self.store.write() as tx:
            account = self._own(tx)
            theme = "" if theme == THEMES[0] else theme
            changed = structs.replace(account, language=language, theme=theme, keys=keys)
            if changed != account:
                self._put_account(tx, changed)

    def _own(self, snapshot: Snapshot) -> Account:
        actor = self._actor(snapshot, *ROLES)
        found = next((one for one in all_accounts(snapshot) if one.id == actor.id), None)
        if found is None:
            raise NotAuthorized("The host's operator has no account.", where="as", hint="Give --as NAME.")
        return found

    def _same(self, tx: Transaction, account: Account) -> None:
        if self._own(tx) != account:
            raise Conflict("The account was changed meanwhile.", where="account", hint="Repeat.")

    def _check_current(self, account: Account, current: str) -> None:
        """The current password was given, as far as there is one: a session that somebody left open is not enough."""
        if account.password and not self._passwords().holds(account.password, current):
            raise NotAuthorized(
                "The current password is wrong.", where="current", hint="An administrator can reset the account."
            )


def _digests(codes: Sequence[str]) -> tuple[str, ...]:
    return tuple(digest_of_code(code) for code in codes)
