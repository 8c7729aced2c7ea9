"""Which addresses may be called: each form of reaching inside by a name from outside is a case."""

from ipaddress import ip_address

import pytest

from comity.errors import AddressRefused, Invalid
from comity.node.addresses import networks_of, permitted, place_of, why_not
from comity.node.fetch import own_addresses, system_resolver

INSIDE = {
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],  # noqa: S104
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12::1", "fec0::1"],
    "link-local": ["169.254.169.254", "fe80::1", "fe80::1%eth0"],
    "carrier's NAT": ["100.64.0.1", "100.127.255.255"],
    "multicast": ["224.0.0.1", "239.1.1.1", "ff02::1", "ff0e::1"],
    "broadcast or reserved": ["255.255.255.255", "240.0.0.1"],
    "IPv4 address in an IPv6": ["::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8", "::127.0.0.1", "::8.8.8.8"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1"],
    "tunnel": ["2002:7f00:1::", "2001:0:1::1"],
    "no public": ["192.0.2.1", "198.18.0.1", "203.0.113.5", "2001:db8::1"],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in INSIDE.items() for text in texts])
def test_an_address_inside_is_refused_by_its_kind_and_taken_where_it_is_listed(kind: str, text: str) -> None:
    with pytest.raises(AddressRefused, match=kind) as refused:
        permitted("name.example", [text], (), ())
    assert "--allow-address" in refused.value.hint
    plain = text.split("%")[0]
    assert permitted("name.example", [text], networks_of([plain]), ()) == [ip_address(plain)]


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1"])
def test_a_public_address_is_called_unless_it_is_this_hosts_own(text: str) -> None:
    assert why_not(ip_address(text)) == ""
    assert permitted("name.example", [text], (), ()) == [ip_address(text)]
    with pytest.raises(AddressRefused, match="of this host"):
        permitted("name.example", [text], (), [ip_address(text)])
    assert permitted("name.example", [text], networks_of([text]), [ip_address(text)])


def test_a_name_that_points_inside_as_well_as_outside_is_not_believed() -> None:
    with pytest.raises(AddressRefused):
        permitted("name.example", ["8.8.8.8", "127.0.0.1"], (), ())


def test_a_list_for_one_family_allows_nothing_of_the_other() -> None:
    with pytest.raises(AddressRefused):
        permitted("name.example", ["::ffff:10.0.0.1"], networks_of(["10.0.0.0/8"]), ())
    with pytest.raises(AddressRefused):
        permitted("name.example", ["::1"], networks_of(["127.0.0.0/8"]), ())


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost"])
def test_other_spellings_of_loopback_are_loopback(host: str) -> None:
    with pytest.raises(AddressRefused, match="loopback"):
        permitted(host, system_resolver(host, 80), (), ())


def test_the_hosts_own_addresses_are_told_from_others() -> None:
    assert [str(address) for address in own_addresses(["127.0.0.1", "8.8.8.8", "2606:4700::1111"])] == ["127.0.0.1"]


@pytest.mark.parametrize("text", ["10.0.0.1/8", "x", "", "1.2.3.4/33", "::/200"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        networks_of([text])


def test_only_so_many_networks_are_listed() -> None:
    with pytest.raises(Invalid):
        networks_of(["10.0.0.0/8"] * 101)


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://Example.ORG", "https://example.org/"),
        ("HTTPS://example.org:443/taxii2/?a=b#f", "https://example.org/taxii2/?a=b"),
        ("http://[::1]:8470/x", "http://[::1]:8470/x"),
        ("https://example.org:8443", "https://example.org:8443/"),
        ("http://example.org:443/", "http://example.org:443/"),
    ],
)
def test_a_url_has_one_way_of_being_written(url: str, written: str) -> None:
    assert place_of(url).url == written


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "https://",
        "https:///x",
        "https://user@example.org/",
        "https://user:secret@example.org/",
        "https://example.org@127.0.0.1/",
        "https://example.org:0/",
        "https://example.org:65536/",
        "https://example.org:x/",
        "https://exa mple.org/",
        "https://example.org/a b",
        "https://example.org/\r\nX: y",
        "https://example.org\\@127.0.0.1/",
        "https://exämple.org/",
        "https://127.0.0.1%00.example.org/",
        "https://[::1/",
        "https://[fe80::1%25eth0]/",
        "https://" + "a" * 5000,
    ],
)
def test_what_is_no_plain_url_is_refused_and_no_secret_in_it_is_repeated(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        place_of(url)
    assert "secret" not in refused.value.message
