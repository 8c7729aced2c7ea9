"""The query string: each parameter by its grammar, and each fault by its name."""

import pytest

from comity.errors import InvalidRequest
from comity.interfaces import Query
from comity.taxii.cursor import Cursors
from comity.taxii.filters import PARAMETERS_MAX, QUERY_BYTES_MAX, VALUE_CHARACTERS_MAX, VALUES_MAX, Endpoint, parse

CURSORS = Cursors(bytes(range(64)))
SECOND = 1_000_000
DAY_2020 = 1_577_836_800 * SECOND


def read(query_string: str | bytes, endpoint: Endpoint = Endpoint.OBJECTS, id: str | None = None) -> Query:
    raw = query_string if isinstance(query_string, bytes) else query_string.encode()
    return parse(endpoint, raw, CURSORS, collection="c", id=id)


def test_no_parameter_asks_for_the_last_versions_of_everything() -> None:
    assert read("") == Query(collection="c", versions=("last",), limit=1000)


def test_the_versions_of_an_object_are_all_of_them_by_default_and_so_are_those_to_delete() -> None:
    assert read("", Endpoint.VERSIONS, "x--1") == Query(collection="c", ids=("x--1",), versions=("all",))
    assert read("", Endpoint.DELETE, "x--1").versions == ("all",)
    assert read("", Endpoint.OBJECT, "x--1").versions == ("last",)


def test_values_are_split_at_commas_written_either_way_and_each_counts_once() -> None:
    wanted = ("a--1", "b--2")
    for text in (
        "match[id]=a--1,b--2",
        "match%5Bid%5D=a--1%2Cb--2",
        "match[id]=a--1,b--2,a--1",
        "match%5bid%5d=a--1%2cb--2",
    ):
        assert read(text).ids == wanted


def test_all_fields_are_read_together() -> None:
    matching = "match[type]=tool,malware&match[spec_version]=2.1&match[version]=first,last"
    query = read(matching + "&limit=5&added_after=2020-01-01T00:00:00Z")
    assert query == Query(
        collection="c",
        types=("tool", "malware"),
        spec_versions=("2.1",),
        versions=("first", "last"),
        limit=5,
        added_after=DAY_2020,
    )


def test_versions_are_compared_as_instants() -> None:
    assert read("match[version]=2020-01-01T00:00:00.500Z,2020-01-01T00:00:00.5Z").versions == ("2020-01-01T00:00:00.5",)


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("2020-01-01T00:00:00Z", DAY_2020),
        ("2020-01-01T00:00:00.1Z", DAY_2020 + 100_000),
        ("2020-01-01T00:00:00.000001Z", DAY_2020 + 1),
        ("2020-01-01T00:00:00.0000019Z", DAY_2020 + 1),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2020-01-01T00%3A00%3A00Z", DAY_2020),
    ],
)
def test_added_after_is_read_to_the_microsecond(text: str, us: int) -> None:
    assert read(f"added_after={text}").added_after == us


@pytest.mark.parametrize(("text", "limit"), [("1", 1), ("007", 7), ("1000", 1000), ("1001", 1000), ("9" * 5000, 1000)])
def test_a_limit_is_lowered_to_what_a_page_holds(text: str, limit: int) -> None:
    assert read(f"limit={text}").limit == limit


def test_the_limit_of_a_page_is_the_operators() -> None:
    assert parse(Endpoint.OBJECTS, b"", CURSORS, collection="c", page_items_max=10).limit == 10
    assert parse(Endpoint.OBJECTS, b"limit=11", CURSORS, collection="c", page_items_max=10).limit == 10


@pytest.mark.parametrize(
    "query_string",
    [
        "foo=bar",
        "foo=%ff&foo=1",
        "match[nonsense]=%zz",
        "match[nonsense]=1&match[nonsense]=2",
        "&&&",
        "=",
        "Limit=0",
        "next=",
    ],
)
def test_what_is_not_a_parameter_here_is_ignored(query_string: str) -> None:
    assert read(query_string) == read("")


