"""A real browser, Debian's Chromium, that looks at pages and notes whatever it finds wrong there."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.page_homes import SARI, Stood

EXECUTABLES = ("chromium", "chromium-browser")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run")
PACKAGES = Path(__file__).parent / "browsers"
WIDE, NARROW, REFLOW = (1280, 800), (360, 740), (320, 740)
THEMES, SIZES, LANGUAGES = ("light", "dark"), (WIDE, NARROW), {"en": "en-GB", "id": "id-ID"}
WATCH = """
window.__violations = []; window.__canary = [];
window.canary = function (from) { window.__canary.push(String(from)); };
window.alert = window.confirm = window.prompt = function () { window.__canary.push('dialog'); };
document.addEventListener('securitypolicyviolation', e => window.__violations.push(e.violatedDirective));
"""
"""Runs before anything of the page: whatever breaks the policy on content is kept, and whatever hostile text calls."""


@dataclass(frozen=True, slots=True)
class Variant:
    """How somebody looks."""

    theme: str = "light"
    size: tuple[int, int] = WIDE
    language: str = "en"
    script: bool = True

    def __str__(self) -> str:
        return f"{self.theme}-{self.size[0]}-{self.language}"


VARIANTS = tuple(Variant(theme, size, language) for theme in THEMES for size in SIZES for language in LANGUAGES)


@dataclass
class Look:
    """A browser context of one person, and what it met: errors on the console, and calls to elsewhere."""

    stood: Stood
    context: Any
    page: Any
    variant: Variant
    problems: list[str] = field(default_factory=list)

    def open(self, address: str) -> Any:
        """The page of that address is shown; the answer to it."""
        self.problems.clear()
        return self.page.goto(address, wait_until="load")

    def wrong(self) -> list[str]:
        """What the page did that no page does, as far as is known now."""
        found = list(self.problems)
        if self.variant.script:
            found += [f"breaks the policy on content: {one}" for one in self.page.evaluate("window.__violations")]
            found += [f"runs {one}" for one in self.page.evaluate("window.__canary")]
        return found

    def too_wide(self) -> list[str]:
        """Whether one has to scroll sideways, and past what."""
        return [f"scrolls sideways at {self.page.viewport_size['width']}: {one}" for one in self.page.evaluate(_WIDE)]


_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const past = [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > width + 1);
  return past.slice(0, 3).map(e => e.outerHTML.slice(0, 120)).concat(past.length ? [] : ['the page']);
}"""


@contextmanager
def chromium() -> Iterator[Any]:
    """One browser. Skips where there is none."""
    if find_spec("playwright") is None:
        pytest.skip("playwright is not installed")
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, EXECUTABLES)), None)
    if path is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def looking(
    browser: Any, stood: Stood, variant: Variant | None = None, *, by: str | None = SARI, scripts: tuple[str, ...] = ()
) -> Iterator[Look]:
    """Somebody looks at the pages of that home, signed in unless `by` is None; the scripts run in every page."""
    variant = variant or Variant()
    context = browser.new_context(
        viewport={"width": variant.size[0], "height": variant.size[1]},
        color_scheme=variant.theme,
        locale=LANGUAGES[variant.language],
        java_script_enabled=variant.script,
        reduced_motion="reduce",
    )
    try:
        if by is not None:
            context.add_cookies([{"name": "comity", "value": stood.sessions[by], "url": stood.url}])
        for script in (WATCH, *scripts):
            context.add_init_script(script)
        look = Look(stood, context, context.new_page(), variant)
        host = urlsplit(stood.url).netloc
        look.page.on("console", lambda said: _heard(look, said))
        look.page.on("pageerror", lambda error: look.problems.append(f"fails: {error}"))
        context.on("request", lambda request: _asked(look, host, request.url))
        yield look
    finally:
        context.close()


def _heard(look: Look, said: Any) -> None:
    # That a page answers with 4xx is said on the console as well; whoever opens it knows which status it has.
    if said.type in ("error", "warning") and "Failed to load resource" not in said.text:
        look.problems.append(f"says on the console: {said.text}")


def _asked(look: Look, host: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("data", "blob", "about") and parts.netloc != host:
        look.problems.append(f"asks elsewhere: {url}")


# -- axe-core ----------------------------------------------------------------------------------------------------------
AXE_TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_AXE = """(tags) =>
  axe.run(document, {runOnly: tags, rules: {'target-size': {enabled: true}}, resultTypes: ['violations']}).then(found =>
    found.violations.map(one => one.id + ': ' + one.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' | ')))"""


def axe_source(folder: Path) -> str:
    """The text of axe-core, of the packages beside the tests, else installed by their lock. Skips where npm cannot."""
    for place in (PACKAGES, folder):
        file = place / "node_modules" / "axe-core" / "axe.min.js"
        if place == folder and not file.exists():
            _install(folder)
        if file.exists():
            return file.read_text("utf-8")
    pytest.skip("axe-core is not installed, and npm cannot install it")


def _install(folder: Path) -> None:
    if shutil.which("npm") is None:
        return
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(PACKAGES / name, folder / name)
    command = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    subprocess.run(command, cwd=folder, capture_output=True, timeout=100, check=False)


def violations(look: Look) -> list[str]:
    """What axe finds on the page that is shown."""
    found = look.page.evaluate(_AXE, list(AXE_TAGS))
    return [f"axe: {one}" for one in json.loads(json.dumps(found))]
