"""Sessions of persons, links that sign in once, how far the codes of a second factor were used, and what was answered
to requests that may be sent again.

Of secrets there are digests alone. Nothing here is restored from a backup (R32).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from comity.store.database import Database

AGENT_CHARACTERS = 200
_COLUMNS = "id, digest, account, stamp, made, seen, expires, address, agent, ended"
_LINK = "digest, account, stamp, made_by, expires, used"


@dataclass(frozen=True, slots=True)
class Session:
    """One session: its public id, the SHA-256 of its secret, whose it is, and the SHA-256 of what that account signed
    in with. Instants are microseconds since 1970."""

    id: str
    digest: bytes
    account: str
    stamp: bytes
    made: int
    seen: int
    expires: int
    address: str = ""
    agent: str = ""
    ended: int | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to a request that an account sent under a key at that instant (microseconds since 1970): the
    SHA-256 of the request, the status, 0 as long as it is being done, the Location and the body."""

    account: str
    key: str
    asked: bytes
    at: int
    status: int = 0
    location: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Link:
    """One link: the SHA-256 of its secret, whom it signs in, the stamp of that account, and which person made it."""

    digest: bytes
    account: str
    stamp: bytes
    made_by: str
    expires: int
    used: int | None = None


class SessionReading:
    """See `comity.store.session_interface.SessionSnapshot`."""

    @property
    def db(self) -> Database:
        """The connection of the snapshot."""
        raise NotImplementedError

    def session(self, digest: bytes) -> Session | None:
        row = self.db.execute(f"SELECT {_COLUMNS} FROM session WHERE digest = ?", (digest,)).fetchone()  # noqa: S608 - names of our schema
        return None if row is None else _session(row)

    def sessions(self, account: str) -> list[Session]:
        rows = self.db.execute(
            f"SELECT {_COLUMNS} FROM session WHERE account = ? ORDER BY made DESC, id",  # noqa: S608 - names of our schema
            (account,),
        ).fetchall()
        return [_session(row) for row in rows]

    def sign_in_link(self, digest: bytes) -> Link | None:
        row = self.db.execute(f"SELECT {_LINK} FROM sign_in_link WHERE digest = ?", (digest,)).fetchone()  # noqa: S608 - names of our schema
        return None if row is None else Link(bytes(row[0]), row[1], bytes(row[2]), *row[3:])

    def answered(self, account: str, key: str) -> Answered | None:
        row = self.db.execute(
            "SELECT account, key, asked, at, status, location, body FROM answered WHERE account = ? AND key = ?",
            (account, key),
        ).fetchone()
        if row is None:
            return None
        id, name, asked, at, status, location, body = row
        return Answered(id, name, bytes(asked), at, status, location, bytes(body))

    def last_counter(self, account: str) -> int:
        row = self.db.execute("SELECT counter FROM second_factor WHERE account = ?", (account,)).fetchone()
        return -1 if row is None else int(row[0])


class SessionWriting:
    """See `comity.store.session_interface.SessionTransaction`."""

    @property
    def db(self) -> Database:
        """The connection of the transaction."""
        raise NotImplementedError

    def put_session(self, session: Session) -> None:
        self.db.execute(
            f"INSERT INTO session ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - names of our schema
            " ON CONFLICT (id) DO UPDATE SET ended = excluded.ended",
            (
                session.id,
                session.digest,
                session.account,
                session.stamp,
                session.made,
                session.seen,
                session.expires,
                session.address,
                session.agent[:AGENT_CHARACTERS],
                session.ended,
            ),
        )

    def see_sessions(self, seen: Mapping[str, int]) -> None:
        self.db.execute_many(
            "UPDATE session SET seen = ? WHERE id = ? AND seen < ?", [(at, id, at) for id, at in sorted(seen.items())]
        )

    def end_sessions(self, account: str, now: int, *, but: str = "") -> int:
        self.db.execute("DELETE FROM sign_in_link WHERE account = ? AND used IS NULL", (account,))
        return self.db.execute(
            "UPDATE session SET ended = ? WHERE account = ? AND ended IS NULL AND id <> ?", (now, account, but)
        ).rowcount

    def restamp_session(self, id: str, stamp: bytes) -> None:
        self.db.execute("UPDATE session SET stamp = ? WHERE id = ?", (stamp, id))

    def put_link(self, link: Link) -> None:
        self.db.execute(
            f"INSERT INTO sign_in_link ({_LINK}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608 - names of our schema
            (link.digest, link.account, link.stamp, link.made_by, link.expires, link.used),
        )

    def use_link(self, digest: bytes, now: int) -> bool:
        changed = self.db.execute(
            "UPDATE sign_in_link SET used = ? WHERE digest = ? AND used IS NULL AND expires > ?", (now, digest, now)
        )
        return changed.rowcount == 1

    def use_counter(self, account: str, counter: int) -> bool:
        changed = self.db.execute(
            "INSERT INTO second_factor (account, counter) VALUES (?, ?) ON CONFLICT (account) DO UPDATE"
            " SET counter = excluded.counter WHERE second_factor.counter < excluded.counter",
            (account, counter),
        )
        return changed.rowcount == 1

    def put_answered(self, one: Answered) -> None:
        self.db.execute(
            "INSERT INTO answered (account, key, asked, at, status, location, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (account, key) DO UPDATE SET asked = excluded.asked, at = excluded.at,"
            " status = excluded.status, location = excluded.location, body = excluded.body",
            (one.account, one.key, one.asked, one.at, one.status, one.location, one.body),
        )

    def forget_answered(self, account: str, key: str) -> None:
        self.db.execute("DELETE FROM answered WHERE account = ? AND key = ?", (account, key))

    def forget_answers(self, before: int) -> None:
        self.db.execute("DELETE FROM answered WHERE at <= ?", (before,))

    def forget_sessions(self, now: int, idle: int) -> int:
        self.db.execute("DELETE FROM sign_in_link WHERE expires <= ? OR used IS NOT NULL", (now,))
        return self.db.execute(
            "DELETE FROM session WHERE expires <= ? OR seen <= ? OR ended IS NOT NULL", (now, now - idle)
        ).rowcount

    def forget_every_session(self) -> None:
        for table in ("session", "sign_in_link", "answered"):
            self.db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our schema


def _session(row: Any) -> Session:
    id, digest, account, stamp, made, seen, expires, address, agent, ended = row
    return Session(id, bytes(digest), account, bytes(stamp), made, seen, expires, address, agent, ended)
