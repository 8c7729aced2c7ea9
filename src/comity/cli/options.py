"""The options that every command knows, before and after its name, and the group that loads a command when called."""

import importlib
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from comity.cli.console import Console

CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_HEADING = "Options of every command"


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def keep(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value is not None and value is not False:
            setattr(context.ensure_object(Console), name, value)

    return keep


KEPT_AS = {
    "--home": "given_home",
    "--json": "json",
    "--quiet": "quiet",
    "--verbose": "verbose",
    "--debug": "debug",
}


def _shared() -> list[click.Parameter]:
    folder = click.Path(file_okay=True, path_type=Path)
    words = "The node's folder, else COMITY_HOME, else ~/.local/share/comity."
    given: list[tuple[list[str], str, dict[str, Any]]] = [
        (["--home"], words, {"type": folder, "metavar": "DIR"}),
        (["--json"], "Answer with one JSON object.", {"is_flag": True}),
        (["-q", "--quiet"], "Say nothing but results and errors.", {"is_flag": True}),
        (["-v", "--verbose"], "Say more on what is done.", {"is_flag": True}),
        (["--debug"], "On an unexpected error show where it came from.", {"is_flag": True}),
    ]
    return [
        click.Option(flags, help=help, expose_value=False, callback=_keep(KEPT_AS[flags[-1]]), **more)
        for flags, help, more in given
    ]


SHARED_NAMES = frozenset(flag.removeprefix("--") for flag in KEPT_AS)


class _Shared(click.Command):
    """A command that knows the options of every command and lists them apart."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["context_settings"] = CONTEXT | (kwargs.get("context_settings") or {})
        kwargs["params"] = [*(kwargs.get("params") or []), *_shared()]
        super().__init__(*args, **kwargs)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own: list[tuple[str, str]] = []
        shared: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                (shared if parameter.name in SHARED_NAMES else own).append(record)
        for heading, records in (("Options", own), (_HEADING, shared)):
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)


class Command(_Shared):
    """One command."""


class Group(_Shared, click.Group):
    """A noun with its verbs. A name that is none is answered with the nearest that are."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in order of writing."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name.startswith("-") or name in self.list_commands(ctx):
            return super().resolve_command(ctx, args)
        near = get_close_matches(name, self.list_commands(ctx), 1, 0.5)
        question = f" Did you mean {near[0]}?" if near else ""
        raise click.UsageError(f"There is no command {name!r}.{question}", ctx)


class LazyGroup(Group):
    """A group that knows of each command its place and its line in the help, and loads it only when it is called."""

    def __init__(self, *args: Any, places: dict[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in order of the table."""
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = self.places.get(cmd_name)
        if place is None:
            return None
        module, _, name = place[0].partition(":")
        found = getattr(importlib.import_module(module), name)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in self.places.items()])


pass_console = click.make_pass_decorator(Console, ensure=True)
