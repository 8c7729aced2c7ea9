"""The `comity` command: its table of commands, and the one table that turns errors into exit codes."""

import codecs
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

from comity import __version__
from comity.cli.console import Console, json_text
from comity.cli.options import LazyGroup
from comity.errors import ComityError, Conflict, Invalid, NotFound, NotInstalled, Refused, Unavailable, Unverified

FAILED, USAGE, INTERRUPTED = 1, 2, 130
EXIT_CODES: tuple[tuple[type[ComityError], int], ...] = (
    (NotInstalled, USAGE),
    (NotFound, 3),
    (Refused, 4),
    (Invalid, 5),
    (Conflict, 6),
    (Unverified, 20),
    (Unavailable, 75),
)

COMMANDS = {
    "demo": ("comity.cli.demo:demo", "Start a throwaway node with a sample story and two partners."),
    "init": (
        "comity.cli.init:init",
        "Make a node: its folder, its store, a first token, a first account and a recovery key.",
    ),
    "serve": ("comity.cli.serve:serve", "Serve the node over TAXII 2.1."),
    "worker": ("comity.cli.worker:worker", "Do what runs behind: text index, purge and due jobs."),
    "doctor": ("comity.cli.doctor:doctor", "Look at the node and say what is not well."),
    "clock": ("comity.cli.clock:clock", "Say whether the clock is believed, and confirm it."),
    "import": ("comity.cli.importing:import_", "Take in STIX 2.1 from files."),
    "export": ("comity.cli.exporting:export", "Write out everything that is stored."),
    "search": ("comity.cli.search:search", "Find objects by words and filters."),
    "show": ("comity.cli.show:show", "Show an object, with all its copies and versions."),
    "relate": ("comity.cli.relate:relate", "Write a relationship of ours between two objects."),
    "collection": ("comity.cli.collection:collection", "Make and list collections."),
    "token": ("comity.cli.token:token", "Make, list and revoke credentials."),
    "source": ("comity.cli.source:source", "Make, list and poll the sources that objects come from."),
    "taxii": ("comity.cli.taxii:taxii", "Read from and write to any TAXII 2.1 server."),
    "publish": ("comity.cli.publish:publish", "Let policy decide about objects: without it nothing of them leaves."),
    "unpublish": ("comity.cli.publish:unpublish", "Take objects back from what partners and clients are served."),
    "rm": ("comity.cli.bulk:rm", "Withdraw objects: nobody is served them any more."),
    "mark": ("comity.cli.bulk:mark", "Put another TLP level beside objects, whose bytes stay as they are."),
    "undo": ("comity.cli.bulk:undo", "Undo what was done to many objects at once."),
    "batches": ("comity.cli.bulk:batches", "List what was done to many objects at once."),
    "reclassify": ("comity.cli.reclassify:reclassify", "Let published objects count as what they are by now."),
    "policy": ("comity.cli.policy:policy", "Check, try, compare and apply release policies."),
    "user": ("comity.cli.user:user", "Make and list the accounts of those who run the node."),
    "partner": ("comity.cli.partner:partner", "Make, list and activate partners and clients."),
    "approvals": ("comity.cli.approvals:approvals", "List what waits for a second person."),
    "approve": ("comity.cli.approvals:approve", "Put in force what another person asked for."),
    "reject": ("comity.cli.approvals:reject", "Let what somebody asked for never take effect."),
    "release": ("comity.cli.release:release", "Say what a partner receives now, and why; what left, and take it back."),
    "subject": ("comity.cli.subject:subject", "Find every place in which a person or value occurs."),
    "erase": ("comity.cli.erase:erase", "Erase objects, so that nothing of them is left on the node."),
    "erasure": ("comity.cli.erase:erasure", "Show the certificates of what was erased."),
    "hold": ("comity.cli.hold:hold", "Keep objects from being destroyed, for a while."),
    "ledger": ("comity.cli.ledger:ledger", "Show, prove and check what the node did."),
    "audit": ("comity.cli.audit:audit", "Say who of our own people read and did what."),
    "backup": ("comity.cli.backup:backup", "Write a backup while the node goes on."),
    "restore": ("comity.cli.backup:restore", "Make a new home from a backup."),
    "recovery-key": (
        "comity.cli.recovery_key:recovery_key",
        "Make, name and show the key that backups are encrypted to.",
    ),
    "migrate": (
        "comity.cli.backup:migrate",
        "Bring the store to this version, or the node to another store.",
    ),
    "config": ("comity.cli.config:config", "Show and check the settings."),
    "completion": ("comity.cli.completion:completion", "Print what makes a shell complete commands and options."),
    "version": ("comity.cli.version:version", "Print the version."),
}


