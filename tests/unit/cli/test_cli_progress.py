"""How far a long command is: seldom, on stderr, and never in the way."""

import sys

import pytest

from comity.cli.console import Console
from comity.cli.progress import Progress


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_without_a_terminal_a_line_comes_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    time = Time()
    progress = Progress(Console(), "Importing x", lambda: 0.5, time)
    for second in range(35):
        time.now = 100.0 + second
        progress(second * 1000)
    progress.finish()
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"Importing x: {n},000 objects, 50%" for n in (10, 20, 30)]


def test_on_a_terminal_a_bar_comes_after_a_second_and_goes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    time = Time()
    progress = Progress(Console(), "Importing x", lambda: 0.5, time)
    time.now += 0.9
    progress(1)
    assert capsys.readouterr().err == ""
    time.now += 0.2
    progress(2)
    assert "[############            ]" in capsys.readouterr().err
    progress.finish()
    assert capsys.readouterr().err == "\r\x1b[K"


def test_quiet_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    time = Time()
    progress = Progress(Console(quiet=True), "Importing x", clock=time)
    time.now += 100
    progress(1)
    progress.finish()
    assert capsys.readouterr().err == ""
