"""Texts full of what is, nearly is and is not personal data, for the search and its slow twin to be compared on."""

from random import Random

WHOLE = (
    "4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005", "6011111111111117", "1234567890123456",
    "GB82 WEST 1234 5698 7654 32", "DE89370400440532013000", "FR1420041010050500013M02606", "NO9386011117947",
    "EE382200221020145685", "XX89370400440532013000", "37605030299", "12345678Z", "12345678-Z", "X1234567L",
    "X1234567-L", "1 84 12 76 451 089 46", "184127645108946", "1 84 12 2A 451 089 46", "RSSMRA85T10A562S",
    "131052-308T", "131052+308T", "131052A308T", "44051401359", "111.444.777-35", "1800101221144", "811228-9874",
    "19811228+9874", "811228+9874", "85.07.30-033.28", "850730 03328", "11010519491231002X", "11010519491231002x",
    "15108695088", "+372 5123 4567", "+1 (555) 123-4567", "+4930123456", "+1 2 3 4", "+1234567", "1.1.1.1",
    "0044 20 7946 0958",
    "001.23.45.67", "020 7946 0958", "(020) 7946-0958", "(555) 123-4567", "(555)123.4567", "555-123-4567",
    "555.123.4567", "555 123.4567", "555.123-4567", "01 00 00 00 00 00 00 FF", "tel: 5551234567", "tel 1     2",
    "call (1.....2", "fax:..030-1234567", "Phone: 06 12 34 56 78", "WHATſAPP 1234567", "mobıle 123 4567",
    "MOBİLE: 5555555", "jane.doe@example.org", "jane[@]example[.]org", "jane(@)example.org", "jane [at] example.org",
    "jane [AT] x(dot)org", "a(at)b.cc", "q[at] jane [at] example.org", "o'brien@example.ie", "müller@example.de",
    "a@b.pdf", "@handle", "root@localhost", "198.51.100.7", "198[.]51.100.7", "10.0.19041.1288", "2019-05-01 12:30",
    "2018-10-17T00:14:20.652Z", "malware--12345678-1234-1234-1234-123456789012", "CVE-2021-44228", "T1059.001",
    "d41d8cd98f00b204e9800998ecf8427e", "D41D8CD98F00B204E9800998ECF8427E", "11111111111111111111111111111111",
    "https://example.org/2019/05/01/12345678.html?id=12345678901", "KB5005565", "in 2019 ", "the call ", "tel",
)  # fmt: skip
ODD_DIGITS = "٠١٢٣٤٥٦٧٨٩०१२३４５６𝟎𝟏𝟐²³①"
LETTERS = "0123456789" * 3 + "  ..--//()++ABXYZTLx'\"@[]:,_aeé–\n" + ODD_DIGITS


def text_of(chance: Random) -> str:
    """A text of up to six parts."""
    return "".join(_part(chance) for _ in range(chance.randint(1, 6)))


def _part(chance: Random) -> str:
    kind = chance.random()
    if kind < 0.3:
        return "".join(chance.choice(LETTERS) for _ in range(chance.randint(1, 12)))
    part = chance.choice(WHOLE)
    at = chance.randrange(len(part))
    if kind < 0.55:
        # One character is another, too many or missing.
        part = part[:at] + chance.choice((chance.choice(LETTERS), "")) + part[at + chance.randint(0, 1) :]
    elif kind < 0.6:
        part = part[:at]
    elif kind < 0.65:
        part = chance.choice((part.upper(), part.lower()))
    elif kind < 0.72:
        part = "".join(ODD_DIGITS[int(c)] if c in "0123456789" and chance.random() < 0.4 else c for c in part)
    return part + chance.choice((" ", "", "", ".", ",", ";", ":", "-", "/", "'", '"', "(", "x", "?", "é", "\n"))


def value_of(chance: Random) -> dict[str, object]:
    """An object with such texts in many places."""
    made = [text_of(chance) for _ in range(6)]
    return {
        "type": chance.choice(("indicator", "report", "identity", "email-message", "observed-data", "x-y")),
        "pattern": made[0],
        "description": chance.choice((made[0], made[1])),
        "contact_information": made[2],
        "external_references": [{"url": made[3], "x_ref": made[4]}, made[5]],
        "object_refs": [made[4]],
        "created_by_ref": made[4],
        "x_one_ref": {"x": made[4]},
        "objects": {"0": {"type": "email-addr", "value": made[2], "body": made[1]}},
        "x_number": 4111111111111111,
    }
