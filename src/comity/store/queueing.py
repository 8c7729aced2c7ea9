"""Writing jobs: what is to be done later."""

from collections.abc import Sequence

from comity.store import jobs
from comity.store.noting import NotingTables
from comity.store.nouns import Job


class QueueingTables(NotingTables):
    """See `comity.store.interface.Transaction`."""

    def enqueue(self, job: Job) -> None:
        jobs.enqueue(self.db, job)

    def claim(self, now: int, lease_us: int, kinds: Sequence[str], lease: str) -> Job | None:
        return jobs.claim(self.db, now, lease_us, kinds, lease)

    def renew(self, job: Job, leased_until: int) -> bool:
        return jobs.renew(self.db, job, leased_until)

    def finish(self, job: Job) -> bool:
        return jobs.finish(self.db, job)

    def put_back(self, job: Job, due_at: int, error: str) -> bool:
        return jobs.put_back(self.db, job, due_at, error)
