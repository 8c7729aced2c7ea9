"""What a store keeps of who is signed in: a part of `comity.store.interface.Snapshot` and `Transaction`."""

from collections.abc import Mapping
from typing import Protocol

from comity.store.sessions import Answered, Link, Session


class SessionSnapshot(Protocol):
    """Sessions, links and counters as they are kept, whether they still hold or not."""

    def session(self, digest: bytes) -> Session | None:
        """The one whose secret has this SHA-256."""
        ...

    def sessions(self, account: str) -> list[Session]:
        """Those of the account, the newest first."""
        ...

    def sign_in_link(self, digest: bytes) -> Link | None:
        """The one whose secret has this SHA-256."""
        ...

    def answered(self, account: str, key: str) -> Answered | None:
        """What the account was answered under that key, as far as it is kept."""
        ...

    def last_counter(self, account: str) -> int:
        """The last step of time of which a code of the account was used; -1 where none was."""
        ...


class SessionTransaction(SessionSnapshot, Protocol):
    """What changes of them. Nothing of it is an act that the ledger or the audit log enters by itself."""

    def put_session(self, session: Session) -> None:
        """It is kept; of one that is there already, only when it ended changes."""
        ...

    def see_sessions(self, seen: Mapping[str, int]) -> None:
        """These sessions, by id, were last seen then, or later where that is known."""
        ...

    def end_sessions(self, account: str, now: int, *, but: str = "") -> int:
        """Every session of the account has ended, but for the one with that id, and none of its links signs in; how
        many ended now."""
        ...

    def restamp_session(self, id: str, stamp: bytes) -> None:
        """The session is of what the account signs in with from now on."""
        ...

    def put_link(self, link: Link) -> None: ...
    def use_link(self, digest: bytes, now: int) -> bool:
        """The link is used, and can never be again; False, and nothing changed, where it is over, used or unknown."""
        ...

    def use_counter(self, account: str, counter: int) -> bool:
        """Codes up to that step of time are used; False, and nothing changed, where one of it or a later one was."""
        ...

    def put_answered(self, one: Answered) -> None:
        """It is kept, in the place of what was under its key."""
        ...

    def forget_answered(self, account: str, key: str) -> None:
        """Nothing is kept under that key of the account."""
        ...

    def forget_answers(self, before: int) -> None:
        """Nothing is left of what was answered until that instant."""
        ...

    def forget_sessions(self, now: int, idle: int) -> int:
        """Nothing is left of sessions that are over at that instant or were not seen for that time (microseconds), nor
        of links that are used or over; how many sessions."""
        ...

    def forget_every_session(self) -> None:
        """There is no session, no link and nothing that was answered. Counters stay, so that no code is taken again."""
        ...
