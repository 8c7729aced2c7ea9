"""Keys, parts that change in place, copying and the graph, in a real browser under the policy of the pages."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.asgi import asking
from tests.browser import PASSWORD, Browser
from tests.pages_world import id_of
from tests.served import wait_until
from tests.serving import serving
from tests.visiting import Staff

from comity.web import assets

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
HUB = id_of("malware", 1000)
GRAPH = f"/objects/{HUB}/relations?show=graph"
REFUSALS = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) => refused.push(event.violatedDirective));
"""


def until(page: Any, expression: str) -> None:
    """It becomes true. Asked from outside: what polls inside of a page evaluates a text, which the policy forbids."""
    from playwright.sync_api import Error

    def holds() -> bool:
        # Between two pages there is nothing to ask.
        with suppress(Error):
            return bool(page.evaluate(expression))
        return False

    wait_until(holds, seconds=20)


class Window:
    """A window of Chromium on the node, with the session of one person. `page` is Playwright's; `said` is what its
    console had, `left` what it asked of others."""

    def __init__(self, chromium: Any, address: str, cookie: str, **how: Any) -> None:
        self.address = address
        self.said: list[str] = []
        self.left: list[str] = []
        self.parts: list[str] = []
        self.context = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 800}, **how)
        self.context.add_cookies([{"name": "comity", "value": cookie, "url": address}])
        self.context.add_init_script(REFUSALS)
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", self._asked)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(self.address):
            self.left.append(request.url)
        if request.headers.get("hx-request"):
            self.parts.append(request.url.removeprefix(self.address))

    def press(self, *keys: str) -> None:
        """These keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def at(self, path: str) -> None:
        """The window has come to that path, whatever stands behind it."""
        self.page.wait_for_url(lambda url: urlsplit(url).path == path)

    def focus(self, what: str) -> str:
        """That of what has the focus."""
        found: str = self.page.evaluate(f"document.activeElement.{what} ?? ''")
        return found


@pytest.fixture(scope="module")
def served(full: Staff) -> Iterator[tuple[str, str]]:
    """Where the full node is served, and the session of an analyst there."""
    with asking(full.node) as asker, serving(full.node) as address:
        browser = Browser(asker)
        assert browser.sign_in("ana", full.users["ana"].secret).status == 303
        assert browser.send("/account/password", {"new": PASSWORD, "again": PASSWORD}).status == 303
        yield address, browser.cookie


@pytest.fixture
def window(served: tuple[str, str], chromium: Any) -> Iterator[Window]:
    made = Window(chromium, *served)
    yield made
    made.page.wait_for_load_state()
    refused = made.page.evaluate("window.refused ?? []")
    made.context.close()
    assert (refused, made.said, made.left) == ([], [], [])


def needs_scripts_of_others() -> None:
    """Skips where the build had none."""
    if not assets.address_of("htmx.min.js"):
        pytest.skip("npm is not installed, or has nowhere to fetch from")


def test_keys_lead_from_anywhere_and_are_letters_in_fields(window: Window) -> None:
    page = window.page
    page.goto("/search?q=kancil")
    window.press("/")
    assert window.focus("id") == "find"
    window.press("End", "g", "p", "?", "j")
    assert page.input_value("#find") == "kancilgp?j"
    page.evaluate("document.activeElement.blur()")
    window.press("?")
    page.wait_for_selector("dialog[open]")
    assert "The next row" in page.inner_text("dialog")
    window.press("j")
    assert page.query_selector("dialog[open]") is not None, "no key does anything behind the dialogue"
    window.press("Escape")
    assert page.query_selector("dialog[open]") is None
    window.press("j", "j", "k", "j")
    rows = page.eval_on_selector_all("main tbody th a", "all => all.map(one => one.href)")
    assert window.focus("href") == rows[1]
    window.press("Enter")
    window.at(urlsplit(rows[1]).path)
    window.press("v")
    window.at(urlsplit(rows[1]).path + "/who")
    window.press("g", "p")
    window.at("/partners")
    window.press("p")
    assert urlsplit(page.url).path == "/partners", "a letter alone leads nowhere"


def test_a_facet_changes_the_list_in_place_and_the_focus_stays(window: Window) -> None:
    needs_scripts_of_others()
    page = window.page
    page.goto("/search?q=kancil")
    page.evaluate("window.same = true")
    page.focus('[data-key="type indicator"]')
    window.press("Enter")
    page.wait_for_url("**type=indicator")
    page.wait_for_selector('[data-key="type indicator"].on')
    until(page, "document.activeElement.dataset.key === 'type indicator'")
    assert window.parts == ["/search?q=kancil&type=indicator"]
    assert page.evaluate("window.same"), "the page was not loaded anew"
    until(page, "document.getElementById('said').textContent.includes('objects')")
    assert page.evaluate("[localStorage.length, JSON.stringify(sessionStorage)]")[0] == 0
    assert "Kancil" not in page.evaluate("JSON.stringify(sessionStorage)"), "nothing that was read is kept"
    page.go_back()
    until(page, "document.querySelectorAll('header.bar').length === 1 && !window.same")
    assert page.url.endswith("/search?q=kancil")


def test_a_part_whose_session_has_ended_leads_to_where_one_signs_in(window: Window) -> None:
    needs_scripts_of_others()
    page = window.page
    page.goto("/search?q=kancil")
    window.context.clear_cookies()
    page.click('[data-key="type indicator"]')
    window.at("/sign-in")


def test_the_graph_is_drawn_and_gone_through_by_keys(window: Window) -> None:
    needs_scripts_of_others()
    page = window.page
    page.goto(GRAPH)
    page.wait_for_selector("#graph-live canvas")
    assert page.is_hidden("#graph-still")
    assert page.is_visible("table")
    page.focus(".canvas")
    neighbours = set()
    for _ in range(7):
        window.press("ArrowRight")
        neighbours.add(page.get_attribute("#graph-chosen a", "href"))
    table = page.eval_on_selector_all("main tbody th a", "all => all.map(one => one.getAttribute('href'))")
    assert neighbours == set(table)
    window.press("+", "-", "0", "ArrowLeft")
    path = page.get_attribute("#graph-chosen a", "href")
    window.press("Enter")
    window.at(path)


def test_without_scripts_the_still_picture_and_the_table_are_there(served: tuple[str, str], chromium: Any) -> None:
    window = Window(chromium, *served, java_script_enabled=False)
    window.page.goto(GRAPH)
    assert window.page.is_visible("svg.graph")
    assert window.page.is_hidden("#graph-live")
    assert window.page.is_visible("table")
    window.page.goto("/keys")
    assert "The next row" in window.page.inner_text("main")
    window.context.close()


def test_an_id_is_copied(window: Window) -> None:
    window.context.grant_permissions(["clipboard-read", "clipboard-write"])
    window.page.goto(f"/objects/{HUB}")
    window.page.click("button.copy >> nth=0")
    until(window.page, "document.getElementById('said').textContent === 'Copied'")
    assert window.page.evaluate("navigator.clipboard.readText()") == HUB


def test_keys_that_are_off_do_nothing(window: Window) -> None:
    page = window.page
    page.goto("/account")
    page.uncheck("#keys")
    page.click("#look button")
    page.wait_for_url("**done=saved")
    window.press("/", "g", "p", "?")
    assert window.focus("id") != "find"
    assert page.query_selector("dialog") is None
    page.check("#keys")
    page.click("#look button")
    page.wait_for_url("**done=saved")
    assert page.get_attribute("html", "data-keys") == "on"


def test_what_the_policy_refuses_would_be_seen(served: tuple[str, str], chromium: Any) -> None:
    window = Window(chromium, *served)
    window.page.goto("/keys")
    window.page.evaluate("document.body.append(Object.assign(document.createElement('style'), {textContent: 'p{}'}))")
    until(window.page, "window.refused.length > 0")
    window.context.close()
