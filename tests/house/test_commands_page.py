"""The page of commands and the commands agree (R58): each command and option is described, and nothing else."""

import re
from collections.abc import Iterator

import click
from tests.house.tree import ROOT

from comity import errors
from comity.cli.main import EXIT_CODES, root
from comity.cli.options import SHARED_NAMES

PAGE = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
CODES = (ROOT / "docs" / "reference" / "exit-codes.md").read_text(encoding="utf-8")
FLAG = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def commands(group: click.Group, path: str = "comity") -> Iterator[tuple[str, click.Command]]:
    """Every command there is, with its path."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def own_flags(command: click.Command) -> set[str]:
    """The options of this command alone."""
    return {
        flag
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.name not in SHARED_NAMES
        for flag in (*parameter.opts, *parameter.secondary_opts)
    }


def sections(page: str) -> dict[str, tuple[str, str]]:
    """The sections on commands: by the path, the rest of the heading and the text."""
    found = {}
    for heading, text in re.findall(r"^##+ `(comity [^`]+)`\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL):
        words = re.match(r"comity(?: [a-z-]+)+(?=$| )", re.sub(r" [a-z]+\|.*| [\[A-Z].*", "", heading))
        assert words, heading
        found[words[0]] = (heading.removeprefix(words[0]).strip(), text)
    return found


def disagreements(page: str) -> list[str]:
    """Where page and commands differ, a line each."""
    told, there = sections(page), dict(commands(root))
    wrong = [f"{path} is not described" for path in there if path not in told]
    wrong += [f"{path} is no command" for path in told if path not in there]
    everywhere = {flag for option in root.params if option.name in SHARED_NAMES for flag in option.opts}
    for path in told.keys() & there.keys():
        shape, text = told[path]
        first = re.findall(r"^- (.*?): ", text, re.MULTILINE)
        described = {flag for line in first for flag in FLAG.findall(line)}
        flags = own_flags(there[path])
        wrong += [f"{path} {flag} is not described" for flag in sorted(flags - described)]
        wrong += [f"{path} {flag} is no option" for flag in sorted(described - flags)]
        named = {
            flag
            for code in re.findall(r"`([^`\n]+)`", text)
            if not code.startswith("comity ")
            for flag in FLAG.findall(code)
        }
        wrong += [f"{path} {flag} is unknown" for flag in sorted(named - flags - everywhere)]
        context = click.Context(there[path])
        usage = " ".join(p.make_metavar(context) for p in there[path].params if isinstance(p, click.Argument))
        wrong += [f"{path} is used with {usage!r}, not {shape!r}"] if usage != shape else []
    described = {flag for row in re.findall(r"^\| (`-.*?) \|", page, re.MULTILINE) for flag in FLAG.findall(row)}
    return wrong + [f"{flag} of every command" for flag in sorted(described ^ (everywhere | {"-h", "--help"}))]


def test_every_command_and_option_is_described_and_nothing_else() -> None:
    assert disagreements(PAGE) == []


def test_a_page_that_lies_would_be_seen() -> None:
    for true, false in (
        ("## `comity migrate`", "## `comity migrates`"),
        ("- `--force`:", "- `--forces`:"),
        ("- `--limit N`:", "- of `--limit N`,"),
        ("`comity show ID`", "`comity show`"),
        ("| `--home DIR`", "| `--house DIR`"),
    ):
        assert true in PAGE
        assert disagreements(PAGE.replace(true, false)), true


def test_every_exit_code_and_error_code_is_described() -> None:
    def tree(kind: type[errors.ComityError]) -> Iterator[type[errors.ComityError]]:
        yield kind
        for child in kind.__subclasses__():
            yield from tree(child)

    rows = {int(code): row for code, row in re.findall(r"^\| (\d+) \|(.*)$", CODES, re.MULTILINE)}
    assert sorted(rows) == [0, 1, 2, 3, 4, 5, 6, 20, 75, 130]
    for kind in tree(errors.ComityError):
        if kind.__module__ == "comity.errors":
            code = next((code for branch, code in EXIT_CODES if issubclass(kind, branch)), 1)
            assert f"`{kind.code}`" in rows[code], kind
