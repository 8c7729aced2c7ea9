"""Laws of the TAXII room, each with a slow twin or a way back."""

import email.message
import string
from datetime import datetime
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.errors import InvalidRequest, UnsupportedMedia
from comity.interfaces import Query, microseconds
from comity.stix.timestamp import instant_key
from comity.taxii import media, resources
from comity.taxii.cursor import Cursors
from comity.taxii.filters import Endpoint, parse

CURSORS = Cursors(bytes(range(64)))
WORD = st.text(string.ascii_letters + string.digits + "!#$&'*+-.^_`|~", min_size=1, max_size=8)
VALUE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
SPACE = st.sampled_from(["", " ", "\t", "  "])


@st.composite
def written_types(draw: st.DrawFn) -> tuple[str, str, str, dict[str, str]]:
    """A media type in one of its many spellings, and what it means."""
    type_, subtype = draw(WORD), draw(WORD)
    parameters = draw(st.dictionaries(WORD.map(str.lower).filter(lambda w: w != "q"), VALUE, max_size=4))
    text = f"{type_}/{subtype}"
    for name, value in parameters.items():
        spelled = draw(st.sampled_from([name, name.upper()]))
        bare = value and all(c in string.ascii_letters + string.digits + "-._" for c in value)
        escaped = "".join(f"\\{c}" if c in '"\\' else c for c in value)
        shown = value if bare and draw(st.booleans()) else f'"{escaped}"'
        text += f"{draw(SPACE)};{draw(SPACE)}{spelled}={shown}"
    return text, type_.lower(), subtype.lower(), parameters


@pytest.mark.slow
@given(written_types())
def test_a_media_type_means_the_same_in_every_spelling(written: tuple[str, str, str, dict[str, str]]) -> None:
    text, type_, subtype, parameters = written
    found = media.parse_media_type(text)
    assert found is not None
    assert (found.type, found.subtype, found.parameters) == (type_, subtype, parameters)


@given(written_types())
def test_the_standard_librarys_reader_agrees_on_plain_parameters(written: tuple[str, str, str, dict[str, str]]) -> None:
    text, _, _, parameters = written
    if not all(v and v.isalnum() for v in parameters.values()) or not all(k.isalnum() for k in parameters):
        return
    message = email.message.Message()
    message["Content-Type"] = text
    found = media.parse_media_type(text)
    assert found is not None
    assert dict((message.get_params() or [])[1:]) == found.parameters


@pytest.mark.slow
@given(st.lists(written_types(), max_size=6), st.data())
def test_a_list_means_its_elements_whatever_commas_are_inside_quotes(
    items: list[tuple[str, str, str, dict[str, str]]], data: st.DataObject
) -> None:
    text = ",".join(f"{data.draw(SPACE)}{item[0]}{data.draw(SPACE)}" for item in items)
    found = [(r.type, r.subtype, r.parameters) for r in media.parse_accept(text)]
    assert found == [item[1:] for item in items]


@given(st.lists(st.sampled_from([
    "*/*", "application/*", "application/taxii+json", "application/taxii+json;version=2.1",
    "application/taxii+json;version=3.0", "text/html", "text/*",
]), unique=True, max_size=6), st.data())  # fmt: skip
def test_choosing_agrees_with_a_table_from_the_closest_to_the_widest(ranges: list[str], data: st.DataObject) -> None:
    weights = {each: data.draw(st.sampled_from(["0", "0.1", "0.5", "1"])) for each in ranges}
    accept = ", ".join(f"{each};q={weight}" for each, weight in weights.items())
    closeness = ["application/taxii+json;version=2.1", "application/taxii+json", "application/*", "*/*"]
    deciding = next((weights[each] for each in closeness if each in weights), "0" if ranges else "1")
    assert (media.choose(accept, (media.TAXII,)) is not None) == (float(deciding) > 0)


@given(st.text(max_size=300))
def test_no_header_makes_the_readers_fail_but_by_a_refusal(text: str) -> None:
    media.choose(text, (media.TAXII, media.HTML))
    media.choose_coding(text)
    media.names_taxii(text)
    for check in (media.check_content_type, media.content_coding):
        try:
            check(text)
        except UnsupportedMedia as error:
            assert error.where  # noqa: PT017


