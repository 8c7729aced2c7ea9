"""Reading a collection of another server to its end, page after page, and from there the next time.

Within a passage the standard's way is `next`. With servers that say `more` without one it goes on by `added_after`,
from just before the newest date that they told: dates that several objects share may lie across the border of two
pages, and what is read twice is known again. A passage that was broken off is taken up by date too, since there are
servers that forget what `next` stood for, or have moved on by themselves when it is asked for again. So nothing is
lost, and no server, however broken, is read for ever.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from comity.errors import InvalidAnswer, NotFound, PeerRefused
from comity.taxii.answers import Page
from comity.taxii.client import TaxiiClient
from comity.taxii.resources import timestamp

PAGE_OBJECTS = 1000
PAGE_OBJECTS_MOST = 64_000
EMPTY_PAGES_MAX = 20
REMARKS_MAX = 20


@dataclass(frozen=True, slots=True)
class Position:
    """From where on a collection is to be read: what was added after that (microseconds since 1970; None: from the
    start), at `next` where that is not None. `newest` is the newest date that this passage has told so far, `rising`
    says that dates came in order, `found` that something came that was new."""

    added_after: int | None = None
    next: str | None = None
    newest: int | None = None
    rising: bool = True
    found: bool = False

    @classmethod
    def of_json(cls, value: dict[str, Any]) -> "Position":
        """What `to_json` gave."""
        return cls(**value)

    def to_json(self) -> dict[str, Any]:
        """The position as it is kept."""
        return asdict(self)

    def taken_up(self) -> "Position":
        """From where a passage goes on that was broken off here: by date where that leads on, else by `next`."""
        if self.newest is None or not self.rising or self.newest - 1 <= (self.added_after or 0):
            return self
        return replace(self, added_after=self.newest - 1, next=None)


START = Position()


@dataclass(frozen=True, slots=True)
class Read:
    """A page that was read: its objects without those of the page before, and whether it is the last for now."""

    objects: list[bytes]
    over: bool


class Reader:
    """One passage over a collection. `stored` is to be called for each page before the next one is asked for."""

    def __init__(
        self,
        client: TaxiiClient,
        collection: str,
        position: Position = START,
        *,
        matching: Mapping[str, str] | None = None,
    ) -> None:
        self._client = client
        self._collection = collection
        self._matching = dict(matching or {})
        self._limit = PAGE_OBJECTS
        self._asked = False
        self._over = False
        self._seen: set[bytes] = set()
        self._last: frozenset[bytes] = frozenset()
        self._empty = 0
        self.position = position.taken_up()
        self.remarks: dict[str, None] = {}

    def pages(self) -> Iterator[Read]:
        """Page after page, to the end. InvalidAnswer where a server leads in circles, after all it had was given."""
        while True:
            page = self._ask()
            digests = [hashlib.sha256(one).digest() for one in page.objects]
            objects = [one for one, digest in zip(page.objects, digests, strict=True) if digest not in self._last]
            self._last = frozenset(digests)
            problem = self._go_on(page, self._is_new(b"".join(digests)) or not digests)
            yield Read(objects, self._over and not problem)
            if problem:
                rule = "TAXII 2.1 section 3.5"
                raise InvalidAnswer(f"The server says that there is more, and {problem}.", where="next", rule=rule)
            if self._over:
                return

    def stored(self, new: bool) -> Position:
        """From where to go on, now that the page is stored; `new` says that it brought something."""
        self.position = replace(self.position, found=self.position.found or new)
        if self._over:
            self.position = self._ended(self.position)
        return self.position

    def _ask(self) -> Page:
        first, self._asked = not self._asked, True
        try:
            page = self._client.page(self._collection, self._parameters())
        except (NotFound, PeerRefused, InvalidAnswer):
            if self.position.next is None or not first:
                raise
            # A `next` of an earlier run may have died with the session that gave it.
            self._remark("next of an earlier run is no longer taken; reading went on by added_after")
            self.position = replace(self.position, next=None)
            page = self._client.page(self._collection, self._parameters())
        for remark in page.remarks:
            self._remark(remark)
        return page

    def _parameters(self) -> dict[str, str]:
        found = {"limit": str(self._limit), **self._matching}
        if self.position.added_after is not None:
            found["added_after"] = timestamp(self.position.added_after)
        if self.position.next is not None:
            found["next"] = self.position.next
        return found

    def _remark(self, words: str) -> None:
        if len(self.remarks) < REMARKS_MAX:
            self.remarks[words] = None

    def _is_new(self, what: bytes) -> bool:
        """Whether this passage has not met it before."""
        digest = hashlib.sha256(what).digest()
        known = digest in self._seen
        self._seen.add(digest)
        return not known

    # -- where to go on -----------------------------------------------------------------------------------------------
    def _go_on(self, page: Page, new: bool) -> str:
        """The position is that of the next page, or `over` is set; what keeps from going on, where something does."""
        here = self.position
        told = [at for at in (here.newest, page.first_added, page.last_added) if at is not None]
        back = here.next is not None and page.first_added is not None and page.first_added < (here.newest or 0)
        self.position = replace(here, newest=max(told, default=None), rising=here.rising and not back)
        self._empty = 0 if page.objects else self._empty + 1
        if not page.more:
            self._over = True
        elif not page.objects and (page.next is None or self._empty > EMPTY_PAGES_MAX):
            self._remark("more is said of pages without objects, beyond the last one")
            self.position = self.position.taken_up()
            self._over = self.position.next is not None or self.position.added_after == here.added_after
            self._empty = 0
        elif page.next is not None and new:
            self.position = replace(self.position, next=page.next)
        else:
            self._remark(
                "next leads to where it was before" if page.next else "more is said without next (section 3.5)"
            )
            return self._go_on_by_date(page)
        return ""

    def _go_on_by_date(self, page: Page) -> str:
        """On from just before the newest date; where that is where this page came from, with a larger page."""
        here = self.position
        if here.newest is None:
            self._over = True
            return "gives neither a next page nor a date to go on from"
        before = here.newest - 1
        if here.next is None and here.added_after is not None and before <= here.added_after:
            if self._limit < PAGE_OBJECTS_MOST and len(page.objects) >= self._limit:
                self._limit *= 4
                return ""
            before = here.newest
            if before <= here.added_after:
                self._over = True
                return "gives the same page again and again"
            self._remark("more objects share one date than a page holds; some of them may not have been read")
        self.position = replace(here, added_after=before, next=None)
        return ""

    @staticmethod
    def _ended(here: Position) -> Position:
        """Where the next passage begins: just before the newest date, since more may come to have it; at it, once a
        passage over that date alone has brought nothing new."""
        if here.newest is None:
            return Position(here.added_after)
        settled = here.added_after is not None and here.newest - 1 <= here.added_after and not here.found
        after = here.newest if settled else here.newest - 1
        return Position(after if here.added_after is None else max(after, here.added_after))
