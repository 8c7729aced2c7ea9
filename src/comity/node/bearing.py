"""Programs that act as an account: by a token that the account made for itself, and the answers that they may ask for
again.

Such a token holds as long as its account acts and signs in with what it signed in with then: another password, a reset
or a recovery ends it, as it ends sessions.
"""

import hmac
from dataclasses import replace

from comity.errors import Conflict, Invalid, Unauthenticated
from comity.interfaces import microseconds
from comity.node import access as who
from comity.node.access import Access, NewToken
from comity.node.own_account import OwnAccount
from comity.node.people import Account, accounts
from comity.node.sessions import stamp_digest
from comity.store.interface import Snapshot
from comity.store.sessions import Answered as Answered

ANSWER_HOURS = 24
ANSWER_BYTES_MOST = 100_000
"""What is longer is not kept, and not answered again."""
SOURCE = "local"


class Bearing(OwnAccount):
    """The verbs of tokens that act as an account, and of answers that are kept."""

    def new_own_token(self, name: str, *, days: int = who.TOKEN_DAYS_DEFAULT) -> NewToken:
        """A token is in force that acts as the account that acts, with its roles at the time; nobody makes one for
        somebody else. Its secret is in the answer and nowhere else."""
        with self.store.write() as tx:
            account = self._own(tx)
            return who.issue(
                tx,
                self.clock,
                self.entropy,
                name,
                read=(),
                write=(),
                source=SOURCE,
                days=days,
                account=account.id,
                stamp=stamp_digest(account),
            )

    def bearer(self, access: Access) -> Account | None:
        """The account that the credential acts as; None where it acts as none. Unauthenticated where the account acts
        no more, or signs in with something else by now."""
        with self._snapshot() as snapshot:
            return self._bearer(snapshot, access)

    def _bearer(self, snapshot: Snapshot, access: Access) -> Account | None:
        if not access.account:
            return None
        account = next((one for one in accounts(snapshot) if one.id == access.account), None)
        token = snapshot.token(access.token or "")
        if account is None or token is None or account.state != "active":
            raise _over()
        if not hmac.compare_digest(token.stamp, stamp_digest(account)):
            raise _over()
        return account

    # -- answers that are kept

    def begin_answer(self, account: str, key: str, asked: bytes) -> Answered | None:
        """What the account was answered under that key within ANSWER_HOURS; None where that is nothing, and then it is
        being done from now on. Invalid where another request had the key, Conflict where that is being done still."""
        now = microseconds(self.clock.now())
        with self.store.write() as tx:
            found = tx.answered(account, key)
            if found is None or now - found.at >= ANSWER_HOURS * 3600 * 1_000_000:
                tx.put_answered(Answered(account, key, asked, now))
                return None
        if not hmac.compare_digest(found.asked, asked):
            raise Invalid(
                "Another request had this key.", where="Idempotency-Key", hint="Give each request a key of its own."
            )
        if not found.status:
            raise Conflict(
                "The request of this key is being done, or was cut off.",
                where="Idempotency-Key",
                hint="Look at what there is, before it is asked for under another key.",
            )
        return found

    def keep_answer(self, account: str, key: str, status: int, location: str, body: bytes) -> None:
        """That is answered again under the key."""
        with self.store.write() as tx:
            found = tx.answered(account, key)
            if found is not None:
                tx.put_answered(replace(found, status=status, location=location, body=body))

    def drop_answer(self, account: str, key: str) -> None:
        """Nothing was done under the key, which may be used again."""
        with self.store.write() as tx:
            tx.forget_answered(account, key)


def _over() -> Unauthenticated:
    return Unauthenticated(
        "The account of this token acts no more, or signs in with another password.",
        where="Authorization",
        hint="Make a new one: comity token new NAME --account NAME",
    )
