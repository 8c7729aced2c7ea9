"""`comity taxii`: a plain client for any TAXII 2.1 server. It needs no node."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from comity.cli.console import Console, path_text
from comity.cli.options import Command, Group, pass_console
from comity.cli.outside import authorization_of, reaching
from comity.cli.terminal import counted, size
from comity.cli.writing import LINES, packed, split_packing, target

if TYPE_CHECKING:
    from comity.taxii.client import Listed, TaxiiClient

REJECTED = 5


@click.group("taxii", cls=Group)
def taxii() -> None:
    """Read from and write to any TAXII 2.1 server."""


@contextmanager
def _client(
    url: str,
    user: str | None,
    secret_file: Path | None,
    token_file: Path | None,
    ca: Path | None,
    allow_address: tuple[str, ...],
    insecure_http: bool,
) -> Iterator["TaxiiClient"]:
    from comity.node.addresses import Reach, networks_of
    from comity.node.fetch import HttpFetcher
    from comity.taxii.client import TaxiiClient

    reach = Reach(
        url,
        authorization=authorization_of(user, secret_file, token_file),
        allowed=networks_of(allow_address),
        ca_file=ca,
        plain_http=insecure_http,
    )
    with HttpFetcher(reach) as fetcher:
        yield TaxiiClient(fetcher, url)


@taxii.command("discover", cls=Command)
@click.argument("url")
@reaching
@pass_console
def discover(console: Console, /, url: str, **reach: Any) -> None:
    """Show what the server at URL says of itself, and its API roots."""
    from comity.errors import ComityError

    with _client(url, **reach) as client:
        found = client.discover()
        roots: list[dict[str, Any]] = []
        for place in found.api_roots:
            try:
                root = client.root(place)
            except ComityError as error:
                roots.append({"url": place, "error": error.message})
            else:
                names = ("title", "description", "versions", "max_content_length")
                roots.append({"url": place, **{name: getattr(root, name) for name in names}})
    if console.json:
        names = ("title", "description", "contact", "default")
        console.result({**{name: getattr(found, name) for name in names}, "api_roots": roots})
        return
    for name in ("title", "description", "contact", "default"):
        if value := getattr(found, name):
            console.say_pair(name, value)
    for one in roots:
        console.say_pair(
            "api_root", " ".join(part for part in (one["url"], one.get("title"), one.get("error")) if part)
        )


@taxii.command("collections", cls=Command)
@click.argument("url")
@reaching
@pass_console
def collections(console: Console, /, url: str, **reach: Any) -> None:
    """List the collections of the server or API root at URL."""
    with _client(url, **reach) as client:
        found = client.collections()
    if console.json:
        names = ("id", "title", "alias", "description", "can_read", "can_write", "url")
        console.result({"collections": [{name: getattr(one, name) for name in names} for one in found]})
        return
    console.table(
        ("id", "title", "alias", "rights", "url"),
        [(one.id, one.title, one.alias or "", _rights(one), one.url) for one in found],
    )
    if not found:
        console.note("The server shows no collection with this credential.")


def _rights(one: "Listed") -> str:
    return "+".join(word for word, held in (("read", one.can_read), ("write", one.can_write)) if held) or "none"


@taxii.command("get", cls=Command)
@click.argument("url")
@click.option("--collection", metavar="C", help="Which: an id, alias or title; may be left out where there is one.")
@click.option("--added-after", metavar="TIME", help="Only what was added after that, as in 2026-01-31T12:00:00Z.")
@click.option("--all-versions", is_flag=True, help="Every version of an object instead of the last.")
@click.option("-o", "--output", default="-", metavar="FILE|-", help="Where to write; - is standard output.")
@click.option(
    "--format", "form", type=click.Choice(["bundle", "ndjson"]), help="One bundle, or a line an object; else by FILE."
)
@click.option("--force", is_flag=True, help="Overwrite FILE where it exists.")
@reaching
@pass_console
def get(
    console: Console,
    /,
    url: str,
    collection: str | None,
    added_after: str | None,
    all_versions: bool,
    output: str,
    form: str | None,
    force: bool,
    **reach: Any,
) -> None:
    """Write out the objects of a collection, as the server sent them.

    URL is that of a discovery resource, of an API root or of the collection. FILE is packed where its name ends in .gz
    or .zst, and holds a line an object where that is .ndjson or .jsonl. It appears under its name when it is whole.
    """
    from comity.cli.progress import Progress
    from comity.interfaces import instant_of
    from comity.taxii.reader import Reader

    plain, packing = split_packing(output)
    lines = form == "ndjson" if form else plain.endswith(LINES)
    progress = Progress(console, "Reading")
    count = skipped = 0
    with _client(url, **reach) as client:
        place = client.collection(collection)
        matching = {"match[version]": "all"} if all_versions else {}
        reader = Reader(client, place.url, _start(added_after), matching=matching)
        with target(console, output, force=force) as file, packed(file, packing) as write:
            writer = _Writer(write, lines=lines)
            for page in reader.pages():
                reader.stored(True)
                good = [one for one in page.objects if one.startswith(b"{")]
                skipped += len(page.objects) - len(good)
                for one in good:
                    writer.write(one)
                count += len(good)
                progress(count)
            writer.end()
    progress.finish()
    for words in reader.remarks:
        console.note(f"The server: {words}.")
    if skipped:
        console.note(f"{counted(skipped, 'element')} of the envelopes were no objects and were left out.")
    if output == "-":
        console.note(f"Read {counted(count, 'object')}.")
        return
    written = Path(output).stat().st_size
    if console.json:
        after = reader.position.added_after
        console.result(
            {
                "objects": count,
                "skipped": skipped,
                "file": path_text(output),
                "bytes": written,
                "added_after": None if after is None else instant_of(after),
                "remarks": list(reader.remarks),
            }
        )
        return
    console.say(f"Read {counted(count, 'object')} into {path_text(output)}, {size(written)}.")


def _start(added_after: str | None) -> Any:
    from comity.errors import Invalid
    from comity.taxii.answers import added_of
    from comity.taxii.reader import Position

    if added_after is None:
        return Position()
    instant = added_of(added_after)
    if instant is None:
        raise Invalid(f"{added_after!r} is no time.", where="added_after", hint="Give 2026-01-31T12:00:00Z.")
    return Position(added_after=instant)


class _Writer:
    """Writes objects one after the other, as a bundle or as lines."""

    def __init__(self, write: Callable[[bytes], object], *, lines: bool) -> None:
        from comity.node.system import SystemEntropy

        self._write = write
        self._lines = lines
        self._id = f"bundle--{SystemEntropy().uuid4()}"
        self._begun = False

    def write(self, raw: bytes) -> None:
        """The object is written, byte for byte; as a line, without the line breaks between its members."""
        if self._lines:
            self._write(raw.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n")
            return
        self._write((b"," if self._begun else self._head() + b',"objects":[') + raw)
        self._begun = True

    def end(self) -> None:
        """The document is whole."""
        if not self._lines:
            self._write(b"]}\n" if self._begun else self._head() + b"}\n")

    def _head(self) -> bytes:
        return f'{{"type":"bundle","id":"{self._id}"'.encode()


@taxii.command("push", cls=Command)
@click.argument("url")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--collection", metavar="C", help="Which: an id, alias or title; may be left out where there is one.")
@click.option("--allow-rejected", is_flag=True, help="Exit 0 though objects were not taken.")
@reaching
@click.pass_context
def push(
    context: click.Context,
    /,
    url: str,
    files: tuple[str, ...],
    collection: str | None,
    allow_rejected: bool,
    **reach: Any,
) -> None:
    """Send the STIX objects of FILEs to a collection.

    A FILE (- is standard input) is a bundle, an envelope, one object, or JSON lines, plain or packed. Envelopes are as
    large as the server takes them, and its verdict on each object is awaited. To send something again is harmless.
    """
    from comity.cli.progress import Progress
    from comity.cli.reading import check_readable
    from comity.errors import ComityError
    from comity.taxii.pusher import Pusher

    console = context.ensure_object(Console)
    for file in files:
        check_readable(file)
    progress = Progress(console, "Sending")
    unread: list[str] = []
    with _client(url, **reach) as client:
        place = client.collection(collection)
        try:
            bytes_max = client.root(place.root).max_content_length
        except ComityError:
            bytes_max = None
        pusher = Pusher(client, place, bytes_max=bytes_max, wait=_wait)
        report = pusher.report
        try:
            pusher.push(_counting(_objects(files, unread), progress))
        except ComityError:
            console.note(f"Sent {counted(report.sent, 'object')} before it failed; send them all again to go on.")
            raise
        finally:
            progress.finish()
    counts = {"sent": report.sent, "successes": report.successes, "pending": report.pending}
    rejected = report.failure_count + len(unread)
    if console.json:
        failures = [{"id": one.id, "version": one.version, "message": one.message} for one in report.failures]
        console.result(
            {**counts, "failure_count": rejected, "failures": failures, "unread": unread, "remarks": report.remarks}
        )
    else:
        console.say(f"{report.successes:,} taken, {rejected:,} not taken, {report.pending:,} not decided yet.")
        for one in report.failures:
            console.say(f"  {one.id} {one.version}: {one.message}")
        for words in (*unread, *(f"The server: {remark}." for remark in report.remarks)):
            console.note(words)
    if rejected and not allow_rejected:
        context.exit(REJECTED)


def _wait(seconds: float) -> None:
    import time

    time.sleep(seconds)


def _objects(files: tuple[str, ...], unread: list[str]) -> Iterator[bytes]:
    from comity.cli.reading import open_source
    from comity.stix.cut import cut_lines, cut_stream
    from comity.stix.object import Rejected

    for file in files:
        with open_source(file) as opened:
            for one in cut_lines(opened.chunks) if opened.lines else cut_stream(opened.chunks):
                if isinstance(one, Rejected) or not one.startswith(b"{"):
                    where = one.where if isinstance(one, Rejected) else "an element of `objects`"
                    unread.append(f"{path_text(file)}: {where} is no object.")
                else:
                    yield one


def _counting(objects: Iterator[bytes], progress: Callable[[int], None]) -> Iterator[bytes]:
    for count, one in enumerate(objects):
        progress(count)
        yield one
