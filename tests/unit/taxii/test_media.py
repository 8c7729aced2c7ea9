"""Media types and codings are parsed as RFC 9110 has them."""

import pytest

from comity.errors import InvalidRequest, UnsupportedMedia
from comity.taxii.media import (
    ELEMENTS_MAX,
    HEADER_CHARACTERS_MAX,
    HTML,
    PROBLEM,
    TAXII,
    MediaType,
    check_content_type,
    choose,
    choose_coding,
    content_coding,
    names_taxii,
    parse_accept,
    parse_media_type,
)


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        " , ",
        "*/*",
        "application/*",
        "application/taxii+json",
        "application/taxii+json;version=2.1",
        "application/taxii+json; version=2.1",
        "application/taxii+json ; version=2.1",
        'application/taxii+json;version="2.1"',
        'application/taxii+json;version="2\\.1"',
        "Application/TAXII+JSON;Version=2.1",
        "application/taxii+json;version=2.1;charset=utf-8",
        "application/taxii+json;;version=2.1;",
        "application/taxii+json;q=0.001",
        "text/html, application/taxii+json;version=2.1",
        "application/taxii+json;version=3.0, application/taxii+json;version=2.1",
        "application/taxii+json;version=2.1,application/stix+json;version=2.1",
        'text/plain;x="a,b;c\\"d", application/taxii+json',
        "nonsense, application/taxii+json",
        "application/taxii+json;version=2.1;q=2, */*;q=0.1",
        "\tapplication/taxii+json\t",
    ],
)
def test_what_admits_taxii_2_1_is_answered_with_it(accept: str | None) -> None:
    assert choose(accept, (TAXII,)) is TAXII


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "text/html",
        "text/*",
        "*/json",
        "application/taxii",
        "application/taxii+json;version=1.0",
        "application/taxii+json;version=9.9",
        "application/taxii+json;version=2.1;q=0",
        "application/taxii+json;version=2.1;q=0, */*",
        "application/taxii+json;q=0, application/*",
        "*/*;q=0.000",
        "application/vnd.oasis.taxii+json; version=2.0",
        "application/taxii+json;q=nonsense",
        "application/taxii+json;q=-1",
        "application/taxii+json;version=2.1;version=2.1",
        "application / taxii+json",
        '"application/taxii+json"',
        'text/html;x="never closed, application/taxii+json',
    ],
)
def test_what_does_not_admit_taxii_2_1_is_not(accept: str) -> None:
    assert choose(accept, (TAXII,)) is None


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
        ("*/*", PROBLEM),
        (None, PROBLEM),
        ("application/problem+json;q=0.4, text/html;q=0.5", HTML),
        ("application/problem+json, text/html", PROBLEM),
        ("text/*;q=0.3, text/html;q=0.9, application/*;q=0.5", HTML),
    ],
)
def test_the_offer_with_the_greatest_weight_is_taken_and_the_first_of_equals(
    accept: str | None, wanted: MediaType
) -> None:
    assert choose(accept, (PROBLEM, HTML)) is wanted


def test_a_header_out_of_bounds_is_refused_by_name() -> None:
    for long in ("a" * (HEADER_CHARACTERS_MAX + 1), "a/b," * (ELEMENTS_MAX + 1)):
        with pytest.raises(InvalidRequest) as caught:
            parse_accept(long)
        assert caught.value.where == "Accept"
    with pytest.raises(InvalidRequest):
        check_content_type("a" * (HEADER_CHARACTERS_MAX + 1))


@pytest.mark.parametrize("text", [" " * 8000 + '"', '"a"' * 2600 + '"', ";" * 8000, "a/b" + ";a=b" * 2000, "," * 8000])
@pytest.mark.timeout(2)
def test_no_header_takes_long_to_read(text: str) -> None:
    choose(text, (TAXII,))
    parse_media_type(text)


def test_only_a_name_asks_for_taxii_and_a_wildcard_does_not() -> None:
    assert names_taxii("text/html, application/taxii+json;q=0.1")
    assert not names_taxii("*/*")
    assert not names_taxii("application/*")
    assert not names_taxii("application/taxii+json;q=0")
    assert not names_taxii("application/taxii+json;version=2.0")
    assert not names_taxii(None)
    assert not names_taxii("application/taxii+json," * (ELEMENTS_MAX + 1))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/taxii+json",
        "application/taxii+json;version=2.1",
        ' Application/Taxii+Json ; Version="2.1" ',
        "application/taxii+json;version=2.1;charset=UTF-8",
        'application/taxii+json;charset="utf-8"',
    ],
)
def test_a_body_of_taxii_2_1_is_read(content_type: str) -> None:
    check_content_type(content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/json",
        "application/*",
        "*/*",
        "application/taxii+json;version=2.0",
        "application/taxii+json;charset=utf-16",
        "application/taxii+json, application/taxii+json",
        "multipart/form-data; boundary=x",
    ],
)
def test_any_other_body_is_unsupported(content_type: str | None) -> None:
    with pytest.raises(UnsupportedMedia) as caught:
        check_content_type(content_type)
    assert caught.value.where == "Content-Type"


@pytest.mark.parametrize(
    ("accept_encoding", "wanted"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("*", None),
        ("br", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0.5, identity", None),
        ("gzip, deflate", "gzip"),
        ("gzip, zstd", "zstd"),
        ("gzip, zstd;q=0.5", "gzip"),
        ("gzip;q=broken, zstd", "zstd"),
        ("(, gzip", "gzip"),
        ("gzip;q=0.2, identity;q=0.1", "gzip"),
    ],
)
def test_a_coding_is_used_only_where_the_client_names_it(accept_encoding: str | None, wanted: str | None) -> None:
    assert choose_coding(accept_encoding) == wanted


@pytest.mark.parametrize(
    ("content_encoding", "wanted"),
    [(None, None), ("", None), ("identity", None), ("gzip", "gzip"), ("X-GZip", "gzip"), ("identity, zstd", "zstd")],
)
def test_a_body_in_one_known_coding_is_read(content_encoding: str | None, wanted: str | None) -> None:
    assert content_coding(content_encoding) == wanted


@pytest.mark.parametrize("content_encoding", ["br", "deflate", "gzip, gzip", "zstd, gzip", "gzip;q=1"])
def test_a_body_in_any_other_coding_is_unsupported(content_encoding: str) -> None:
    with pytest.raises(UnsupportedMedia):
        content_coding(content_encoding)