def _print_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(f"comity {__version__}")
        context.exit()


root = LazyGroup(
    "comity",
    places=COMMANDS,
    help=(
        "A self-hosted node for cyber cooperation between parties who trust each other only partly.\n\n"
        "To look around: comity demo. To begin: comity init --name NAME, then comity serve."
    ),
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            help="Print the version.",
            callback=_print_version,
        )
    ],
)


SPELLED = "comity-spelled"


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """What cannot be encoded, as JSON escapes it: `\\u` and four digits for each unit of UTF-16."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)), error.end


codecs.register_error(SPELLED, _spelled)


def main() -> NoReturn:
    """The console entry: runs what the command line says, and exits with the code that belongs to what became of it."""
    if instruction := os.environ.get("_COMITY_COMPLETE"):
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(root, {}, "comity", "_COMITY_COMPLETE", instruction))
    for stream in (sys.stdout, sys.stderr):
        # A locale that cannot spell a name must not end the command, nor make JSON that is none.
        stream.reconfigure(errors=SPELLED)  # type: ignore[union-attr]
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = 0
    except OSError as error:
        code = _tell(Console(), error)
    _let_go_of_stdout()
    sys.exit(code)


def _let_go_of_stdout() -> None:
    """Whatever could not be written is forgotten, so that the interpreter does not complain of it on its way out."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run(args: Sequence[str]) -> int:
    """The command was run; its exit code. Whatever goes wrong is told on stderr, under `--json` on stdout too."""
    console = Console()
    if home := os.environ.get("COMITY_HOME"):
        from pathlib import Path

        console.given_home = Path(home)
    try:
        with root.make_context("comity", list(args), obj=console) as context:
            root.invoke(context)
    except click.exceptions.Exit as exit:
        return exit.exit_code
    except BrokenPipeError:
        return 0
    except (KeyboardInterrupt, click.Abort):
        _say_error(console, "interrupted", "Interrupted.")
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return USAGE
    except click.ClickException as error:
        # The parser stops at the first fault, perhaps before it has met --json.
        console.json = console.json or "--json" in args
        return _tell(console, error)
    except Exception as error:
        if _comes_of_an_interrupt(error):
            _say_error(console, "interrupted", "Interrupted.")
            return INTERRUPTED
        return _tell(console, error)
    return 0


def _comes_of_an_interrupt(error: BaseException | None) -> bool:
    """Whether it was raised while an interrupt was on its way: then that is what happened, not what it says."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__context__
    return False


def _tell(console: Console, error: Exception) -> int:
    if isinstance(error, ComityError):
        code = next((code for kind, code in EXIT_CODES if isinstance(error, kind)), FAILED)
        _say_error(console, error.code, error.message, error.hint, error.rule, error.where)
    elif isinstance(error, click.ClickException):
        context = error.ctx if isinstance(error, click.UsageError) else None
        help = f"{context.command_path} --help" if context else "comity --help"
        code = USAGE
        _say_error(console, "usage", error.format_message().replace("\n", " "), f"See: {help}")
    elif isinstance(error, OSError) and error.strerror:
        code = FAILED
        place = f"{error.filename}: " if error.filename else ""
        _say_error(console, "system", f"{place}{error.strerror}.")
    else:
        code = FAILED
        hint = "" if console.debug else "Run it again with --debug and report what it prints."
        _say_error(console, "bug", f"Unexpected {type(error).__name__}: {error}", hint)
    if console.debug and not isinstance(error, click.ClickException):
        import traceback

        print("".join(traceback.format_exception(error)), file=sys.stderr)
    return code


def _say_error(console: Console, code: str, message: str, hint: str = "", rule: str = "", where: str = "") -> None:
    # A bare name is that of an argument, which the message speaks of; only `--json` tells it.
    told = where and where not in message and not where.isidentifier()
    place = ", ".join(part for part in (f"at {where}" if told else "", rule) if part)
    console.complain(message + (f" ({place})" if place else ""), hint)
    if console.json and not console.begun:
        error = {"code": code, "message": message, "hint": hint, "rule": rule, "where": where}
        # Whoever has stopped reading is told on stderr alone.
        with suppress(BrokenPipeError):
            print(json_text({"error": error}), file=sys.stdout, flush=True)
