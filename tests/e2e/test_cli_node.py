"""A node from its making to its restoring, by the real command: fixed outputs, exit codes, odd circumstances."""

import base64
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.commands import COMITY, SECONDS_MAX, bundle, comity, environment, indicator
from tests.postgres import change_a_body, copy_home

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the private half of the recovery key is: not with the node."""
    return tmp_path_factory.mktemp("away") / "key.txt"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Path:
    """A new node, made once; each test has a copy."""
    folder = tmp_path_factory.mktemp("made") / "node"
    assert comity("init", "--name", "CERT-A", "--recovery-key", key, home=folder).code == 0
    return folder


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return copy_home(made, tmp_path / "node")


@contextmanager
def running(*args: str | Path, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """The command runs, and is ended at the end of the block if it did not end by itself."""
    with subprocess.Popen(
        [*COMITY, *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env or environment(),
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def status_of(url: str, credential: str = "") -> int:
    """The status of a GET, with an Authorization header or without."""
    request = urllib.request.Request(url, headers={"Authorization": credential} if credential else {})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_init_makes_a_home_for_its_owner_alone_and_tells_no_secret(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "node"
    ended = comity("init", "--name", "CERT-A", "--json", home=folder)
    assert ended.code == 0
    assert ended.json["name"] == "CERT-A"
    file = Path(ended.json["token_file"])
    secrets = json.loads(file.read_text(encoding="utf-8"))
    assert secrets.keys() >= {"user", "secret", "token", "expires_at"}
    assert secrets["secret"] not in ended.out + ended.err
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {0o600}
    again = comity("init", "--name", "CERT-A", home=folder)
    assert again.code == 6
    assert again.err.startswith("error: There is a node in ")
    assert "hint: " in again.err
    assert json.loads(file.read_text(encoding="utf-8")) == secrets


def test_init_shows_the_secret_once_on_a_terminal(tmp_path: Path) -> None:
    import pty

    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [*COMITY, "init", "--name", "CERT-A", "--home", str(tmp_path / "node")],
        stdout=terminal,
        stderr=subprocess.DEVNULL,
        env=environment(),
    ) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                piece = os.read(controller, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        os.close(controller)
        assert process.wait(SECONDS_MAX) == 0
    secret = json.loads((tmp_path / "node" / "first-token.json").read_text(encoding="utf-8"))["secret"]
    assert shown.decode().count(secret) == 1


def test_serve_says_its_url_in_one_line_and_ends_by_a_signal_with_0(home: Path) -> None:
    made = comity("token", "new", "reader", "--read", "all", "--write", "all", "--json", home=home).json
    basic = "Basic " + base64.b64encode(f"{made['user']}:{made['secret']}".encode()).decode()
    for number in (signal.SIGINT, signal.SIGTERM):
        with running("serve", "--home", home, "--port", "0") as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://127\.0\.0\.1:\d+/", line)
            assert found, line
            url = found[0]
            assert status_of(f"{url}taxii2/") == 401
            for credential in (basic, f"Bearer {made['token']}", f"Token {made['token']}"):
                assert status_of(f"{url}taxii2/", credential) == 200
            # Other commands work beside it on the same home.
            assert comity("import", "-", home=home, given=bundle(indicator(number))).code == 0
            assert comity("token", "revoke", "nobody", home=home).code == 3
            process.send_signal(number)
            assert process.wait(SECONDS_MAX) == 0
            assert process.stdout.read() == ""
    assert comity("token", "revoke", made["user"], home=home).code == 0
    with running("serve", "--home", home, "--port", "0", "--json") as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        assert status_of(f"{url}taxii2/", basic) == 401


def test_serve_refuses_what_would_show_secrets_to_a_network_and_a_port_that_is_taken(home: Path) -> None:
    open_to_all = comity("serve", "--host", "0.0.0.0", "--port", "0", home=home)  # noqa: S104
    assert open_to_all.code == 4
    assert "--tls-cert" in open_to_all.err
    with running("serve", "--home", home, "--port", "0") as process:
        assert process.stdout is not None
        found = re.search(r":(\d+)/", process.stdout.readline())
        assert found
        taken = comity("serve", "--port", found[1], home=home)
    assert taken.code == 75
    assert "--port" in taken.err


def test_the_demo_is_ready_says_how_to_reach_it_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    extra = tmp_path / "mine.json"
    extra.write_bytes(bundle(indicator(1)))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with running("demo", extra, "--port", "0", "--json", env=environment(TMPDIR=str(folder))) as process:
            assert process.stdout is not None
            answer = json.loads(process.stdout.readline())
            (made,) = folder.iterdir()
            assert stat.S_IMODE(made.stat().st_mode) == 0o700
            bearer = f"Bearer {answer['token']}"
            assert status_of(answer["url"], bearer) == 200
            assert status_of(f"{answer['api_root']}collections/{answer['collection']}/objects/", bearer) == 200
            process.send_signal(number)
            assert process.wait(SECONDS_MAX) == 0
        assert list(folder.iterdir()) == []


def test_the_lines_that_the_demo_prints_work_as_they_stand(tmp_path: Path) -> None:
    with running("demo", "--port", "0", env=environment(TMPDIR=str(tmp_path))) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not (lines and "print(len(" in lines[-1]):
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        curl = next(line for line in lines if "curl" in line)
        ended = subprocess.run(["bash", "-c", curl], capture_output=True, timeout=SECONDS_MAX, check=False)
        assert len(json.loads(ended.stdout)["objects"]) == 3
        start = next(number for number, line in enumerate(lines) if "from taxii2client" in line)
        program = "".join(line.removeprefix("  ") for line in lines[start:])
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=SECONDS_MAX, check=False)
        assert sum(map(int, ended.stdout.split())) > 300, ended.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS_MAX) == 0


def test_a_demo_of_a_file_that_is_none_ends_before_it_begins(tmp_path: Path) -> None:
    assert comity("demo", tmp_path / "none.json").code == 3
    (tmp_path / "odd.json").write_bytes(b"odd")
    assert comity("demo", tmp_path / "odd.json").code == 5


def test_a_backup_restores_to_the_same_and_is_checked(home: Path, key: Path, tmp_path: Path) -> None:
    assert comity("import", "-", home=home, given=bundle(indicator(1), indicator(2))).code == 0
    file = tmp_path / "node.backup"
    made = comity("backup", file, "--verify", "--json", home=home)
    assert (made.code, made.json["objects"], made.json["encrypted"], made.json["verified"]) == (0, 2, True, True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert comity("backup", file, home=home).code == 6
    other = tmp_path / "other"
    assert comity("restore", file, home=other).code == 4
    assert comity("restore", file, "--key", key, "--json", home=other).json["objects"] == 2
    assert comity("backup", tmp_path / "again.age", "--verify", home=other).code == 0
    assert comity("doctor", home=other).code == 0
    exports = [comity("export", "--format", "ndjson", home=one).out for one in (home, other)]
    assert exports[0] == exports[1]
    assert comity("restore", file, "--key", key, home=other).code == 6
    drill = comity("restore", file, "--key", "-", "--dry-run", home=tmp_path / "third", given=key.read_bytes())
    assert (drill.code, "2 objects" in drill.out) == (0, True)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    damaged = comity("restore", file, "--key", key, home=tmp_path / "third")
    assert damaged.code == 20
    assert not (tmp_path / "third").exists()
    assert comity("restore", tmp_path / "none", home=tmp_path / "third").code == 3
    assert comity("migrate", "--json", home=other).json == {"migrations": []}


def test_the_recovery_key_is_made_shown_and_changed(home: Path, key: Path, tmp_path: Path) -> None:
    shown = comity("recovery-key", "show", "--json", home=home).json["public"]
    assert f"# public key: {shown}\n" in key.read_text(encoding="utf-8")
    new = tmp_path / "new.txt"
    made = comity("recovery-key", "new", new, home=home)
    assert (made.code, stat.S_IMODE(new.stat().st_mode)) == (0, 0o600)
    assert f"TAKE {new} AWAY" in made.err
    assert f"need the private half of {shown}" in made.err
    assert comity("recovery-key", "new", new, home=home).code == 6
    back = comity("recovery-key", "use", shown, "--json", home=home).json
    assert (back["public"], back["file"], back["replaced"] in new.read_text(encoding="utf-8")) == (shown, None, True)
    private = key.read_text(encoding="utf-8").splitlines()[-1]
    wrong = comity("recovery-key", "use", private, home=home)
    assert wrong.code == 5
    assert private not in wrong.out + wrong.err
    old = tmp_path / "old"
    assert comity("init", "--name", "A", "--recovery-key", new, home=old).code == 6
    assert comity("init", "--name", "A", "--recovery-key", tmp_path / "no" / "key", home=old).code == 3
    assert not old.exists()
    default = comity("init", "--name", "A", "--json", home=old).json
    assert Path(default["recovery_key_file"]) == old / "recovery-key.txt"
    assert default["recovery_key"] in (old / "recovery-key.txt").read_text(encoding="utf-8")
    doctor = comity("doctor", home=old)
    assert doctor.code == 1
    assert "recovery-key.txt holds the private half" in doctor.out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_backup_that_is_told_to_end_leaves_nothing_behind(home: Path, tmp_path: Path, number: int) -> None:
    assert comity("import", "-", home=home, given=bundle(*map(indicator, range(5000)))).code == 0
    target = tmp_path / "there" / "b.age"
    target.parent.mkdir()
    with running("backup", target, "--verify", "--home", home) as process:
        deadline = time.monotonic() + SECONDS_MAX
        while not list(home.glob(".comity-*/*")) and time.monotonic() < deadline:
            time.sleep(0.001)
        process.send_signal(number)
        assert process.wait(SECONDS_MAX) == 130
    assert list(target.parent.iterdir()) == []
    assert list(home.glob(".comity-*")) == []


def test_doctor_tells_what_wants_a_person_and_what_does_not_hold(home: Path, tmp_path: Path) -> None:
    assert comity("import", "-", home=home, given=bundle(indicator(1))).code == 0
    assert comity("doctor", home=home).code == 1
    assert comity("backup", tmp_path, "--verify", home=home).code == 0
    well = comity("doctor", "--json", home=home)
    assert well.code == 0
    assert {one["level"] for one in well.json["findings"]} == {"ok"}
    (home / "comity.toml").chmod(0o644)
    open_file = comity("doctor", home=home)
    assert open_file.code == 1
    assert "\nhint\tchmod go-rwx" in open_file.out
    (home / "comity.toml").chmod(0o600)
    change_a_body(home, b"sign 1", b"sign 7")
    assert comity("doctor", home=home).code == 20


def test_settings_are_shown_and_checked(home: Path) -> None:
    shown = comity("config", "show", "--json", home=home).json
    assert (shown["name"], shown["port"]) == ("CERT-A", 8470)
    assert "port = 8470\n" in comity("config", "show", home=home).out
    assert comity("config", "check", home=home).code == 0
    (home / "comity.toml").write_text('name = "A"\nport = "x"\nodd = 1\n', encoding="utf-8")
    ended = comity("config", "check", "--json", home=home)
    assert ended.code == 5
    assert len(ended.json["problems"]) == 2
    assert comity("search", home=home).code == 5


def test_where_there_is_no_node_the_way_to_one_is_told(tmp_path: Path) -> None:
    ended = comity("search", "x", "--json", home=tmp_path / "none")
    assert ended.code == 3
    assert "comity init --home" in ended.json["error"]["hint"]
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("path", ["/proc/comity", "/dev/null", "/dev/null/node"])
def test_a_home_that_cannot_be_is_named_without_a_traceback(path: str) -> None:
    for args in (["init", "--name", "A"], ["doctor"], ["export"]):
        ended = comity(*args, home=Path(path))
        assert ended.code in (1, 3, 4, 6)
        assert path in ended.err + ended.out
        assert "Traceback" not in ended.err
        assert "Unexpected" not in ended.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_asks_comity(shell: str) -> None:
    script = comity("completion", shell)
    assert script.code == 0
    assert "_COMITY_COMPLETE" in script.out


def test_commands_and_options_are_completed() -> None:
    def complete(words: str, position: int) -> list[str]:
        env = environment(_COMITY_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(position))
        ended = subprocess.run(
            COMITY, capture_output=True, text=True, timeout=SECONDS_MAX, env=env, check=False, encoding="utf-8"
        )
        return [line.split(",")[1] for line in ended.stdout.splitlines()]

    assert complete("comity imp", 1) == ["import"]
    assert complete("comity token ", 2) == ["new", "list", "revoke"]
    assert "--marking" in complete("comity import --mark", 2)


def test_a_locale_that_cannot_spell_a_name_does_not_end_a_command(home: Path) -> None:
    assert comity("import", "-", home=home, given=bundle(indicator(1, name="Παλάνδουκ 日本 \U0001f600"))).code == 0
    env = environment(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    ended = subprocess.run(
        [*COMITY, "search", "--home", str(home)], capture_output=True, timeout=SECONDS_MAX, env=env, check=False
    )
    assert ended.returncode == 0
    assert b"indicator" in ended.stdout
    told = subprocess.run(
        [*COMITY, "search", "--json", "--home", str(home)],
        capture_output=True,
        timeout=SECONDS_MAX,
        env=env,
        check=False,
    )
    assert told.stdout.isascii()
    assert "Παλάνδουκ 日本 \U0001f600" in json.dumps(json.loads(told.stdout), ensure_ascii=False)


def test_an_error_is_told_without_a_reader_of_results(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nobody:
        ended = subprocess.run(
            [*COMITY, "token", "list", "--json", "--home", str(tmp_path / "none")],
            stdout=nobody,
            stderr=subprocess.PIPE,
            text=True,
            timeout=SECONDS_MAX,
            env=environment(),
            check=False,
            encoding="utf-8",
        )
    assert ended.returncode == 3
    assert ended.stderr.startswith("error: There is no node")
    assert "Traceback" not in ended.stderr
    assert "BrokenPipe" not in ended.stderr
