"""Import in the browser: files are put aside, looked at, and stored once their sender confirms what was shown.

An upload is its sender's alone, bound to the bytes by their digest, and gone after an hour. What is small is looked at
and stored at once, the rest behind, as a job.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, cast

import msgspec
from msgspec import Struct, structs

from comity.errors import Conflict, Invalid, InvalidRequest, NotAuthorized, NotFound, Refused, TooLarge
from comity.interfaces import microseconds
from comity.node import outbound, receive
from comity.node.access import OPERATOR
from comity.node.barring import barred
from comity.node.foreseeing import Foreseeing
from comity.node.forming import AUTO
from comity.node.inspecting import Inspection, Preview
from comity.node.jobs import LEASE_SECONDS, SECOND_US, told
from comity.node.people import RELEASER, accounts
from comity.node.receive import Report
from comity.node.unpacking import unpack
from comity.node.way import Way, way_of
from comity.stix.cut import cut_lines, cut_stream
from comity.stix.markings import TLP
from comity.stix.object import Rejected
from comity.store.interface import Snapshot
from comity.store.nouns import Job, Source
from comity.store.staging import NAME_CHARACTERS as NAME_CHARACTERS
from comity.store.staging import Incoming as Incoming
from comity.store.staging import StagedFile, Staging

IMPORTING = ("analyst", RELEASER)
"""Who has one of these may import in the browser."""
KINDS = ("own", "feed")
"""The kinds of source into which a person imports: what partners and polled servers send comes from them alone."""
MINUTES = 60
STORING_US = 24 * 3600 * SECOND_US
UPLOADS_MOST = 5
INLINE_BYTES = 2**20
"""What unpacks to no more is looked at, and stored, before the form is answered."""
UNPACKED_MOST = 2**28
UPLOAD = "upload"
LOOKING, READY, STORING, STORED, FAILED = "looking", "ready", "storing", "stored", "failed"


class Upload(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Files that a person put aside. `digest` is the SHA-256 over those of all files. `state` is `looking`, `ready`,
    `storing`, `stored` or `failed`, the last with `error`; `done` of `size` bytes were read in that state. Instants are
    microseconds since 1970. `publishes` says that the rule of the source publishes what is stored at once."""

    id: str
    account: str
    files: tuple[StagedFile, ...]
    digest: str
    source: str
    marking: str
    collection: str
    publishes: bool
    made_at: int
    expires_at: int
    state: str = LOOKING
    error: str = ""
    preview: Preview | None = None
    done: int = 0

    @property
    def size(self) -> int:
        """The bytes of all files, as they came."""
        return sum(file.size for file in self.files)

    def is_over(self, now: int) -> bool:
        """Whether it is gone at that instant: an hour after it came, or a day later where its storing never ended."""
        return now >= self.expires_at + (STORING_US if self.state == STORING else 0)


class _TooMuchError(Exception):
    """It is more than is done while a person waits."""


