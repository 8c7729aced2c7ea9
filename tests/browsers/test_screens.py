"""Each screen in its states, light and dark, wide and narrow, in every language: what must be seen is seen, nothing is
wider than the window, nothing breaks the policy on content, asks elsewhere or fails, and axe finds nothing."""

import re
import zlib
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import pytest
from tests.chromium import NARROW, REFLOW, VARIANTS, Look, Variant, looking, violations
from tests.page_checks import english_on
from tests.page_homes import AUDRA, RITA, SARI, Stood
from tests.page_states import DOOR, FILES, SCREENS, Opening, openings
from tests.screens import TABLE
from tests.served import wait_until

from comity.web.answer import Answer

pytestmark = pytest.mark.slow

PARTS, PART = 10, 0
OPENED_LEAST = 60
"""In the fixed part; a list of screens that got lost would be seen."""
_ENGLISH = re.compile(
    r'<(\w+)[^>]*\slang="en"[^>]*>.*?</\1>|<textarea.*?</textarea>|<option value="([^"]+)"[^>]*>\2</option>', re.DOTALL
)


def faults(look: Look, opening: Opening, *, axe: bool = True) -> list[str]:
    """What is wrong with that screen in that state, by axe too where it is wanted."""
    answer = look.open(look.stood.address(opening.path))
    found = [] if answer.status == opening.status else [f"answers {answer.status}"]
    text = look.page.inner_text("body")
    found += [f"does not say {wanted!r}" for wanted in opening.seen(look.variant.language) if wanted not in text]
    if look.variant.language != "en":
        # What is in English for everybody says so: words of errors, which are those of the commands. Policy is code.
        own = _ENGLISH.sub("", answer.text())
        for name in opening.said:
            own = own.replace(name, "")
        left = english_on(Answer(own.encode(), media_type="text/html"), look.variant.language)
        found += [f"says in English: {sorted(left)}"] if left and opening.state not in ("error", "refused") else []
    found += look.too_wide() + (violations(look) if axe else [])
    if look.variant.size == NARROW:
        look.page.set_viewport_size({"width": REFLOW[0], "height": REFLOW[1]})
        found += look.too_wide()
        look.page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    return found + look.wrong()


def faults_of(
    browser: Any, axe: str, worlds: dict[str, Stood], variant: Variant, wanted: Iterable[Opening], whole: bool = True
) -> tuple[int, list[str]]:
    """How many screens were opened so, and what is wrong with each."""
    found, count = [], 0
    # Of what axe judges little depends on the language, so that a part of the screens is judged in one alone.
    judged = whole or variant.language == "en"
    with ExitStack() as stack:
        looks: dict[tuple[str, str], Look] = {}
        for opening in wanted:
            place = (opening.world, opening.by)
            if place not in looks:
                looks[place] = stack.enter_context(
                    looking(browser, worlds[opening.world], variant, by=opening.by or None, scripts=(axe,))
                )
            count += 1
            found += [
                f"{opening.path} {opening.state} {variant}: {one}" for one in faults(looks[place], opening, axe=judged)
            ]
    return count, found


def in_part(opening: Opening, variant: Variant) -> bool:
    """Whether it is of the fixed tenth that is looked at every time."""
    return zlib.crc32(f"{opening.path} {opening.state} {variant}".encode()) % PARTS == PART


def test_every_screen_has_an_address_to_open_it() -> None:
    seen = {template for template, (looks, _) in TABLE.items() if looks}
    assert seen == SCREENS.keys() | FILES.keys()
    assert not SCREENS.keys() & FILES.keys()
    of_every = {opening.template for opening in openings() if opening.state == "full"}
    assert of_every == SCREENS.keys() | DOOR.keys()
    assert {opening.state for opening in openings()} == {"full", "empty", "error", "refused"}


@pytest.mark.timeout(900)
def test_a_fixed_tenth_of_the_screens(browser: Any, axe: str, full: Stood, empty: Stood) -> None:
    counts, found = [], []
    for variant in VARIANTS:
        part = [one for one in openings() if in_part(one, variant)]
        count, wrong = faults_of(browser, axe, {"full": full, "empty": empty}, variant, part, whole=False)
        counts.append(count)
        found += wrong
    assert found == []
    assert sum(counts) >= OPENED_LEAST
    assert min(counts) > 0, "every look has its part"


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_every_screen_in_every_state(browser: Any, axe: str, full: Stood, empty: Stood, variant: Variant) -> None:
    count, found = faults_of(browser, axe, {"full": full, "empty": empty}, variant, openings())
    assert found == []
    assert count == len(list(openings()))


def test_a_file_for_programs_is_one(browser: Any, full: Stood) -> None:
    with looking(browser, full) as look:
        for template, kind in FILES.items():
            query = "?to=CERT-B" if template.startswith(("/release/preview", "/release/record")) else ""
            place = template.replace("{object}", "{artifact}") if "attachment" in template else template
            answer = look.context.request.get(full.address(place, query))
            assert answer.status == 200, template
            assert answer.headers["content-type"].startswith(kind), template
            assert "default-src 'none'" in answer.headers["content-security-policy"], template


# -- the looks themselves are looked at --------------------------------------------------------------------------------
def test_what_a_page_must_not_do_is_seen(browser: Any, axe: str, full: Stood) -> None:
    with looking(browser, full, scripts=(axe,)) as look:
        look.open(full.address("/account"))
        assert look.wrong() == look.too_wide() == violations(look) == []
        look.page.evaluate(
            """() => {
              const script = document.createElement('script');
              script.textContent = 'canary("script")';
              document.body.append(script);
              const picture = document.createElement('img');
              picture.src = 'https://elsewhere.example/x.png';
              document.body.append(picture);
              const wide = document.createElement('p');
              wide.textContent = 'x'.repeat(5000);
              wide.setAttribute('class', 'nowrap');
              document.querySelector('main').append(wide);
              canary('called');
            }"""
        )
        wait_until(lambda: look.page.evaluate("window.__violations.length > 1"), seconds=20)
        found = " ".join(look.wrong())
        assert "breaks the policy on content: script-src" in found
        assert "breaks the policy on content: img-src" in found
        assert "runs called" in found
        assert "runs script" not in found, "the policy on content has kept it from running"
        assert look.too_wide() != []
        assert any("image-alt" in one for one in violations(look))


def test_who_may_not_sees_nothing_of_it(browser: Any, full: Stood) -> None:
    assert {one.by for one in openings()} == {SARI, RITA, AUDRA, ""}
    with looking(browser, full, by=None) as look:
        for opening in openings():
            if opening.state == "full" and opening.template in SCREENS and "{" not in opening.path:
                look.open(full.address(opening.path))
                assert urlpath(look.page.url) == ("/sign-in" if opening.path != "/" else urlpath(look.page.url))
                assert not any(text in look.page.inner_text("body") for text in opening.said), opening.path


def urlpath(url: str) -> str:
    """The path of an address."""
    return "/" + url.partition("//")[2].partition("/")[2].partition("?")[0]
