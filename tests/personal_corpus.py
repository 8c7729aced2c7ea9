"""Texts labelled by hand with the personal data in them: of published data, and made ones.

In a made text each item stands as «item|what». Numbers are made up; those with check digits hold by the rules of their
issuers, and beside each stands one whose check digit is wrong.
"""

import re

PUBLISHED: dict[str, tuple[str, ...]] = {
    "enterprise-attack-18.1.json.zst": (
        "DangerDev@protonmail.me", "rocke@live.cn", "shinycorp@tuta[.]com", "shinygroup@tuta[.]com", "admin@domain.com",
    ),
    "ics-attack-18.1.json.zst": (),
    "capec-stix-2.1.json.zst": (
        "someone@example.com", "badguy@example.com", "jsmith@anonymous.net", "kj@fierymonkey.org", "jsmith@email.com",
        "555-555-6103", "555-555-3849",
    ),
    "misp/existing_event.json": ("alexandre.dulaunoy@circl.lu",),
    "misp/shadow.json": ("raphael.vinot@circl.lu",),
    "misp/galaxy_1.json": (),
    "misp/long_event.json": ("bill_clay6801@yahoo.com", "hkhumanrights.asia@gmail.com", "cwilson@arbor.net"),
    "misp/misp-stix_test_objects_collection_1.json": (
        "1234567890@foo.bar", "donald.duck@disney.com", "jdoe@random.org",
    ),
    "misp/git-vuln-finder-quagga.json": (
        "ajschorr@alumni.princeton.edu", "brian.bennett@joyent.com", "cert@cert.org", "cisystem@netdef.org",
        "ddutt@cumulusnetworks.com", "dwiggins@bbn.com", "equinox@diac24.net", "equinox@opensourcerouting.org",
        "fenlason@redhat.com", "fweimer@redhat.com", "gdt@ir.bbn.com", "info@codenomicon.com", "infrastation@yandex.ru",
        "jafar@atcorp.com", "kostyak@google.com", "lberger@labn.net", "lu.feng@6wind.com", "nick@inex.ie",
        "paul.jakma@hpe.com", "paul.jakma@sun.com", "paul@jakma.org", "paul@quagga.net", "pmohapat@cumulusnetworks.com",
        "rgacogne-github@coredump.fr", "rha@open.ch", "ricky.charlet@hp.com", "security@musecurity.com",
        "sharpd@cumulusnetworks.com", "shemminger@vyatta.com", "sowmini.varadhan@sun.com", "timo.teras@iki.fi",
        "tries@gmx.net", "troglobit@gmail.com",
    ),
}  # fmt: skip
"""Every different item of the published texts of each file."""

MADE = """
write to «jane.doe@example.org|e-mail», or to «j+tag@sub.example.co.uk|e-mail».
defanged: «jane[@]example[.]org|e-mail», «jane[at]example[dot]org|e-mail», «jane @ nothing
<«o'brien@example.ie|e-mail»> and («müller@example.de|e-mail»)
mailto:«a.b.c.d.e.f.g.h.i.j.k@example.com|e-mail»
@handle and user@localhost and cfile5.uf@99A0CD.pdf and git@
ssh root@10.0.0.1 -p 22, npm install @scope/package@1.2.3
call «+372 5123 4567|phone» or «+1 (555) 123-4567|phone» or «+4930123456|phone»
«+44 20 7946 0958|phone», «0044 20 7946 0958|phone», «020 7946 0958|phone» «(555) 123-4567|phone»
tel: «5551234567|phone», fax «030-1234567|phone», phone «06 12 34 56 78|phone»
«555-123-4567|phone» and «555.123.4567|phone»
version 10.0.19041.1288, CVE-2021-44228, KB5005565, port 443-445-8080
2021-01-02 03:04:05 and 02/03/2021 10:11, 01 00 00 00 00 00 00 FF
198.51.100.7 and 2001:db8::1 and 00:11:22:33:44:55, AS15169
d41d8cd98f00b204e9800998ecf8427e e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
paid with «4111 1111 1111 1111|card» and «5555-5555-5555-4444|card», «378282246310005|card»
not cards: 4111 1111 1111 1112, 5555-5555-5555-4445, 1234567890123456, 0000000000000000
«6011111111111117|card» «3530111333300000|card» «30569309025904|card»
to «GB82 WEST 1234 5698 7654 32|iban» and «DE89370400440532013000|iban», «FR1420041010050500013M02606|iban»
not: GB82 WEST 1234 5698 7654 33, DE89370400440532013001, XX89370400440532013000
«EE382200221020145685|iban» «NO9386011117947|iban»
isikukood «37605030299|national-id», not 37605030298
DNI «12345678Z|national-id», not 12345678A; NIE «X1234567L|national-id»
NIR «1 84 12 76 451 089 46|national-id», not 1 84 12 76 451 089 47
codice fiscale «RSSMRA85T10A562S|national-id», not RSSMRA85T10A562T
hetu «131052-308T|national-id», not 131052-308U
PESEL «44051401359|national-id», not 44051401358
CPF «111.444.777-35|national-id», not 111.444.777-36
CNP «1800101221144|national-id», not 1800101221145
personnummer «811228-9874|national-id», not 811228-9875
rijksregisternummer «85.07.30-033.28|national-id», not 85.07.30-033.29
居民身份证 «11010519491231002X|national-id», not 110105194912310021
fødselsnummer «15108695088|national-id», not 15108695089
The group uses T1059.001 and TA0005; see https://example.org/a/b?id=12345678901.
Offsets 0x00401000-0x00402000, size 1234567 bytes, 12,345,678 rows, 1.10e-5
Ticket INC0012345678, order 2021-1234-5678, GUID 6b1ff0ae-0a7c-4bd4-ae4d-0123456789ab
"""

ITEM = re.compile(r"«([^|«\n]+)\|([a-z-]+)»")


def made() -> list[tuple[str, list[tuple[str, str]]]]:
    """The made texts without labels, and what each holds."""
    rows = [line for line in MADE.splitlines() if line]
    return [
        (ITEM.sub(lambda m: m[1], row).replace("«", ""), [(m[2], m[1]) for m in ITEM.finditer(row)]) for row in rows
    ]
