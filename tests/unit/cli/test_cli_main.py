"""The command line as a whole: errors and exit codes, options everywhere, what is answered to whom."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from tests.commands import bundle, indicator

from comity import errors
from comity.cli import main as cli
from comity.cli.console import Console
from comity.cli.main import COMMANDS, EXIT_CODES, root, run
from comity.cli.options import SHARED_NAMES, Command, Group


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COMITY_HOME", "COMITY_DEBUG", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node with two indicators, which the tests only read or add to."""
    folder = tmp_path_factory.mktemp("cli") / "node"
    assert run(["init", "--home", str(folder), "--name", "CERT-A", "-q"]) == 0
    file = folder.parent / "two.json"
    file.write_bytes(bundle(indicator(1), indicator(2)))
    assert run(["import", str(file), "--home", str(folder), "-q"]) == 0
    return folder


def raising(error: BaseException) -> Command:
    """A command that ends so."""

    def end() -> None:
        raise error

    return Command("end", callback=end)


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`run(["end"])` ends with the error given."""

    def prepare(error: BaseException) -> None:
        monkeypatch.setattr(root, "get_command", lambda _context, name: raising(error) if name == "end" else None)
        monkeypatch.setattr(root, "places", {"end": ("", "")})

    return iter([prepare])


def tree(kind: type[errors.ComityError]) -> list[type[errors.ComityError]]:
    """The branches that errors.py draws; other rooms' own leaves belong to one of them."""
    below = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    return [kind, *(deeper for child in below for deeper in tree(child))]


@pytest.mark.parametrize("kind", tree(errors.ComityError))
def test_every_error_of_the_tree_has_its_exit_code_and_two_lines(
    kind: type[errors.ComityError], ending: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {"retry_after_seconds": 3} if kind is errors.TooManyFailures else {}
    next(ending)(kind("It is so.", hint="Do that.", **more))  # type: ignore[arg-type]
    branch = next((branch for branch, _ in EXIT_CODES if issubclass(kind, branch)), None)
    wanted: dict[Any, int] = {None: 1} | dict(EXIT_CODES)
    assert run(["end"]) == wanted[branch]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: It is so.\nhint: Do that.\n"


def test_the_table_of_exit_codes_is_that_of_the_papers() -> None:
    assert {kind.__name__: code for kind, code in EXIT_CODES} == {
        "NotInstalled": 2,
        "NotFound": 3,
        "Refused": 4,
        "Invalid": 5,
        "Conflict": 6,
        "Unverified": 20,
        "Unavailable": 75,
    }


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "error: Interrupted."),
        (click.Abort(), 130, "error: Interrupted."),
        (BrokenPipeError(), 0, ""),
        (PermissionError(13, "Permission denied", "/x"), 1, "error: /x: Permission denied."),
        (RuntimeError("odd\x1b[2J"), 1, "error: Unexpected RuntimeError: odd\\u{1b}[2J"),
    ],
)
def test_what_is_no_error_of_ours_ends_in_one_line_too(
    error: BaseException, code: int, words: str, ending: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    next(ending)(error)
    assert run(["end"]) == code
    captured = capsys.readouterr().err.splitlines()
    assert captured[:1] == ([words] if words else [])
    assert not any("Traceback" in line for line in captured)


def test_what_fails_because_of_an_interrupt_is_an_interrupt(ending: Any, capsys: pytest.CaptureFixture[str]) -> None:
    late = RuntimeError("cannot clear up")
    late.__context__ = KeyboardInterrupt()
    next(ending)(late)
    assert run(["end"]) == 130
    assert capsys.readouterr().err == "error: Interrupted.\n"


def test_debug_shows_where_an_unexpected_error_came_from(ending: Any, capsys: pytest.CaptureFixture[str]) -> None:
    next(ending)(RuntimeError("odd"))
    assert run(["end", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_with_json_an_error_is_one_object_on_stdout(ending: Any, capsys: pytest.CaptureFixture[str]) -> None:
    next(ending)(errors.InvalidObject("No.", hint="Yes.", where="objects[3].name", rule="STIX 2.1 §3"))
    assert run(["end", "--json"]) == 5
    captured = capsys.readouterr()
    told = {
        "code": "invalid-object",
        "message": "No.",
        "hint": "Yes.",
        "rule": "STIX 2.1 §3",
        "where": "objects[3].name",
    }
    assert json.loads(captured.out) == {"error": told}
    assert captured.err == "error: No. (at objects[3].name, STIX 2.1 §3)\nhint: Yes.\n"


def test_an_error_after_results_does_not_look_like_one_of_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(context: click.Context) -> None:
        context.ensure_object(Console).result({"a": 1})
        raise errors.NotFound("Gone.")

    command = Command("end", callback=click.pass_context(begin))
    monkeypatch.setattr(root, "get_command", lambda _context, _name: command)
    monkeypatch.setattr(root, "places", {"end": ("", "")})
    assert run(["end", "--json"]) == 3
    assert capsys.readouterr().out == '{"a":1}\n'


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["serach"], "There is no command 'serach'. Did you mean search?"),
        (["token", "lst"], "There is no command 'lst'. Did you mean list?"),
        (["xyzzy"], "There is no command 'xyzzy'."),
        (["show"], "Missing argument 'ID'."),
        (["search", "--limitt", "3"], "No such option"),
        (["search", "--limit", "many"], "'many' is not a valid integer."),
        (["completion", "tcsh"], "'tcsh' is not one of"),
        (["serve", "--tls-cert", "x"], "--tls-cert and --tls-key go together."),
    ],
)
def test_wrong_use_exits_2_and_says_what_was_meant(
    args: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*args, "--json"]) == cli.USAGE
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.err.count("\n") == 2
    assert "hint: See: comity" in captured.err
    assert json.loads(captured.out)["error"]["code"] == "usage"