def test_parameters_of_other_endpoints_are_ignored() -> None:
    assert read("match[id]=&match[type]=", Endpoint.OBJECT, "x--1") == read("", Endpoint.OBJECT, "x--1")
    assert read("match[version]=nonsense", Endpoint.VERSIONS, "x--1") == read("", Endpoint.VERSIONS, "x--1")
    assert read("limit=0&added_after=x&next=x", Endpoint.DELETE, "x--1") == read("", Endpoint.DELETE, "x--1")


@pytest.mark.parametrize(
    ("where", "value"),
    [
        *(
            ("limit", v)
            for v in ("", "0", "000", "-1", "+1", "%2B1", "1.5", "abc", "1e3", "0x10", " 1", "1,2", "٣", "1%00")
        ),
        *(("added_after", v) for v in ("", "x", "2020-01-01", "2020-01-01T00:00:00", "2020-01-01T00:00:00%2B00:00")),
        *(("added_after", v) for v in ("2020-13-01T00:00:00Z", "2020-02-30T00:00:00Z", "2020-01-01t00:00:00z")),
        *(
            ("added_after", v)
            for v in ("0000-01-01T00:00:00Z", f"2020-01-01T00:00:00.{'1' * 50}Z", "2020-01-01T24:00:00Z")
        ),
        *(("next", v) for v in ("x", "1", "A" * 32, "A" * 5000, "%00", "=", "../..")),
        *(
            ("match[version]", v)
            for v in ("", "x", "2020", "all,last", "all,all,first", "LAST", "last,", ",", "last,,first")
        ),
        *(("match[spec_version]", v) for v in ("", "2", "x", "2.1,", "2.1.0", "v2.1", "2.99999")),
        *(("match[id]", v) for v in ("", ",", "a,,b", "a%00", "a%0Ab", "%E2%80%AE", "a" * (VALUE_CHARACTERS_MAX + 1))),
        *(("match[type]", v) for v in ("", "tool,", "%7F")),
        *(("match[id]", v) for v in ("%zz", "%", "%4", "%FF", "%C0%80", "%ED%A0%80")),
    ],
)
def test_a_malformed_parameter_is_refused_by_its_name_and_section(where: str, value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(f"{where}={value}")
    assert caught.value.where == where
    assert caught.value.rule.startswith("TAXII 2.1 section 3.")
    assert len(caught.value.message) < 400
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "name", ["limit", "added_after", "next", "match[id]", "match[type]", "match[version]", "match[spec_version]"]
)
def test_a_parameter_given_twice_is_refused_even_with_one_value(name: str) -> None:
    value = {
        "limit": "1",
        "added_after": "2020-01-01T00:00:00Z",
        "next": "",
        "match[version]": "all",
        "match[spec_version]": "2.1",
    }
    part = f"{name}={value.get(name, 'a')}"
    with pytest.raises(InvalidRequest) as caught:
        read(f"{part}&{part.replace('[', '%5B')}")
    assert caught.value.where == name


def test_more_than_is_taken_is_refused() -> None:
    read("match[id]=" + ",".join(f"a--{i}" for i in range(VALUES_MAX)))
    with pytest.raises(InvalidRequest, match="more than 1000 values"):
        read("match[id]=" + ",".join(f"a--{i}" for i in range(VALUES_MAX + 1)))
    with pytest.raises(InvalidRequest, match="parameters"):
        read("&" * PARAMETERS_MAX)
    with pytest.raises(InvalidRequest, match="bytes"):
        read("x" * (QUERY_BYTES_MAX + 1))


def test_a_broken_name_is_refused() -> None:
    for raw in (b"%zz=1", b"%FF=1", b"\xff=1"):
        with pytest.raises(InvalidRequest) as caught:
            read(raw)
        assert caught.value.where == "query"
