"""Texts of others are texts: through each screen, each list, each file and each terminal nothing of the corpus runs, no
byte of it commands, and the layout holds."""

import csv
import io
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.chromium import NARROW, REFLOW, Look, Variant, looking
from tests.commands import COMITY, SECONDS_MAX, environment
from tests.page_checks import CONTROLS, faults
from tests.page_homes import Stood, hostile_id, hostile_texts, stood
from tests.page_states import SCREENS, openings

from comity.web.answer import Answer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

EVERY = 16
"""Of the texts, each so many-th has its own page opened every time; all of them in the deep run."""
PAGES_PER_OBJECT = tuple(template for template in SCREENS if template.startswith("/objects/"))
OURS = ("'href': '#had-", "'href': 'otpauth://totp/", "'autocomplete': 'username', 'readonly': None")
"""What pages do themselves: links to one of several tables and to a program for codes, a name for password keepers."""
_SGR = re.compile(r"\x1b\[[0-9;]*m")
"""Colours, which our own programs set (ECMA-48, 8.3.117)."""
_CELLS = re.compile(r"[=+\-@\t\r]")


@pytest.fixture(scope="module")
def hostile(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stood]:
    """A node in which all texts of others are those of the corpus."""
    with stood(tmp_path_factory.mktemp("home"), "hostile") as made:
        yield made


def wrong_with(look: Look, path: str) -> list[str]:
    """What is wrong with the page of that path."""
    answer = look.open(look.stood.address(path))
    body = answer.body()
    # A sound page may answer that it refuses, and it is a page then too.
    found = [f"answers {answer.status}"] if answer.status >= 500 else []
    found += [one for one in faults(Answer(body, media_type="text/html")) if not any(ours in one for ours in OURS)]
    for width, height in (NARROW, REFLOW):
        look.page.set_viewport_size({"width": width, "height": height})
        found += look.too_wide()
    return [f"{path}: {one}"[:400] for one in found + look.wrong()]


def test_each_screen_shows_texts_as_texts(browser: Any, hostile: Stood) -> None:
    paths = [
        one.path
        for one in openings()
        if one.by and one.state in ("full", "error") and not one.path.startswith("/objects/")
    ]
    paths += ["/search?q=canary&limit=200", "/search?limit=200", "/release/preview?to={partner}", "/release/matrix"]
    paths += ["/release/record?to={partner}", f"/release/record?object={hostile_id(2)}"]
    with looking(browser, hostile, Variant(size=NARROW)) as look:
        found = [one for path in dict.fromkeys(paths) for one in wrong_with(look, path)]
    assert found == []


def wrong_with_objects(browser: Any, hostile: Stood, numbers: range) -> list[str]:
    """What is wrong with the pages of the objects of these numbers."""
    with looking(browser, hostile, Variant(size=NARROW)) as look:
        return [
            one
            for number in numbers
            for template in PAGES_PER_OBJECT
            for one in wrong_with(look, template.replace("{object}", hostile_id(number)))
        ]


def test_the_pages_of_an_object_show_texts_as_texts(browser: Any, hostile: Stood) -> None:
    assert wrong_with_objects(browser, hostile, range(0, len(hostile_texts()), EVERY)) == []


@pytest.mark.deep
@pytest.mark.timeout(1200)
def test_the_pages_of_every_object_show_texts_as_texts(browser: Any, hostile: Stood) -> None:
    assert wrong_with_objects(browser, hostile, range(len(hostile_texts()))) == []


def test_what_is_asked_comes_back_as_text(browser: Any, hostile: Stood) -> None:
    """In the search box, and in the filters that an address has chosen."""
    with looking(browser, hostile) as look:
        for one in (one for one in hostile_texts() if "canary" in one.text or "{{" in one.text):
            look.open(hostile.address("/search", "?" + urlencode({"q": one.text[:900], "type": one.text[:90]})))
            assert look.wrong() == [], one.name
            assert "49" not in look.page.inner_text("main") or "7*7" not in one.text, "a template was made of it"


def test_no_cell_of_a_list_is_a_formula_or_commands(browser: Any, hostile: Stood) -> None:
    with looking(browser, hostile) as look:
        lists = ("/search.csv", f"/release/record.csv?to={hostile.names['partner']}")
        rows = 0
        for path in lists:
            answer = look.context.request.get(hostile.address(path))
            assert answer.status == 200, path
            assert "attachment" in answer.headers["content-disposition"]
            for row in csv.reader(io.StringIO(answer.text(), newline="")):
                rows += 1
                for cell in row:
                    assert not _CELLS.match(cell), cell[:100]
                    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", cell), cell[:100]
        assert rows > 2 * len(hostile_texts())


def on_terminal(*words: str) -> str:
    """What the command writes to a terminal."""
    ours, theirs = pty.openpty()
    environ = environment(TERM="xterm-256color", COLUMNS="100")
    with subprocess.Popen([*COMITY, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as process:
        os.close(theirs)
        found = b""
        with suppress(OSError):
            while more := os.read(ours, 65536):
                found += more
        os.close(ours)
        assert process.wait(SECONDS_MAX) == 0, found[-500:]
    return found.decode()


def test_a_terminal_is_not_commanded(hostile: Stood) -> None:
    home = ("--home", str(hostile.home))
    numbers = [n for n, one in enumerate(hostile_texts()) if CONTROLS.search(one.text)]
    assert len(numbers) >= 5
    said = on_terminal("search", "type:malware", *home)
    for number in numbers[:2]:
        said += on_terminal("show", hostile_id(number), *home)
    left = _SGR.sub("", said).replace("\r\n", "\n")
    assert CONTROLS.findall(left) == []
    assert r"\u{202e}" in left or "\\u{1b}" in left, "they are shown as what they are"


def test_the_corpus_has_every_kind_of_attack() -> None:
    texts = hostile_texts()
    assert len(texts) == len({one.name for one in texts}) >= 30
    assert sum("canary" in one.text for one in texts) >= 10
    assert max(len(one.text) for one in texts) >= 100_000
    assert {"=", "+", "-", "@", "\t", "\r"} <= {one.text[0] for one in texts}
