"""Jobs: what is to be done later, claimed one at a time, tried again at growing distances, never dropped silently."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from comity.errors import ComityError, Unavailable
from comity.interfaces import Clock, Entropy, microseconds
from comity.store.interface import Store
from comity.store.nouns import Job

LEASE_SECONDS = 120
"""What a job may do without a sign of life; one that died with its worker is taken up again after that."""
RETRY_SECONDS = 30
RETRY_SECONDS_MAX = 6 * 3600
WAIT_SECONDS_MAX = 24 * 3600
ATTEMPTS_MAX = 40
"""With the distances above, about nine days; then the job waits for a person, and `doctor` says so."""
ATTEMPTS_TOLD = 3
ERROR_CHARACTERS_MAX = 500
SECOND_US = 1_000_000
PARKED_AT = 2**62
"""The due time of a job that waits for a person: no clock comes to it. To enqueue the job again makes it due."""

Handler = Callable[[Job, Callable[[], bool]], int | None]
"""Does the job and answers when it is due again, in microseconds, or None where it is done. It asks the callable now
and then whether it is to stop, and then answers with the present. What it raises is why it is tried again later."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A job that was run: how it ended (an empty error: well), and when it is due again, None for never."""

    job: Job
    error: str
    due_at: int | None

    @property
    def parked(self) -> bool:
        """Whether it waits for a person."""
        return self.due_at == PARKED_AT


def run_one(
    store: Store, clock: Clock, entropy: Entropy, handlers: Mapping[str, Handler], stopped: Callable[[], bool]
) -> Ran | None:
    """The job that is due the longest was run, once; None where none is due, which costs no writer its turn.

    What goes wrong is written beside the job. What is a fault of ours is raised after that, so that it is logged whole.
    """
    kinds = sorted(handlers)
    now = microseconds(clock.now())
    with store.read() as snapshot:
        at = snapshot.next_job_at(kinds)
    if at is None or at > now:
        return None
    with store.write() as tx:
        job = tx.claim(now, LEASE_SECONDS * SECOND_US, kinds, str(entropy.uuid4()))
    if job is None:
        return None
    if job.attempts > ATTEMPTS_MAX:
        # Its workers died of it, so that nobody wrote down an error.
        return _put_back(store, job, PARKED_AT, job.last_error or "every worker that held it ended before it did")
    try:
        due_at = handlers[job.kind](job, stopped)
    except ComityError as error:
        wait_seconds = error.retry_after_seconds if isinstance(error, Unavailable) else 0
        return _put_back(store, job, _retry_at(clock, entropy, job, wait_seconds), told(error))
    except Exception as error:
        _put_back(store, job, _retry_at(clock, entropy, job, 0), f"unexpected {type(error).__name__}: {error}")
        raise
    with store.write() as tx:
        ended = tx.finish(job) if due_at is None else tx.put_back(job, due_at, "")
    return Ran(job, "" if ended else "another worker took it over, since it took too long", due_at)


def _put_back(store: Store, job: Job, due_at: int, error: str) -> Ran:
    error = error[:ERROR_CHARACTERS_MAX]
    with store.write() as tx:
        tx.put_back(job, due_at, error)
    return Ran(job, error, due_at)


def told(error: ComityError) -> str:
    """The error as one line beside the job."""
    return f"{error.message} {error.hint}".strip()


def _retry_at(clock: Clock, entropy: Entropy, job: Job, wait_seconds: int) -> int:
    if job.attempts >= ATTEMPTS_MAX:
        return PARKED_AT
    return microseconds(clock.now()) + retry_us(job.attempts, wait_seconds, entropy)


def retry_us(attempts: int, wait_seconds: int, entropy: Entropy) -> int:
    """How long to wait after that many attempts: twice as long each time, up to RETRY_SECONDS_MAX, less up to a half by
    chance, so that many who failed together do not come back together; never before the other side wants it."""
    longest = min(RETRY_SECONDS * 2 ** min(attempts - 1, 30), RETRY_SECONDS_MAX) * SECOND_US
    chance = int.from_bytes(entropy.token_bytes(4)) / 2**32
    return max(int(longest * (1 - chance / 2)), min(wait_seconds, WAIT_SECONDS_MAX) * SECOND_US)
