"""What is to be done later: rows with leases, so that a worker that died holds nothing for ever."""

from collections.abc import Sequence

from comity.store.database import Database
from comity.store.nouns import Job

_EVERY = (
    "SELECT kind, key, payload, due_at, attempts, last_error, lease, leased_until FROM job ORDER BY due_at, kind, key"
)
_NEXT = "SELECT min(CASE WHEN leased_until > due_at THEN leased_until ELSE due_at END) FROM job WHERE kind IN ?texts"
_DUE = (
    "SELECT kind, key, payload, due_at, attempts, last_error, lease, leased_until FROM job"
    " WHERE due_at <= ? AND (leased_until IS NULL OR leased_until <= ?) AND kind IN ?texts"
    " ORDER BY due_at, kind, key LIMIT 1"
)
_RENEW = "UPDATE job SET leased_until = ? WHERE kind = ? AND key = ? AND lease = ?"
_DELETE = "DELETE FROM job WHERE kind = ? AND key = ? AND lease = ? AND again = 0"
_FREE = "UPDATE job SET lease = NULL, leased_until = NULL, again = 0 WHERE kind = ? AND key = ? AND lease = ?"
_PUT_BACK = (
    "UPDATE job SET lease = NULL, leased_until = NULL, last_error = ?,"
    " attempts = CASE WHEN ? = '' THEN 0 ELSE attempts END,"
    " due_at = CASE WHEN again = 1 THEN due_at ELSE ? END, again = 0 WHERE kind = ? AND key = ? AND lease = ?"
)


def _job(row: tuple[str, str, bytes, int, int, str, str | None, int | None]) -> Job:
    kind, key, payload, due_at, attempts, last_error, lease, leased_until = row
    return Job(kind, key, bytes(payload), due_at, attempts, last_error, lease, leased_until)


def every(db: Database) -> list[Job]:
    """All jobs, the earliest due first."""
    return [_job(row) for row in db.execute(_EVERY).fetchall()]


def next_at(db: Database, kinds: Sequence[str]) -> int | None:
    """When the first job of these kinds can be claimed; None where there is none."""
    (at,) = db.execute(_NEXT, (list(kinds),)).fetchone()
    return None if at is None else int(at)


def enqueue(db: Database, job: Job) -> None:
    """See `comity.store.interface.Transaction.enqueue`."""
    db.execute(
        "INSERT INTO job (kind, key, payload, due_at, attempts, last_error, again) VALUES (?, ?, ?, ?, 0, '', 0)"
        " ON CONFLICT (kind, key) DO UPDATE SET payload = excluded.payload, due_at = excluded.due_at,"
        " attempts = 0, last_error = '', again = CASE WHEN job.lease IS NULL THEN 0 ELSE 1 END",
        (job.kind, job.key, job.payload, job.due_at),
    )


def claim(db: Database, now: int, lease_us: int, kinds: Sequence[str], lease: str) -> Job | None:
    """See `comity.store.interface.Transaction.claim`."""
    row = db.execute(_DUE, (now, now, list(kinds))).fetchone()
    if row is None:
        return None
    found = _job(row)
    db.execute(
        "UPDATE job SET lease = ?, leased_until = ?, attempts = attempts + 1, again = 0 WHERE kind = ? AND key = ?",
        (lease, now + lease_us, found.kind, found.key),
    )
    return Job(
        *(found.kind, found.key, found.payload, found.due_at),
        attempts=found.attempts + 1,
        last_error=found.last_error,
        lease=lease,
        leased_until=now + lease_us,
    )


def renew(db: Database, job: Job, leased_until: int) -> bool:
    """See `comity.store.interface.Transaction.renew`."""
    return _one(db, _RENEW, leased_until, *_place(job))


def finish(db: Database, job: Job) -> bool:
    """See `comity.store.interface.Transaction.finish`."""
    return _one(db, _DELETE, *_place(job)) or _one(db, _FREE, *_place(job))


def put_back(db: Database, job: Job, due_at: int, error: str) -> bool:
    """See `comity.store.interface.Transaction.put_back`."""
    return _one(db, _PUT_BACK, error, error, due_at, *_place(job))


def _place(job: Job) -> tuple[str, str, str | None]:
    return job.kind, job.key, job.lease


def _one(db: Database, sql: str, *values: object) -> bool:
    return db.execute(sql, values).rowcount == 1
