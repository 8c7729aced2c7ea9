"""`comity demo`: a throwaway node with a story in it, to look at and to try clients on."""

import contextlib
import shlex
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from comity.cli.console import Console, path_text
from comity.cli.options import Command, pass_console
from comity.cli.signals import interruptible
from comity.cli.terminal import counted
from comity.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from comity.node.access import NewToken
    from comity.node.demonstration import Shown
    from comity.node.node import Node

HOST, DEFAULT_PORT = "127.0.0.1", 8470
FILES_SOURCE = "files"


@click.command("demo", cls=Command)
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option("--port", type=click.IntRange(0, 65535), help="The port on this host.  [default: 8470, else a free one]")
@pass_console
def demo(console: Console, files: tuple[str, ...], port: int | None) -> None:
    """Start a throwaway node with a sample story and two partners.

    FILEs of STIX 2.1 that you name are taken in too. It answers on this host alone, prints how to reach it, and is gone
    without a trace when you press Ctrl-C.
    """
    from comity.cli.story.morning import morning_bundle
    from comity.node.demonstration import lead, let_read, show_partners
    from comity.node.home import init_home

    with _throwaway() as folder, init_home(folder / "node", name="Comity demo") as node:
        token = node.new_token("demo", read=["all"], write=["all"], days=1)
        told = _fill(console, node, files)
        shown = show_partners(node)
        let_read(node, shown)
        waiting = node.receive(morning_bundle(), strict=True).stored
        told.append(f"{counted(waiting, 'object')} that came in this morning, and wait to be published.")
        ways = _Ways(token, lead(node).secret, told, shown, folder)
        _serve(console, node, port, ways)
    console.note("Stopped; nothing is left of the demo.")


@contextlib.contextmanager
def _throwaway() -> Iterator[Path]:
    """A folder that only its owner may enter, gone at the end, however that comes."""

    with interruptible(), tempfile.TemporaryDirectory(prefix="comity-demo-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _fill(console: Console, node: "Node", files: tuple[str, ...]) -> list[str]:
    """The story and the files are in the node; what that came to, in words."""
    from comity.cli.progress import Progress
    from comity.cli.reading import check_readable, open_source
    from comity.cli.story import story_bundle

    for file in files:
        check_readable(file)
    story = node.receive(story_bundle(), strict=True)
    told = [f"{counted(story.stored, 'object')} of a story: a shift plan by mail, a hospital, a port."]
    for file in files:
        name = "standard input" if file == "-" else path_text(file)
        progress = Progress(console, f"Importing {name}")
        with open_source(file) as opened:
            report = node.receive_stream(opened.chunks, FILES_SOURCE, lines=opened.lines, progress=progress)
        progress.finish()
        if report.broken is not None and not report.stored and not report.duplicates:
            raise Invalid(f"{name}: {report.broken.message}", where=report.broken.where, rule=report.broken.rule)
        line = f"{counted(report.stored, 'object')} of {name}"
        refused = len(report.rejected) + len(report.conflicts)
        if refused:
            line += f"; {counted(refused, 'object')} refused (comity import says why)"
        if report.broken is not None:
            place, words = report.broken.where.rstrip(", "), report.broken.message.rstrip(".")
            line += f"; not read beyond {place or 'its beginning'}: {words}"
        told.append(f"{line}.")
    return told


@dataclass(frozen=True, slots=True)
class _Ways:
    """What is told of the demo: ways in for programs, a person and partners, what it holds, and where it is."""

    token: "NewToken"
    link: str
    told: list[str]
    shown: "Shown"
    folder: Path


def _serve(console: Console, node: "Node", port: int | None, ways: _Ways) -> None:
    from comity.node.system import set_setting
    from comity.web.serve import serve

    def ready(url: str) -> None:
        # So that a link that a command makes leads here.
        set_setting(ways.folder / "node", "port", urlsplit(url).port)
        _tell(console, node, url, ways)

    try:
        serve(node, HOST, DEFAULT_PORT if port is None else port, on_ready=ready)
    except Unavailable:
        if port is not None:
            raise
        serve(node, HOST, 0, on_ready=ready)


def _tries(console: Console, shown: "Shown", folder: Path) -> list[str]:
    """Commands that say what the partners receive."""
    from comity.node.demonstration import AMBER_PARTNER, GREEN_PARTNER

    home = f"--home {shlex.quote(path_text(folder / 'node'))}"
    return [
        f"{console.command} release preview --to {GREEN_PARTNER} {home}",
        f"{console.command} release explain {shown.telling} --to {GREEN_PARTNER} {home}",
        f"{console.command} release explain {shown.telling} --to {AMBER_PARTNER} {home}",
        f"{console.command} show {shown.telling} --who {home}",
    ]


def _tell(console: Console, node: "Node", url: str, ways: _Ways) -> None:
    """Where the demo is, and ways in for its people and its partners."""
    from comity.node.demonstration import PERSON
    from comity.taxii.resources import API_ROOT

    token, shown, folder = ways.token, ways.shown, ways.folder
    home = path_text(folder / "node")
    link = f"{url}sign-in/link/{ways.link}"
    root = url.rstrip("/") + API_ROOT
    collection = node.collections()[0]
    objects = f"{root}collections/{collection.alias or collection.id}/objects/"
    if console.json:
        console.result(
            {
                "url": url,
                "discovery": f"{url}taxii2/",
                "api_root": root,
                "collection": collection.id,
                "user": token.user,
                "secret": token.secret,
                "token": token.token,
                "link": link,
                "home": home,
                "partners": [
                    {"name": name, "user": made.user, "secret": made.secret, "token": made.token}
                    for name, made in shown.tokens.items()
                ],
                "try": _tries(console, shown, folder),
            }
        )
        console.flush()
        return
    lines = [
        f"The demo is at {url}",
        "",
        "Look at it in a browser: this link signs you in, once and within an hour",
        f"  {link}",
        "The pages then lead you through five tasks. Another link, once this one is used or over:",
        f"  {console.command} user link {PERSON} --home {shlex.quote(home)}",
        "",
        "For programs:",
        f"  user    {token.user}",
        f"  secret  {token.secret}",
        "",
        "It holds",
        *(f"  {line}" for line in ways.told),
        "",
        "Try it in another terminal:",
        f"  curl -su '{token.user}:{token.secret}' '{objects}?match[type]=indicator&limit=3' -g",
        f"  {console.command} search 'hospital tlp:<=green' --home {shlex.quote(home)}",
        "",
        "Its partners read what policy lets go, each with a token of its own:",
        *(
            f"  curl -s -H 'Authorization: Bearer {made.token}' '{objects}?limit=3'    # {name}"
            for name, made in shown.tokens.items()
        ),
        "See what they receive, and why:",
        *(f"  {line}" for line in _tries(console, shown, folder)),
        "",
        "From Python (pip install taxii2-client):",
        "  from taxii2client.v21 import Server, as_pages",
        f'  server = Server("{url}taxii2/", user="{token.user}", password="{token.secret}")',
        "  for page in as_pages(server.default.collections[0].get_objects, per_request=200):",
        '      print(len(page["objects"]))',
        "",
    ]
    for line in lines:
        console.say(line)
    console.flush()
    console.note("Ctrl-C ends the demo and clears everything away.")
