"""The five tasks on a demo, each from `/` by visible links, with a keyboard alone and without JavaScript.

An action is counted so: to come to a link or button and press it is one; to fill the fields that stand together in one
form, before it is sent, is one, however many they are and however often Tab is pressed on the way. Each task takes at
most seven.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.chromium import Look, Variant, looking
from tests.commands import COMITY, SECONDS_MAX, environment
from tests.page_homes import Stood
from tests.served import wait_until

from comity.node.demonstration import GREEN_PARTNER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MOST_ACTIONS = 7
MOST_TABS = 400
SAMPLE = Path(__file__).parents[2] / "src" / "comity" / "web" / "static" / "sample-bundle.json"


class Hands:
    """Somebody who has a keyboard and nothing else, at the page of `/`; counts what they do."""

    def __init__(self, look: Look) -> None:
        self.look, self.page = look, look.page
        self.actions = 0
        self._filling = False
        look.open(look.stood.url + "/")

    def press(self, role: str, name: str) -> None:
        """The link or button of that name was come to and pressed."""
        self._come_to(self.page.get_by_role(role, name=name, exact=True).first)
        self.actions, self._filling = self.actions + 1, False
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        assert self.look.problems == []

    def fill(self, label: str, text: str) -> None:
        """The field of that label says so; a list of choices, the choice that begins so."""
        field = self.page.get_by_label(label, exact=True).first
        self._come_to(field)
        self.actions, self._filling = self.actions + (not self._filling), True
        if field.get_attribute("type") == "file":
            # What a window of the operating system does, no keyboard of a page can.
            field.set_input_files(text)
        else:
            self.page.keyboard.type(text)

    def _come_to(self, target: Any) -> None:
        assert target.is_visible()
        for _ in range(MOST_TABS):
            if target.evaluate("e => e === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not come to {target}")

    @property
    def text(self) -> str:
        """What is seen."""
        return str(self.page.inner_text("main"))

    def end(self, step: str) -> None:
        """The task took few enough actions, and the overview knows that it is done."""
        assert self.actions <= MOST_ACTIONS, self.actions
        wait_until(lambda: self._is_done(step), seconds=20)

    def _is_done(self, step: str) -> bool:
        self.look.open(self.look.stood.url + "/")
        return "✓" in self.page.locator(".tour li").filter(has_text=step).inner_text()


@pytest.fixture(scope="module")
def demo(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stood]:
    """A demo, as `comity demo` starts it, whose link was used: the session that it gave."""
    folder = tmp_path_factory.mktemp("demo")
    process = subprocess.Popen(
        [*COMITY, "demo", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(TMPDIR=str(folder)),
        text=True,
        encoding="utf-8",
    )
    assert process.stdout is not None
    try:
        told = orjson.loads(process.stdout.readline())
        url = told["url"].rstrip("/")
        place = Stood(url, {}, {}, Path(told["home"]))
        with looking(browser, place, Variant(script=False), by=None) as look:
            look.open(told["link"])
            # One button, and nothing that somebody without a second factor would have to think about.
            look.page.keyboard.press("Tab")
            look.page.keyboard.press("Tab")
            with look.page.expect_navigation():
                look.page.keyboard.press("Enter")
            assert look.page.url == f"{url}/"
            (cookie,) = look.context.cookies()
            look.open(told["link"])
            look.page.get_by_role("button").click()
            assert "does not sign in" in look.page.inner_text("main"), "the link works once"
        yield Stood(url, {"demo": cookie["value"]}, {}, place.home)
    finally:
        process.terminate()
        assert process.wait(SECONDS_MAX) == 0
        process.stdout.close()


@pytest.fixture
def hands(browser: Any, demo: Stood) -> Iterator[Hands]:
    """Somebody at the overview of the demo, whose browser runs no script."""
    with looking(browser, demo, Variant(script=False), by="demo") as look:
        yield Hands(look)


def test_import(hands: Hands) -> None:
    hands.press("link", "Import a report")
    hands.fill("Files", str(SAMPLE))
    hands.press("button", "Look at them")
    assert "2" in hands.text
    hands.press("button", "Store 2 objects")
    hands.end("Import a report")


def test_find(hands: Hands) -> None:
    hands.fill("Search everything", "payroll")
    hands.press("button", "Search")
    hands.press("link", "Mail bait for hospital payrolls")
    assert "payslip-teluk.example" in hands.text
    assert "Who may see this" in hands.text
    hands.end("Find it")


def test_preview_and_publish(hands: Hands) -> None:
    hands.press("link", "Preview and publish")
    hands.fill("For whom", GREEN_PARTNER)
    hands.press("button", "Show what they would get")
    assert f"What {GREEN_PARTNER} would get" in hands.text
    hands.press("link", "Publish from this set…")
    assert "would be published" in hands.text
    hands.press("button", "Publish, held first")
    assert "published" in hands.text
    assert "Nobody outside is served them before" in hands.text
    hands.end("Preview and publish")


def test_recall(hands: Hands) -> None:
    hands.fill("Search everything", "getah")
    hands.press("button", "Search")
    hands.press("link", "GETAH")
    hands.press("link", "Recall…")
    hands.fill("Reason on record", "false")
    hands.press("button", "Show who has it")
    assert GREEN_PARTNER in hands.text
    hands.press("button", "Take it back now")
    assert GREEN_PARTNER in hands.text
    hands.end("Recall something")


def test_verify(hands: Hands) -> None:
    hands.press("link", "Ledger")
    hands.press("button", "Verify now")
    assert "✓" in hands.text
    hands.end("Verify")