def test_no_command_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == cli.USAGE
    assert "Commands:" in capsys.readouterr().err


def commands(group: click.Group, path: str = "comity") -> Iterator[tuple[str, click.Command]]:
    """Every command there is, with its path."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


ALL = dict(commands(root))


@pytest.mark.parametrize("path", ALL)
def test_every_command_has_words_and_knows_the_options_of_every_command(path: str) -> None:
    command = ALL[path]
    assert isinstance(command, Group if isinstance(command, click.Group) else Command)
    assert command.help
    assert {parameter.name for parameter in command.params} >= SHARED_NAMES
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.name not in ("secret", "password"), "secrets are never arguments"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_the_help_is_the_first_line_of_the_command(name: str) -> None:
    help = ALL[f"comity {name}"].help
    assert help is not None
    assert re.split(r"\n\s*\n", help)[0] == COMMANDS[name][1]


def test_options_of_every_command_count_before_and_after_its_name(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = []
    for args in (
        ["--home", str(home), "--json", "token", "list"],
        ["token", "--home", str(home), "list", "--json"],
        ["token", "list", "--json", "--home", str(home)],
        ["--home", "/nowhere", "token", "list", "--json", "--home", str(home)],
    ):
        assert run(args) == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers == answers[:1] * 4


def test_the_home_comes_from_the_environment_where_no_option_says(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMITY_HOME", str(home))
    assert run(["config", "check"]) == 0
    assert run(["config", "check", "--home", "/nowhere"]) == 3
    monkeypatch.delenv("COMITY_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(home.parent))
    assert run(["config", "check"]) == 3
    assert f"{home.parent}/comity" in capsys.readouterr().err


def test_a_user_without_a_home_directory_is_told_to_name_one(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    assert run(["config", "check"]) == 3
    assert "COMITY_HOME" in capsys.readouterr().err
    assert run(["config", "check", "--home", str(home)]) == 0
    assert run(["version"]) == 0


def test_search_answers_in_four_forms(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def out(*args: str) -> str:
        assert run(["search", "sign", "--home", str(home), *args]) == 0
        return capsys.readouterr().out

    found = json.loads(out("--json"))
    assert [item["name"] for item in found["items"]] == ["sign 2", "sign 1"]
    assert found["more"] is False
    ids = [item["id"] for item in found["items"]]
    assert out("--ids").split() == ids
    lines = out("--csv").splitlines()
    assert lines[0].startswith("id,type,name,tlp,")
    assert [line.split(",")[0] for line in lines[1:]] == ids
    rows = [line.split("\t") for line in out().splitlines()]
    assert [row[-1] for row in rows] == ids
    assert rows[0][:3] == ["indicator", "sign 2", "TLP:AMBER+STRICT"]
    assert out("--type", "malware") == ""


def test_show_gives_the_bytes_exactly_as_they_came(home: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    one = indicator(1)
    assert run(["show", str(one["id"]), "--raw", "--home", str(home)]) == 0
    assert capsysbinary.readouterr().out == json.dumps(one).encode()
    assert run(["show", str(one["id"]), "--json", "--home", str(home)]) == 0
    told = json.loads(capsysbinary.readouterr().out)
    assert [copy["object"] for copy in told["copies"]] == [one]
    assert told["copies"][0]["tlp_from"] == "source"
    assert run(["show", str(one["id"]), "--version", "2026-01-01T00:00:00Z", "--home", str(home)]) == 0
    assert b"sign 1" in capsysbinary.readouterr().out
    assert run(["show", str(one["id"]), "--version", "2027-01-01T00:00:00Z", "--home", str(home)]) == 3
    assert run(["show", str(one["id"]), "--version", "yesterday", "--home", str(home)]) == 5
    assert run(["show", "indicator--0", "--home", str(home)]) == 3


def test_a_terminal_is_given_exported_bytes_with_what_it_would_obey_escaped(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    evil = indicator(66, name="red\u202etxt\x9b31m", description="\x7f")
    file = tmp_path / "evil.json"
    file.write_bytes(json.dumps(evil, ensure_ascii=False).encode())
    assert run(["import", str(file), "--home", str(home)]) == 0
    capsys.readouterr()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for args in (["export"], ["show", str(evil["id"])], ["show", str(evil["id"]), "--raw"], ["search", "sign"]):
        assert run([*args, "--home", str(home)]) == 0
        shown = capsys.readouterr().out.replace("\x1b[1m", "").replace("\x1b[0m", "")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown), args


def test_secrets_of_a_new_token_are_told_once_and_never_listed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--home", str(home)]
    assert run(["token", "new", "reader", "--read", "default", "--days", "3", "--json", *where]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made.keys() >= {"user", "secret", "token", "expires_at", "read", "write", "name", "source"}
    assert made["token"].endswith(made["secret"])
    assert run(["token", "list", "--all", "--json", *where]) == 0
    listed = capsys.readouterr().out
    assert made["user"] in listed
    assert made["secret"] not in listed
    assert run(["token", "revoke", made["user"], *where]) == 0
    assert run(["token", "list", *where]) == 0
    assert made["user"] not in capsys.readouterr().out.split("\n", 1)[1]
    assert run(["token", "revoke", "nobody", *where]) == 3
    assert run(["token", "new", "x", "--read", "all", "--days", "181", *where]) == 5
    assert run(["token", "new", "x", "--read", "nothing", *where]) == 3


def test_collections_and_sources_are_made_once_and_listed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--home", str(home), "--json"]
    assert run(["collection", "add", "Ours", "--alias", "ours", *where]) == 0
    made = json.loads(capsys.readouterr().out)
    assert re.fullmatch(r"[0-9a-f-]{36}", made["id"])
    assert run(["collection", "add", "Ours again", "--alias", "ours", *where]) == 6
    assert run(["source", "add", "feed", "acme", "--strict", "--marking", "tlp:green", "--auto", *where]) == 0
    assert run(["source", "add", "feed", "acme", *where]) == 6
    assert run(["source", "add", "feed", "other", "--marking", "tlp:blue", *where]) == 5
    capsys.readouterr()
    assert run(["collection", "list", *where]) == 0
    assert made["id"] in [one["id"] for one in json.loads(capsys.readouterr().out)["collections"]]
    assert run(["source", "list", *where]) == 0
    sources = {one["name"]: one for one in json.loads(capsys.readouterr().out)["sources"]}
    assert sources["acme"] == {
        "name": "acme",
        "kind": "feed",
        "strict": True,
        "default_marking": "green",
        "labels_are_markings": False,
        "publish": "auto",
        "paused_for": None,
    }
    assert sources["local"]["kind"] == "own"
