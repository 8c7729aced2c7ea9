"""Who has only a keyboard comes to everything: Tab reaches each link, button and field that is seen, shows that it has
the focus, and nothing stands over it (WCAG 2.2: 2.1.1, 2.4.7, 2.4.11)."""

import zlib
from collections.abc import Iterable
from typing import Any

import pytest
from tests.chromium import NARROW, WIDE, Look, Variant, looking
from tests.page_homes import Stood
from tests.page_states import Opening, openings

pytestmark = pytest.mark.slow

PARTS, PART = 12, 1
MOST_TABS = 700
REACHED_LEAST = 60
"""Controls that are reached in the fixed part; a trace that looks at nothing would be seen."""

_MARK = """() => {
  const wanted = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
  const whole = {visibilityProperty: true, contentVisibilityAuto: true};
  const seen = [...document.querySelectorAll(wanted)].filter(e => !e.disabled && !e.closest('[aria-hidden=true]')
    && e.checkVisibility(whole) && e.getClientRects().length);
  const groups = new Map();
  seen.forEach(e => {
    const key = e.type === 'radio' ? 'radio ' + e.name + ' ' + (e.form ? [...document.forms].indexOf(e.form) : '') : e;
    if (!groups.has(key)) groups.set(key, groups.size);
    e.__control = groups.get(key);
  });
  window.__controls = seen;
  document.activeElement.blur();
  window.scrollTo(0, 0);
  return groups.size;
}"""
"""Numbers what can be used; the buttons of one choice are one, since arrow keys move among them."""
_WHERE = """() => {
  const e = document.activeElement;
  if (!e || e === document.body || e === document.documentElement) return null;
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  const x = Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 2);
  const y = Math.min(Math.max(box.top + Math.min(box.height / 2, 12), 1), innerHeight - 2);
  const over = document.elementFromPoint(x, y);
  const related = over && (e.contains(over) || over.contains(e) || (e.labels && [...e.labels].includes(over)));
  return {control: e.__control ?? -1, ring, free: !!related && box.bottom > 0 && box.top < innerHeight,
          what: e.outerHTML.slice(0, 140)};
}"""


def traced(look: Look, most: int = MOST_TABS) -> tuple[int, list[str]]:
    """How many controls Tab reaches from the top of the page that is shown, and what is wrong on the way."""
    count = look.page.evaluate(_MARK)
    reached: set[int] = set()
    found: list[str] = []
    for _ in range(min(most, count + 60)):
        look.page.keyboard.press("Tab")
        at = look.page.evaluate(_WHERE)
        if at is None:
            if len(reached) == count:
                break
            continue
        if at["control"] in reached:
            continue
        reached.add(at["control"])
        found += [] if at["ring"] else [f"it is not seen where the focus is: {at['what']}"]
        found += [] if at["free"] else [f"something stands over the focus: {at['what']}"]
    missing = look.page.evaluate(
        "reached => window.__controls.filter(e => !reached.includes(e.__control)).map(e => e.outerHTML.slice(0, 140))",
        sorted(reached),
    )
    return len(reached), found + [f"Tab does not come to {one}" for one in missing[:5]]


def faults_of(look: Look, wanted: Iterable[Opening]) -> tuple[int, list[str]]:
    """The same of several screens."""
    sum, found = 0, []
    for opening in wanted:
        look.open(look.stood.address(opening.path))
        count, wrong = traced(look)
        sum += count
        found += [f"{opening.path} {look.variant}: {one}" for one in wrong]
    return sum, found


def full_screens(part: bool) -> list[Opening]:
    """Each screen as it is when there is something; of these a fixed part."""
    found = [one for one in openings() if one.state == "full" and one.by]
    return [one for one in found if zlib.crc32(one.template.encode()) % PARTS == PART] if part else found


@pytest.mark.timeout(300)
def test_a_keyboard_comes_to_everything(browser: Any, full: Stood) -> None:
    with looking(browser, full) as look:
        count, found = faults_of(look, full_screens(part=True))
    assert found == []
    assert count >= REACHED_LEAST


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_keyboard_comes_to_everything_on_every_screen(browser: Any, full: Stood, size: tuple[int, int]) -> None:
    with looking(browser, full, Variant(size=size)) as look:
        _, found = faults_of(look, full_screens(part=False))
    assert found == []


def test_what_a_keyboard_does_not_come_to_is_seen(browser: Any, full: Stood) -> None:
    with looking(browser, full) as look:
        look.open(full.address("/account/factor"))
        look.page.evaluate(
            """() => {
              const one = document.querySelector('main a, main button');
              one.insertAdjacentHTML('afterend', '<button tabindex="-1">not reached</button>');
              const bar = document.querySelector('footer');
              bar.setAttribute('id', 'over');
              const sheet = [...document.styleSheets][0];
              sheet.insertRule('#over { position: fixed; inset: 60px 0 0 0; z-index: 9; background: red }');
              sheet.insertRule('main input:focus-visible { outline: none !important }', sheet.cssRules.length);
            }"""
        )
        _, found = traced(look)
    said = " ".join(found)
    assert "Tab does not come to <button tabindex" in said
    assert "something stands over the focus" in said
    assert "it is not seen where the focus is" in said