PARAMETERS = st.dictionaries(
    st.sampled_from(["match[id]", "match[type]", "match[x]", "y"]),
    st.lists(st.text(st.characters(codec="utf-8"), max_size=6), max_size=3),
    max_size=4,
)


def slowly(pairs: dict[str, list[str]], name: str) -> tuple[str, ...] | None:
    """The values of a field by the plainest reading; None where the field is malformed."""
    if name not in pairs:
        return ()
    values = ",".join(pairs[name]).split(",")
    if not all(value and value.isprintable() for value in values):
        return None
    seen: list[str] = []
    for value in values:
        if value not in seen:
            seen.append(value)
    return tuple(seen)


@given(PARAMETERS, st.booleans())
def test_match_fields_agree_with_their_slow_twin(pairs: dict[str, list[str]], everything: bool) -> None:
    safe = "" if everything else "[],"
    raw = "&".join(f"{quote(k, safe=safe)}={quote(','.join(v), safe=safe)}" for k, v in pairs.items()).encode()
    wanted = slowly(pairs, "match[id]"), slowly(pairs, "match[type]")
    try:
        query = parse(Endpoint.OBJECTS, raw, CURSORS, collection="c")
    except InvalidRequest as error:
        assert None in wanted
        assert error.where in ("match[id]", "match[type]")  # noqa: PT017
    else:
        assert (query.ids, query.types) == wanted


@given(st.binary(max_size=200))
def test_no_query_string_makes_the_reader_fail_but_by_a_refusal(raw: bytes) -> None:
    for endpoint in Endpoint:
        try:
            query = parse(endpoint, raw, CURSORS, collection="c", id="x--1")
        except InvalidRequest as error:
            assert error.where  # noqa: PT017
        else:
            assert 1 <= query.limit <= 1000


@given(st.datetimes(min_value=datetime(1, 1, 2)), st.integers(0, 9))
def test_added_after_cuts_between_the_same_dates_as_the_exact_instant(moment: datetime, digits: int) -> None:
    fraction = f"{moment.microsecond:06}777"[:digits]
    text = moment.strftime("%m-%dT%H:%M:%S")
    text = f"{moment.year:04}-{text}" + (f".{fraction}" if fraction else "") + "Z"
    us = parse(Endpoint.OBJECTS, f"added_after={text}".encode(), CURSORS, collection="c").added_after
    assert us is not None
    exact = instant_key(text)
    for near in (us - 1, us, us + 1):
        if near >= microseconds(datetime.fromisoformat("0001-01-01T00:00:00+00:00")):
            key = instant_key(resources.timestamp(near))
            assert key is not None
            assert exact is not None
            assert (near > us) == (key > exact)


QUERIES = st.builds(
    Query,
    collection=st.sampled_from(["a", "b"]),
    ids=st.lists(st.sampled_from("xyz"), max_size=3).map(tuple),
    types=st.lists(st.sampled_from("xyz"), max_size=2).map(tuple),
    versions=st.sampled_from([("last",), ("all",), ("first", "last"), ("last", "first")]),
    added_after=st.sampled_from([None, 0, 2**60]),
)


def meaning(query: Query) -> tuple[object, ...]:
    return query.collection, set(query.ids), set(query.types), set(query.versions), query.added_after


@given(QUERIES, QUERIES, st.integers(0, 2**63 - 1))
def test_a_cursor_opens_exactly_the_question_it_was_made_for(one: Query, other: Query, position: int) -> None:
    text = CURSORS.seal(one, position)
    assert unquote_to_bytes(text) == text.encode()
    if meaning(one) == meaning(other):
        assert CURSORS.open(other, text) == position
    else:
        with pytest.raises(InvalidRequest):
            CURSORS.open(other, text)


@given(QUERIES, st.integers(0, 31), st.sampled_from(string.ascii_letters + string.digits + "-_=%"))
def test_a_changed_cursor_opens_nothing(query: Query, place: int, character: str) -> None:
    text = CURSORS.seal(query, 12345)
    changed = text[:place] + character + text[place + 1 :]
    if changed != text:
        with pytest.raises(InvalidRequest):
            CURSORS.open(query, changed)