class Uploading(Foreseeing):
    """The verbs of it. Whoever acts is told of their own uploads, and of no other that there is one."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.staging: Staging | None = None
        """Where files are put aside: in the home, which a node that was opened without one does not have."""
        self.handlers[UPLOAD] = self._run_upload

    def incoming(self) -> AbstractContextManager[Incoming]:
        """Files may come, and are gone after the block unless `stage` took them. NotAuthorized where whoever acts may
        not import, Refused where there is no room."""
        with self._snapshot() as snapshot:
            self._actor(snapshot, *IMPORTING)
        return self._staged().incoming()

    def import_sources(self) -> list[Source]:
        """The sources into which whoever acts may import: those whose rule publishes at once want a releaser."""
        with self._snapshot() as snapshot:
            return [one for one in snapshot.sources() if self._takes(snapshot, one)]

    def stage(
        self, incoming: Incoming, *, source: str = "local", marking: str = "", collection: str = "default"
    ) -> Upload:
        """The files are an upload of whoever acts, which is looked at now or behind. `marking` is for objects without
        TLP, empty for that of the source. InvalidRequest without a file, Refused where too many wait."""
        with self._snapshot() as snapshot:
            actor = self._actor(snapshot, *IMPORTING)
            if not incoming.files:
                raise InvalidRequest("No file was chosen.", where="files", hint="Choose or drop at least one.")
            found = self._source_for(snapshot, source)
            target = outbound.permit(snapshot, OPERATOR, collection, write=True)
        word = TLP.read(marking).word if marking else ""
        if len([one for one in self._all() if one.account == actor.id and one.state != STORED]) >= UPLOADS_MOST:
            words = f"{UPLOADS_MOST} of your uploads wait already."
            raise Refused(words, where="files", hint="Confirm or drop one of them at /import.")
        now = microseconds(self.clock.now())
        made = Upload(
            id=str(self.entropy.uuid4()),
            account=actor.id,
            files=tuple(incoming.files),
            digest=hashlib.sha256("".join(one.digest for one in incoming.files).encode()).hexdigest(),
            source=found.name,
            marking=word,
            collection=target.id,
            publishes=found.publish == AUTO,
            made_at=now,
            expires_at=now + MINUTES * 60 * SECOND_US,
        )
        incoming.keep(made.id, msgspec.json.encode(made))
        return self._now_or_behind(made, self._inspect)

    def uploads(self) -> list[Upload]:
        """Those of whoever acts, the newest first."""
        with self._snapshot() as snapshot:
            actor = self._actor(snapshot, *IMPORTING)
        return sorted((one for one in self._all() if one.account == actor.id), key=lambda one: -one.made_at)

    def upload(self, id: str) -> Upload:
        """One of them. NotFound, in the same words, for those of others and for what is over."""
        with self._snapshot() as snapshot:
            actor = self._actor(snapshot, *IMPORTING)
        found = self._read(id)
        if found.account != actor.id:
            raise NotFound("There is no such upload.", where="upload")
        return found

    def confirm_upload(self, id: str, digest: str) -> Upload:
        """Exactly the bytes that were shown under that digest are stored, now or behind, and the files are gone then.
        Conflict where it is another digest, or not to be confirmed now."""
        found = self.upload(id)
        if digest != found.digest:
            raise Conflict("These are not the files that were shown.", where="digest", hint="Look at them again.")
        with self._staged().held(id):
            found = self.upload(id)
            if found.state != READY or found.preview is None:
                raise Conflict("It is not to be confirmed now.", where="upload", hint="Load the page again.")
            if not found.preview.new:
                raise Invalid("Nothing in it is new and good.", where="upload", hint="Mend the files, send them anew.")
            with self._snapshot() as snapshot:
                self._source_for(snapshot, found.source)
            found = self._write(structs.replace(found, state=STORING, done=0))
        return self._now_or_behind(found, self._store)

    def drop_upload(self, id: str) -> None:
        """The upload is gone. Conflict while it is being stored."""
        found = self.upload(id)
        with self._staged().held(id):
            if found.state == STORING:
                raise Conflict("It is being stored.", where="upload", hint="What is stored can be withdrawn later.")
            self._staged().drop(id)

    def sweep_uploads(self, *, all: bool = False) -> int:
        """Uploads that are over are gone, and what killed processes left; with `all`, which is for the start of a
        server, also those that nobody has confirmed. How many uploads there were."""
        if self.staging is None:
            return 0
        now = microseconds(self.clock.now())

        def is_over(facts: bytes) -> bool:
            found = _decoded(facts)
            return found is None or found.is_over(now) or (all and found.state != STORING)

        return self.staging.sweep(is_over)

    # -- now or behind

    def _now_or_behind(self, upload: Upload, work: Callable[[Upload, "_Pace"], Upload]) -> Upload:
        """The work was done, or a job does it."""
        staging, pace = self._staged(), _Pace(self, upload, None)
        if upload.size <= INLINE_BYTES:
            try:
                with staging.held(upload.id):
                    return self._worked(upload, work, pace)
            except _TooMuchError:
                pass
        with self.store.write() as tx:
            tx.enqueue(Job(UPLOAD, upload.id, due_at=microseconds(self.clock.now())))
        return self.upload(upload.id)

    def _run_upload(self, job: Job, stopped: Callable[[], bool]) -> int | None:
        if self.staging is None:
            return None
        try:
            found = self._read(job.key)
            with self._snapshot() as snapshot:
                account = next((one for one in accounts(snapshot) if one.id == found.account), None)
            work = {LOOKING: self._inspect, STORING: self._store}.get(found.state)
            if work is None or (account is None and found.account):
                return None
            with self.staging.held(found.id):
                if account is None:
                    self._worked(found, work, _Pace(self, found, job))
                else:
                    with self.acting_for(account):
                        self._worked(found, work, _Pace(self, found, job))
        except NotFound:
            # It was dropped, or is over.
            return None
        return None

    def _worked(self, upload: Upload, work: Callable[[Upload, "_Pace"], Upload], pace: "_Pace") -> Upload:
        """What became of it. What is wrong with the files is told beside the upload, and not tried again."""
        try:
            return work(upload, pace)
        except (Invalid, Refused, Conflict) as error:
            self._staged().drop_files(upload.id)
            return self._write(structs.replace(upload, state=FAILED, error=told(error)))

    def _inspect(self, upload: Upload, pace: "_Pace") -> Upload:
        with self._snapshot() as snapshot:
            viewer = self._viewer_with(snapshot, IMPORTING)
            way = self._way(snapshot, upload)
        ours = self.ours()

        def readable(snapshot: Snapshot, keys: Sequence[int]) -> Any:
            return self._readable_copies.among(snapshot, viewer, keys, ours)

        inspection = Inspection(way, self.schemas(), self._limits(), barred(self.store), readable)
        for number in range(len(upload.files)):
            with self._raws(upload, number, pace) as raws, self.store.read() as snapshot:
                for _ in inspection.file(number, raws, snapshot):
                    pace.step()
        preview = structs.replace(inspection.preview(), bytes=pace.unpacked, receives=self._receives(inspection))
        return self._write(structs.replace(upload, state=READY, preview=preview, done=0))

    def _store(self, upload: Upload, pace: "_Pace") -> Upload:
        with self._snapshot() as snapshot:
            self._source_for(snapshot, upload.source)
            way = self._way(snapshot, upload)
        for number, file in enumerate(upload.files):
            self._check_bytes(upload, number)
            self.note("import", file=file.name, digest=file.digest, source=upload.source, upload=upload.id)
            with self._raws(upload, number, pace) as raws:
                receive.store_all(
                    *(self.store, self.clock, raws, way, self.schemas(), self._limits(), Report(upload.source)),
                    progress=lambda _: pace.step(),
                )
        self._stored_at = microseconds(self.clock.now())
        self._staged().drop_files(upload.id)
        return self._write(structs.replace(upload, state=STORED, done=upload.size))

    @contextmanager
    def _raws(self, upload: Upload, number: int, pace: "_Pace") -> Iterator[Iterator[bytes | Rejected]]:
        bytes_max = self._limits().object_bytes_max
        with self._staged().opened(upload.id, number) as file:
            unpacked = unpack(cast(Any, file), upload.files[number].name)
            chunks = pace.counted(number, unpacked.chunks, unpacked.bytes_read)
            cut = cut_lines if unpacked.lines else cut_stream
            yield iter(cut(chunks, object_bytes_max=bytes_max))

    def _check_bytes(self, upload: Upload, number: int) -> None:
        with self._staged().opened(upload.id, number) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != upload.files[number].digest:
                raise Conflict("These are not the bytes that were shown.", where="upload", hint="Send them anew.")

    def _receives(self, inspection: Inspection) -> tuple[tuple[str, int], ...] | None:
        """How many of the new objects the policy in force would let go to each active partner; None where that is too
        much to ask."""
        if inspection.forms is None:
            return None
        with self._snapshot() as snapshot:
            found = self._would_get(snapshot, inspection.forms)
        return None if found is None else tuple((one.partner, one.goes) for one in found)

    # -- small things

    def _staged(self) -> Staging:
        if self.staging is None:
            raise Conflict("This node has no home to put files aside in.", where="files", hint="comity import FILE")
        return self.staging

    def _takes(self, snapshot: Snapshot, source: Source) -> bool:
        roles = IMPORTING if source.publish != AUTO else (RELEASER,)
        if source.kind not in KINDS:
            return False
        try:
            self._actor(snapshot, *roles)
        except NotAuthorized:
            return False
        return True

    def _source_for(self, snapshot: Snapshot, name: str) -> Source:
        self._actor(snapshot, *IMPORTING)
        found = next((one for one in snapshot.sources() if one.name == name), None)
        if found is None or found.kind not in KINDS:
            raise NotFound("There is no such source to import into.", where="source", hint="comity source add")
        if not self._takes(snapshot, found):
            words = f"The rule of {name} publishes at once, which is a releaser's to do."
            raise NotAuthorized(words, where="source", rule="R12", hint="Choose another source, or ask a releaser.")
        return found

    def _way(self, snapshot: Snapshot, upload: Upload) -> Way:
        source = snapshot.source(upload.source)
        default = TLP.read(upload.marking) if upload.marking else None
        return way_of(upload.collection, source, ours=self.ours(), known=self._known_classes, marking=default)

    def _all(self) -> list[Upload]:
        found = []
        for id in self.staging.ids() if self.staging is not None else ():
            with suppress(NotFound):
                found.append(self._read(id))
        return found

    def _read(self, id: str) -> Upload:
        found = _decoded(self._staged().facts(id))
        if found is None or found.is_over(microseconds(self.clock.now())):
            raise NotFound("There is no such upload.", where="upload")
        return found

    def _write(self, upload: Upload) -> Upload:
        self._staged().put_facts(upload.id, msgspec.json.encode(upload))
        return upload


class _Pace:
    """How far the work on an upload is: told now and then, with its lease renewed; without a job it ends where it is
    more than is done while a person waits."""

    def __init__(self, node: Uploading, upload: Upload, job: Job | None) -> None:
        self._node, self._upload, self._job = node, upload, job
        self._told_at = microseconds(node.clock.now())
        self._read: dict[int, int] = {}
        self.unpacked = 0

    def counted(self, number: int, chunks: Iterator[bytes], bytes_read: Callable[[], int]) -> Iterator[bytes]:
        """The same chunks. TooLarge where all files unpack to too much."""
        for chunk in chunks:
            self.unpacked += len(chunk)
            self._read[number] = bytes_read()
            if self._job is None and self.unpacked > INLINE_BYTES:
                raise _TooMuchError
            if self.unpacked > UNPACKED_MOST:
                words = f"The files unpack to more than {UNPACKED_MOST:,} bytes."
                raise TooLarge(words, where="files", rule="size", hint="comity import FILE")
            yield chunk

    def step(self) -> None:
        """Some objects more are done."""
        now = microseconds(self._node.clock.now())
        if self._job is None or now - self._told_at < SECOND_US:
            return
        self._told_at = now
        with self._node.store.write() as tx:
            if not tx.renew(self._job, now + LEASE_SECONDS * SECOND_US):
                raise Conflict("Another worker has taken the upload over.", where="upload")
        done = min(self._upload.size, sum(self._read.values()))
        self._node._write(structs.replace(self._upload, done=done))


def _decoded(facts: bytes) -> Upload | None:
    try:
        return msgspec.json.decode(facts, type=Upload)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
