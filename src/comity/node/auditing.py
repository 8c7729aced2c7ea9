"""The audit log of our own people (R44): who looked at what is restricted, and who did what.

What a person does is noted in the transaction that does it, by the store itself; exports before they begin; what is
read and told, behind (`comity.node.looks`). What a partner reads is in the ledger, and not here.
"""

import hashlib
import logging
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from typing import Any

import orjson

from comity.errors import NotAuthorized, NotFound, Unauthenticated
from comity.node.access import Access, check_name
from comity.node.audit_report import SELF_GRANT, Period, report
from comity.node.delivering import Delivering
from comity.node.guard import Moment
from comity.node.looks import Looks, Whose, digest_of_keys, forward
from comity.node.people import ADMIN, AUDITOR, READING, Account, Actor, accounts, same_person
from comity.node.recipients import partner_named
from comity.node.restricted import Restricted
from comity.store.address import masked
from comity.store.audit import OPERATOR, AuditQuery, AuditRow, Noted
from comity.store.interface import Snapshot, Transaction
from comity.store.noting import bounded
from comity.store.views import Keys

ASKED = "asked"
_SETTINGS = "audit_settings"

_log = logging.getLogger("comity.audit")


class Auditing(Delivering):
    """What is noted, and who may read it."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.restricted = Restricted(self.clock)
        self.looks = Looks(self.store, self.clock, self.restricted)
        self.store.noted = forward

    def close(self) -> None:
        """What was read is noted in the store, which is closed; the node answers nothing more."""
        self.looks.close()
        super().close()

    # -- reading the log

    def audit_log(
        self,
        *,
        account: str = "",
        acts: Sequence[str] = (),
        since: int = 0,
        until: int = 2**62,
        limit: int = 100,
    ) -> list[AuditRow]:
        """The newest rows, by number: of that account or token (by name or id), of these acts, with instants in
        [since, until). An administrator or auditor may read them, and that is noted."""
        with self._snapshot() as snapshot:
            self._actor(snapshot, ADMIN, AUDITOR)
            wanted = account_of(snapshot, account) if account else ""
            query = AuditQuery(since=since, until=until, account=wanted, acts=tuple(acts), limit=limit, newest=True)
            self._note_told("audit-log", {"account": account, "acts": list(acts), "since": since, "limit": limit})
            return snapshot.audit_rows(query)[::-1]

    def audit_report(self, since: int, until: int, partner: str | None = None) -> dict[str, Any]:
        """What an auditor wants to see of the instants in [since, until), of that partner alone or of everybody. An
        administrator or auditor may read it, and that is noted."""
        self.looks.flush()
        with self._snapshot() as snapshot:
            self._actor(snapshot, ADMIN, AUDITOR)
            found = None if partner is None else partner_named(snapshot, partner)
            self._note_told("audit-report", {"since": since, "until": until, "to": partner})
            moment = self.guard.moment(snapshot)
            return {"node": self.name} | report(snapshot, Period(since, until, found), moment.best)

    def first_bad_audit_row(self) -> int | None:
        """The number of the first row that is missing, changed, moved or too many; None where the chain holds."""
        self.looks.flush()
        with self._snapshot() as snapshot:
            return snapshot.first_bad_audit_row()

    def self_grants(self, since: int) -> list[AuditRow]:
        """Who gave themselves a role that reads content, since that instant."""
        with self._snapshot() as snapshot:
            return snapshot.audit_rows(AuditQuery(since=since, acts=(SELF_GRANT,)))

    # -- noting

    @contextmanager
    def for_purpose(self, text: str) -> Iterator[None]:
        """What this thread reads inside the block is noted with that purpose."""
        if text:
            check_name(text, "purpose")
        before = getattr(self._here, "purpose", "")
        self._here.purpose = text
        try:
            yield
        finally:
            self._here.purpose = before

    def note(self, act: str, **what: Any) -> None:
        """It is noted, durably, that whoever acts is about to do that."""
        with self.store.write() as tx:
            tx.note(Noted(self._account(), act, bounded(what), purpose=self._purpose()))

    @contextmanager
    def acting(self, name: str, secret: str) -> Iterator[Actor]:
        """See `comity.node.people.People.acting`; a name or secret that is wrong is noted."""
        with ExitStack() as stack:
            try:
                actor = stack.enter_context(super().acting(name, secret))
            except Unauthenticated:
                self.looks.failed({f"account {name[:100]}": 1})
                raise
            self.looks.used(actor.id)
            yield actor

    def confirm_clock(self) -> Moment:
        """See `comity.node.delivering.Delivering.confirm_clock`."""
        with self.store.write() as tx:
            self._actor(tx, ADMIN)
            tx.note(Noted(tx.staff, "clock"))
        return super().confirm_clock()

    def heed_rules(self) -> bool:
        """See `comity.node.classing.Classing.heed_rules`; other settings than those that held last are noted."""
        found = super().heed_rules()
        told = _told_settings({one.name: getattr(self.settings, one.name) for one in fields(self.settings)})
        with self._snapshot() as snapshot:
            held = snapshot.setting(_SETTINGS)
        if held == told:
            return found
        with self.store.write() as tx:
            held = tx.setting(_SETTINGS)
            if held is not None and held != told:
                old, new = orjson.loads(held), orjson.loads(told)
                changed = {name: [old.get(name), value] for name, value in new.items() if old.get(name) != value}
                tx.note(Noted(OPERATOR, "settings", {"changed": changed}))
            tx.put_setting(_SETTINGS, told)
        return found

    def _actor(self, snapshot: Snapshot, *roles: str) -> Actor:
        found = super()._actor(snapshot, *roles)
        snapshot.staff = found.id or OPERATOR
        return found

    def _account(self) -> str:
        """The account that acts in this thread, else the operator."""
        id, _ = getattr(self._here, "account", None) or (OPERATOR, "")
        return str(id)

    def _purpose(self) -> str:
        return str(getattr(self._here, "purpose", ""))

    def _put_account(self, tx: Transaction, account: Account, *, keep: str = "") -> Account:
        before = next((one.roles for one in accounts(tx) if one.id == account.id), ())
        granted = (set(account.roles) - set(before)) & set(READING)
        actor = next((one for one in accounts(tx) if one.id == tx.actor), None)
        if granted and actor is not None and same_person(actor.person, account.person):
            what = {"user": account.id, "name": account.name, "roles": sorted(granted)}
            tx.note(Noted(actor.id, SELF_GRANT, what))
            _log.warning("%s gave themselves a role that reads content: %s", actor.name, account.name)
        return super()._put_account(tx, account, keep=keep)

    # -- what is read

    def _note_read(self, snapshot: Snapshot, access: Access, act: str, keys: Keys, what: Hashable) -> None:
        """A page with these copies is about to be read, which `what` tells from other pages. NotAuthorized where
        something in it is restricted, and a purpose is wanted (R44)."""
        if keys and self.restricted.is_among(snapshot, keys):
            last = keys.max()
            self.looks.read(self._whose(access, act), (what, last, len(keys)), keys)

    def _note_shown(self, access: Access, id: str, levels: Sequence[str]) -> None:
        """Copies of an object with these restricted levels are about to be shown."""
        if levels:
            found = {level: levels.count(level) for level in sorted(set(levels))}
            self.looks.note(self._whose(access, "show"), {"id": id, "objects": len(levels), "restricted": found})

    def _whose(self, access: Access, act: str) -> Whose:
        """Who reads, and what for; NotAuthorized where that is wanted and not said."""
        if access.token is not None:
            return access.token, act, access.address, ""
        purpose = self._purpose()
        if self.settings.audit_purpose == ASKED and not purpose:
            raise NotAuthorized(
                "What is restricted is read for a purpose.", where="purpose", rule="R44", hint="Give --purpose TEXT."
            )
        return self._account(), act, access.address, purpose

    def _note_export(self, snapshot: Snapshot, access: Access, keys: Keys, collection: str | None) -> None:
        """An export of these copies is about to begin, and that is on the disk."""
        restricted = self.restricted.among(snapshot, keys)
        whose = self._whose(access, "export") if restricted else (access.token or self._account(), "export", "", "")
        account, act, address, purpose = whose
        what = {
            "collection": collection,
            "objects": len(keys),
            "restricted": restricted,
            "digest": digest_of_keys(keys).hex(),
        }
        with self.store.write() as tx:
            tx.note(Noted(account, act, what, address, purpose))

    def _note_told(self, act: str, what: Mapping[str, Any]) -> None:
        self.looks.note((self._account(), act, "", self._purpose()), bounded(what))


def account_of(snapshot: Snapshot, name: str) -> str:
    """The id of the account or token of that name or id. NotFound where there is none."""
    if name == OPERATOR:
        return name
    known = [(one.id, one.name) for one in accounts(snapshot)] + [(one.id, one.name) for one in snapshot.tokens()]
    for id, other in known:
        if name in (id, other):
            return id
    raise NotFound(f"There is no account or token {name!r}.", where="account", hint="comity user list")


def _told_settings(settings: Mapping[str, Any]) -> bytes:
    """The settings, of the store's address only whether it is another: a backup holds no address."""
    address = masked(str(settings["store"]))
    known = f"{address.partition(':')[0]} {hashlib.sha256(address.encode()).hexdigest()[:16]}"
    return orjson.dumps({**settings, "store": known}, option=orjson.OPT_SORT_KEYS)
