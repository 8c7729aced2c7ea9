"""What few know and all ask: collections, sources and tokens, as of one value of the store's `admin_version`."""

from dataclasses import dataclass

import msgspec

from comity.errors import Conflict, NotFound
from comity.store.database import Database
from comity.store.nouns import Collection, Source, Token


@dataclass(frozen=True, slots=True)
class Admin:
    """All collections, sources and tokens. Trusted only under a state row with the same `version`."""

    version: int
    collections: dict[str, Collection]
    sources: dict[str, Source]
    tokens: dict[str, Token]
    collection_ids: dict[int, str]
    source_names: dict[int, str]

    def collection(self, id: str) -> Collection:
        """The collection with that id. NotFound where there is none."""
        found = self.collections.get(id)
        if found is None:
            raise NotFound(f"There is no collection {id!r}.", where="collection", hint="comity collection list")
        return found

    def collection_named(self, name: str) -> Collection:
        """The one with that id, alias or title. NotFound, or Conflict where a title is not unique."""
        if name in self.collections:
            return self.collections[name]
        for found in self.collections.values():
            if found.alias == name:
                return found
        titled = [found for found in self.collections.values() if found.title == name]
        if len(titled) > 1:
            raise Conflict(
                f"{len(titled)} collections have the title {name!r}.",
                where="collection",
                hint="Name it by its id or alias.",
            )
        if not titled:
            raise NotFound(f"There is no collection {name!r}.", where="collection", hint="comity collection list")
        return titled[0]

    def source(self, name: str) -> Source:
        """The source of that name. NotFound where there is none."""
        found = self.sources.get(name)
        if found is None:
            raise NotFound(f"There is no source {name!r}.", where="source", hint="comity source list")
        return found


def load(db: Database, version: int) -> Admin:
    """The tables as they are in the connection's present snapshot."""
    collections = [
        Collection(key=key, id=id, title=title, alias=alias, description=description)
        for key, id, title, alias, description in db.execute(
            "SELECT key, id, title, alias, description FROM collection ORDER BY key"
        ).fetchall()
    ]
    sources = [
        Source(
            key=key,
            name=name,
            kind=kind,
            strict=bool(strict),
            default_marking=marking,
            publish=publish,
            labels_are_markings=bool(labels),
            created_at=created_at,
        )
        for key, name, kind, strict, marking, publish, labels, created_at in db.execute(
            "SELECT key, name, kind, strict, default_marking, publish, labels_are_markings, created_at"
            " FROM source ORDER BY key"
        ).fetchall()
    ]
    tokens = [
        Token(
            id=id,
            name=name,
            digest=bytes(digest),
            source=source,
            read=frozenset(msgspec.json.decode(readable, type=list[str])),
            write=frozenset(msgspec.json.decode(writable, type=list[str])),
            created_at=created_at,
            expires_at=expires_at,
            revoked_at=revoked_at,
            recipient=recipient,
            account=account,
            stamp=bytes(stamp),
        )
        for (
            id,
            name,
            digest,
            source,
            readable,
            writable,
            created_at,
            expires_at,
            revoked_at,
            recipient,
            account,
            stamp,
        ) in db.execute(
            "SELECT id, name, digest, source, readable, writable, created_at, expires_at, revoked_at, recipient,"
            " account, stamp FROM token ORDER BY created_at, id"
        ).fetchall()
    ]
    return Admin(
        version=version,
        collections={each.id: each for each in collections},
        sources={each.name: each for each in sources},
        tokens={each.id: each for each in tokens},
        collection_ids={each.key: each.id for each in collections},
        source_names={each.key: each.name for each in sources},
    )
