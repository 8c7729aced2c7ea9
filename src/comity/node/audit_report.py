"""What an auditor wants to see of a period (R44): what left, who decided otherwise, who read what is restricted."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from pyroaring import BitMap

from comity.interfaces import instant_of
from comity.node import reclassifying
from comity.node.looks import FAILED
from comity.node.people import KIND as USER
from comity.node.people import Account, accounts
from comity.node.proposals import PartnerChange, Proposal, ReleaseRequest, proposals
from comity.node.recipients import Partner, partners
from comity.node.releasing import POLICY
from comity.store.audit import OPERATOR, AuditQuery, AuditRow
from comity.store.interface import Snapshot
from comity.store.records import Record

READS = ("read", "list", "search", "show")
TOLD = ("explain", "preview", "difference", "since-reading", "matrix", "who", "seen", "audit-log", "audit-report")
EXPORTS = ("export", "backup", "restore", "preview")
UNUSED_DAYS = 90
DAY_US = 24 * 3600 * 1_000_000
SELF_GRANT = "self-grant"
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Period:
    """Instants in [since, until), in microseconds since 1970; of a partner alone, or of everybody."""

    since: int
    until: int
    partner: Partner | None = None

    def has(self, at: int | None) -> bool:
        """Whether it was within."""
        return at is not None and self.since <= at < self.until

    def is_of(self, *names: object) -> bool:
        """Whether one of these is the partner that is asked about, by name or id; for everybody it is."""
        return self.partner is None or not {self.partner.id, self.partner.name}.isdisjoint(map(str, names))


def report(snapshot: Snapshot, period: Period, now: int) -> Facts:
    """The report, with the names that accounts, tokens and partners have now."""
    rows = list(_rows(snapshot, period))
    names = _names(snapshot)

    def of(*acts: str) -> list[Facts]:
        return [_told(row, names) for row in rows if row.act in acts and _is_of(row, period)]

    whole = period.partner is None
    return {
        "from": instant_of(period.since),
        "to": instant_of(period.until),
        "partner": None if period.partner is None else period.partner.name,
        "releases": list(_releases(snapshot, period)),
        "overrides": _overrides(snapshot, period, of("clock", SELF_GRANT)) if whole else [],
        "approvals": [_approval(one) for one in proposals(snapshot) if _is_in(one, period)],
        "policies": list(_policies(snapshot, period)),
        "tokens": of("token"),
        "accounts": list(_accounts(snapshot, rows, names)) if whole else [],
        "settings": of("settings") if whole else [],
        "failed_sign_ins": of(FAILED) if whole else [],
        "exports": of(*EXPORTS),
        "restricted_reads": reads(rows, names) if whole else [],
        "told": _counts([row for row in rows if row.act in TOLD and _is_of(row, period)], names),
        "reviews_due": list(_reviews(snapshot, now)) if whole else [],
    }


def reads(rows: Sequence[AuditRow], names: Mapping[str, str]) -> list[Facts]:
    """The pages and commands in which each account read something restricted, the repeated ones too, and how many
    restricted objects, summed over the rows."""
    found: dict[str, Facts] = {}
    for row in rows:
        if row.act not in READS:
            continue
        what = json.loads(row.what)
        one = found.setdefault(
            row.account,
            {
                "account": row.account,
                "name": names.get(row.account, ""),
                "pages": 0,
                "restricted": Counter(),
                "purposes": set(),
                "first": instant_of(row.at),
                "last": instant_of(row.at),
            },
        )
        one["pages"] += what.get("pages", 1) + row.again
        one["restricted"].update(what["restricted"])
        one["purposes"] |= {row.purpose} - {""}
        one["first"] = min(one["first"], instant_of(row.at))
        one["last"] = max(one["last"], instant_of(max(row.at, row.again_at)))
    return [{**one, "restricted": dict(one["restricted"])} for _, one in sorted(found.items())]


def _rows(snapshot: Snapshot, period: Period) -> Iterator[AuditRow]:
    after = 0
    while rows := snapshot.audit_rows(AuditQuery(after=after, since=period.since, until=period.until)):
        yield from rows
        after = rows[-1].number


def _names(snapshot: Snapshot) -> dict[str, str]:
    tokens = {one.id: one.name for one in snapshot.tokens()}
    return tokens | {one.id: one.name for one in accounts(snapshot)} | {OPERATOR: OPERATOR}


def row_facts(row: AuditRow) -> Facts:
    """The row as it is told."""
    return {
        "number": row.number,
        "at": instant_of(row.at),
        "account": row.account,
        "address": row.address,
        "act": row.act,
        "what": json.loads(row.what),
        "purpose": row.purpose,
        "again": row.again,
        "hash": row.hash.hex(),
    }


def _told(row: AuditRow, names: Mapping[str, str]) -> Facts:
    return {**row_facts(row), "name": names.get(row.account, "")}


def _is_of(row: AuditRow, period: Period) -> bool:
    if period.partner is None:
        return True
    to = json.loads(row.what).get("to")
    return period.is_of(*(to if isinstance(to, list) else [to]))


def _releases(snapshot: Snapshot, period: Period) -> Iterator[Facts]:
    names = {one.id: one.name for one in partners(snapshot)}
    for recipient in snapshot.release_recipients():
        if not period.is_of(recipient):
            continue
        after = 0
        while some := snapshot.releases(recipient, after, 1_000):
            after = some[-1].entry
            for one in some:
                if period.has(one.at) or period.has(one.again_at):
                    objects = BitMap.union(BitMap(), *snapshot.release_parts(one.entry).values())
                    yield {
                        "entry": one.entry,
                        "at": instant_of(one.at),
                        "partner": names.get(recipient, recipient),
                        "form": one.form,
                        "objects": len(objects),
                        "policy": one.policy,
                        "digest": one.digest.hex(),
                        "again": one.again,
                    }


def _overrides(snapshot: Snapshot, period: Period, rows: list[Facts]) -> list[Facts]:
    """Where a person decided otherwise than the node would have."""
    found = [
        {"at": instant_of(record.changed_at), "act": "reclassify", "by": done.by, "why": done.why}
        | {"objects": done.confirmed}
        for record in snapshot.record_history(reclassifying.RECORD, reclassifying.RECORD)
        if period.has(record.changed_at)
        for done in [msgspec.json.decode(record.body, type=reclassifying.Done)]
        if done.confirmed
    ]
    found += [
        {"at": instant_of(one.recovered_at), "act": "recover", "by": OPERATOR, "why": one.recovered_why}
        | {"user": one.name}
        for one in accounts(snapshot)
        if one.recovered_at is not None and period.has(one.recovered_at)
    ]
    found += [{"at": row["at"], "act": row["act"], "by": row["name"], **row["what"]} for row in rows]
    return sorted(found, key=lambda one: one["at"])


def _is_in(one: Proposal, period: Period) -> bool:
    change = one.change
    about: tuple[object, ...] = ()
    if isinstance(change, PartnerChange):
        about = (change.partner.id, change.partner.name)
    elif isinstance(change, ReleaseRequest):
        about = (change.partner, change.name)
    return (period.has(one.asked_at) or period.has(one.decided_at)) and period.is_of(*about)


def _approval(one: Proposal) -> Facts:
    return {
        "id": one.id,
        "change": one.change.words,
        "state": one.state,
        "asked_by": one.asked_name,
        "asked_at": instant_of(one.asked_at),
        "decided_by": one.decided_name,
        "decided_at": None if one.decided_at is None else instant_of(one.decided_at),
        "caution": one.caution,
    }


def _policies(snapshot: Snapshot, period: Period) -> Iterator[Facts]:
    for record in snapshot.record_history(POLICY, POLICY):
        if period.has(record.changed_at):
            texts = json.loads(record.body)
            yield {"version": record.version, "at": instant_of(record.changed_at), **texts}


def _accounts(snapshot: Snapshot, rows: Sequence[AuditRow], names: Mapping[str, str]) -> Iterator[Facts]:
    """Accounts that were made or changed, with the roles that they have had since."""
    for row in rows:
        what = json.loads(row.what)
        if row.act != "record" or what.get("of") != USER:
            continue
        versions = {one.version: one for one in snapshot.record_history(USER, what["id"])}
        account = _account(versions.get(what["version"]))
        before = _account(versions.get(what["version"] - 1))
        if account is not None:
            yield {
                **_told(row, names),
                "user": account.name,
                "state": account.state,
                "roles": list(account.roles),
                "had": [] if before is None else list(before.roles),
            }


def _account(record: Record | None) -> Account | None:
    return None if record is None else msgspec.json.decode(record.body, type=Account)


def _counts(rows: Sequence[AuditRow], names: Mapping[str, str]) -> list[Facts]:
    """How often each account was told what partners receive, and the like."""
    counted = Counter({(row.account, row.act): 0 for row in rows})
    for row in rows:
        counted[row.account, row.act] += 1 + row.again
    return [
        {"account": account, "name": names.get(account, ""), "act": act, "times": times}
        for (account, act), times in sorted(counted.items())
    ]


def _reviews(snapshot: Snapshot, now: int) -> Iterator[Facts]:
    """Accounts that act and tokens in force that nobody used for UNUSED_DAYS."""
    used = snapshot.uses()
    made = {record.id: record.changed_at for record in snapshot.records(USER)}
    held = [("account", one.id, one.name, made[one.id]) for one in accounts(snapshot) if one.state == "active"]
    held += [
        ("token", one.id, one.name, one.created_at)
        for one in snapshot.tokens()
        if one.revoked_at is None and one.expires_at > now
    ]
    for kind, id, name, since in held:
        last = used.get(id)
        if now - max(since, last or 0) > UNUSED_DAYS * DAY_US:
            yield {"kind": kind, "id": id, "name": name, "last_used": None if last is None else instant_of(last)}
