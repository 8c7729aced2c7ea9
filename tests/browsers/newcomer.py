"""Walks the five tasks on a demo and takes a picture of each page, for somebody who has never seen them.

    comity demo                                   in one terminal; it prints a link
    python -m tests.browsers.newcomer LINK FOLDER in another: FOLDER has the pictures, in their order

Give the pictures, one after the other, and the list of tasks to somebody who does not know Comity, and ask at each:
where do you press? Whatever they answer otherwise than the page wants is a wrong turn; `newcomer.md` has those that
were found.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.chromium import WIDE, chromium

FIND, TAKE_BACK, PARTNER = "payroll", "getah", "health-isac"


class Walk:
    """A page, and the pictures that were taken of it."""

    def __init__(self, page: Any, folder: Path) -> None:
        self.page, self.folder, self.count = page, folder, 0

    def picture(self, name: str) -> None:
        """What is seen now is kept."""
        self.count += 1
        self.page.screenshot(path=str(self.folder / f"{self.count:02}-{name}.png"))

    def press(self, text: str, role: str = "button") -> None:
        """The first one of that name was pressed, and the next page is there."""
        with self.page.expect_navigation():
            self.page.get_by_role(role, name=text, exact=True).first.click()


@contextmanager
def walking(link: str, folder: Path, theme: str = "light") -> Iterator[Walk]:
    """Somebody is signed in by the link, and at the overview."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        page = browser.new_page(viewport={"width": WIDE[0], "height": WIDE[1]}, color_scheme=theme)
        walk = Walk(page, folder)
        page.goto(link)
        walk.picture("link")
        walk.press("Sign in")
        walk.picture("overview")
        yield walk


def tasks(walk: Walk) -> None:
    """The tasks are done, with a picture of each page on the way."""
    page = walk.page
    page.locator("#find").fill(FIND)
    walk.press("Search")
    walk.picture("found")
    walk.press("Mail bait for hospital payrolls", "link")
    walk.picture("object")
    page.goto(page.url.partition("/objects")[0] + "/")
    walk.press("Preview and publish", "link")
    walk.picture("preview-empty")
    page.get_by_label("For whom").select_option(label=PARTNER)
    walk.press("Show what they would get")
    walk.picture("preview")
    walk.press("Publish from this set…", "link")
    walk.picture("publish")
    walk.press("Publish, held first")
    walk.picture("published")
    page.locator("#find").fill(TAKE_BACK)
    walk.press("Search")
    walk.press(TAKE_BACK.upper(), "link")
    walk.picture("to-take-back")
    walk.press("Recall…", "link")
    walk.picture("recall")
    page.get_by_label("Reason on record").select_option(index=1)
    walk.press("Show who has it")
    walk.picture("recall-trial")
    walk.press("Take it back now")
    walk.picture("recalled")
    walk.press("Ledger", "link")
    walk.picture("ledger")
    walk.press("Verify now")
    walk.picture("verified")
    walk.press("Overview", "link")
    walk.picture("done")


if __name__ == "__main__":
    with walking(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:4]) as made:
        tasks(made)
