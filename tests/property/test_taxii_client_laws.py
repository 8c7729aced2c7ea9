"""Laws of the TAXII client: whatever another server answers, it is read or refused in our words, and read to an end."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.errors import ComityError
from comity.interfaces import Fetched
from comity.taxii.client import TaxiiClient
from comity.taxii.reader import Position, Reader

URL = "https://feed.example/taxii2/root/collections/c/"
ASKS_MAX = 200

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(allow_nan=False), st.text(max_size=20)
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
)
stamps = st.one_of(
    st.integers(1, 40).map(lambda at: f"2026-01-01T00:00:00.{at:06}Z"),
    st.sampled_from(["2026-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "", "x", "\x00"]),
    st.text(max_size=20),
)
objects = st.lists(st.one_of(st.integers(0, 30).map(lambda number: {"id": number}), scalars), max_size=4)
pages = st.fixed_dictionaries(
    {},
    optional={
        "objects": st.one_of(objects, values),
        "more": st.one_of(st.booleans(), values),
        "next": st.one_of(st.sampled_from(["a", "b", "c", ""]), values),
    },
).map(lambda value: json.dumps(value).encode())
resources = st.fixed_dictionaries(
    {},
    optional={
        "title": values,
        "default": st.one_of(st.sampled_from(["/root/", "//[", "http://[::1", "https://x/"]), values),
        "api_roots": st.one_of(
            st.lists(st.one_of(st.sampled_from(["/root/", "//[", "\ud800"]), values), max_size=3), values
        ),
        "versions": values,
        "max_content_length": values,
        "collections": st.one_of(
            st.lists(
                st.fixed_dictionaries({}, optional={"id": values, "title": values, "can_read": values}), max_size=3
            ),
            values,
        ),
        "id": values,
    },
).map(lambda value: json.dumps(value).encode())
bodies = st.one_of(st.binary(max_size=40), values.map(lambda value: json.dumps(value).encode()))
headers = st.dictionaries(
    st.sampled_from(["content-type", "x-taxii-date-added-first", "x-taxii-date-added-last", "retry-after", "date"]),
    st.one_of(stamps, st.text(max_size=20), st.sampled_from(["application/taxii+json;version=2.1", "5", "-1"])),
)
statuses = st.sampled_from([200, 200, 200, 200, 204, 206, 400, 401, 403, 404, 406, 413, 429, 500, 503, 999])


class Told:
    """A Fetcher that answers what it is told, and the last answer over and over."""

    def __init__(self, answers: list[tuple[int, Mapping[str, str], bytes]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def fetch(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"", bytes_max: int
    ) -> Fetched:
        """The next of them."""
        assert url.isascii()
        assert url.isprintable()
        status, given, content = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(url)
        assert len(self.asked) < ASKS_MAX, "it is asked for ever"
        return Fetched(url, status, given, content)


answers = st.lists(st.tuples(statuses, headers, st.one_of(pages, pages, bodies)), min_size=1, max_size=8)
positions = st.builds(
    Position,
    added_after=st.one_of(st.none(), st.integers(1, 2 * 10**15)),
    next=st.one_of(st.none(), st.text(max_size=5)),
    newest=st.one_of(st.none(), st.integers(1, 2 * 10**15)),
    rising=st.booleans(),
    found=st.booleans(),
)


@pytest.mark.slow
@given(answers, positions)
def test_any_server_is_read_to_an_end_or_refused_in_our_words(
    answers: list[tuple[int, Mapping[str, str], bytes]], position: Position
) -> None:
    fetcher = Told(answers)
    reader = Reader(TaxiiClient(fetcher, URL), URL, position)
    try:
        for page in reader.pages():
            assert all(isinstance(one, bytes) for one in page.objects)
            kept = reader.stored(bool(page.objects))
            assert Position.of_json(json.loads(json.dumps(kept.to_json()))) == kept
            if position.added_after is not None:
                assert kept.added_after is not None
                assert kept.added_after >= position.added_after, "nothing is asked for twice for ever"
    except ComityError as error:
        said = error.message
    else:
        said = ""
    assert said.isprintable()
    assert len(reader.remarks) <= 20


ASKING: dict[str, Callable[[TaxiiClient], Any]] = {
    "discover": lambda client: client.discover(),
    "root": lambda client: client.root("https://feed.example/root/"),
    "collections": lambda client: client.collections(),
    "collection": lambda client: client.collection("x"),
    "status": lambda client: client.status("https://feed.example/root/", "a/../b?c"),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", ASKING)
@given(
    answers=st.lists(st.tuples(statuses, headers, st.one_of(resources, resources, bodies)), min_size=1, max_size=4),
    url=st.sampled_from(["https://feed.example", "https://feed.example/taxii2/", URL]),
)
def test_any_resource_is_read_or_refused_in_our_words(
    what: str, answers: list[tuple[int, Mapping[str, str], bytes]], url: str
) -> None:
    try:
        found = ASKING[what](TaxiiClient(Told(answers), url))
    except ComityError as error:
        found = error
    for one in found if isinstance(found, list) else [found]:
        assert getattr(one, "title", getattr(one, "message", "")).isprintable()
