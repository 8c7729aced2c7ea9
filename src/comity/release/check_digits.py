"""Numbers that prove themselves: payment cards, IBANs and national ids with check digits.

The rules are those of the issuers: ISO/IEC 7812-1 (Luhn), ISO 13616 and the SWIFT IBAN registry, and for national ids
the law or notice of each state that docs/explanation/personal-data.md names.
"""

from collections.abc import Callable, Mapping, Sequence

_CARD_LENGTHS: tuple[tuple[int, int, frozenset[int]], ...] = (
    (30, 30, frozenset({14, 16})),
    (34, 34, frozenset({15})),
    (37, 37, frozenset({15})),
    (40, 49, frozenset({13, 16, 19})),
    (51, 55, frozenset({16})),
    (22, 27, frozenset({16})),
    (35, 35, frozenset({16})),
    (36, 36, frozenset({14})),
    (38, 39, frozenset({14, 16})),
    (60, 60, frozenset({16})),
    (62, 62, frozenset({16, 17, 18, 19})),
    (64, 65, frozenset({16, 19})),
)
"""The first two digits and the lengths that the large schemes issue."""
CARD_HEADS: frozenset[int] = frozenset(head for low, high, _ in _CARD_LENGTHS for head in range(low, high + 1))
"""The first two digits of all cards that are issued."""

IBAN_LENGTHS: Mapping[str, int] = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "CH": 21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18,
    "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23,
    "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27,
    "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29,
    "VG": 24, "XK": 20,
}  # fmt: skip


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    total = 0
    for number, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + number % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card(digits: str) -> bool:
    """Whether it is a payment card's number: a range that is issued, its length, and Luhn."""
    if len(digits) < 13 or len(set(digits)) == 1:
        return False
    head = int(digits[:2])
    return any(low <= head <= high and len(digits) in lengths for low, high, lengths in _CARD_LENGTHS) and luhn(digits)


def iban(text: str) -> bool:
    """Whether the capital letters and digits are an IBAN of a state that has them, with its length and check digits."""
    if IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def _date(year: int, month: int, day: int) -> bool:
    lengths = (
        31,
        29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28,
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    )
    return 1 <= month <= 12 and 1 <= day <= lengths[month - 1]


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def belgium(n: str) -> bool:
    """Rijksregisternummer: 97 less the rest of the first nine digits by 97; from 2000 on with a 2 before them."""
    if len(n) != 11:
        return False
    checks = [97 - int(prefix + n[:9]) % 97 for prefix in ("", "2")]
    return int(n[9:]) in checks and _date(2000 if checks[0] != int(n[9:]) else 1904, int(n[2:4]), int(n[4:6]))


def brazil(n: str) -> bool:
    """CPF: two digits by falling weights, modulo 11."""
    if len(n) != 11 or len(set(n)) == 1:
        return False
    for length in (9, 10):
        rest = _weighted(n, range(length + 1, 1, -1)) * 10 % 11 % 10
        if rest != int(n[length]):
            return False
    return True


def china(n: str) -> bool:
    """Resident identity number: GB 11643, ISO 7064 MOD 11-2 with a date of birth."""
    if len(n) != 18 or not n[:17].isdigit() or not _date(int(n[6:10]), int(n[10:12]), int(n[12:14])):
        return False
    if not 1900 <= int(n[6:10]) <= 2100:
        return False
    return "10X98765432"[_weighted(n, [pow(2, 17 - i, 11) for i in range(17)]) % 11] == n[17].upper()


def baltic(n: str) -> bool:
    """Isikukood of Estonia and asmens kodas of Lithuania: two rounds of weights modulo 11, with a date of birth."""
    if len(n) != 11 or n[0] not in "123456":
        return False
    if not _date(1800 + (int(n[0]) - 1) // 2 * 100 + int(n[1:3]), int(n[3:5]), int(n[5:7])):
        return False
    rest = _weighted(n, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if rest == 10:
        rest = _weighted(n, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return rest == int(n[10])


def spain(n: str) -> bool:
    """DNI and NIE: the letter of the number modulo 23."""
    n = n.upper()
    body = {"X": "0", "Y": "1", "Z": "2"}.get(n[:1], n[:1]) + n[1:-1]
    return len(n) == 9 and body.isdigit() and "TRWAGMYFPDXBNJZSQVHLCKE"[int(body) % 23] == n[-1]


def finland(n: str) -> bool:
    """Henkilötunnus: the letter of date and number modulo 31."""
    n = n.upper()
    if len(n) != 11 or not (n[:6] + n[7:10]).isdigit():
        return False
    century = 1800 if n[6] == "+" else 2000 if n[6] in "ABCDEF" else 1900
    return _date(century + int(n[4:6]), int(n[2:4]), int(n[:2])) and (
        "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(n[:6] + n[7:10]) % 31] == n[10]
    )


def france(n: str) -> bool:
    """NIR: 97 less the rest of the first thirteen digits by 97, with 2A and 2B of Corsica counted as 19 and 18."""
    n = n.upper()
    body = n[:13].replace("2A", "19").replace("2B", "18") if n[5:7] in ("2A", "2B") else n[:13]
    if len(n) != 15 or not (body + n[13:]).isdigit() or n[0] not in "12" or not 1 <= int(n[3:5]) <= 42:
        return False
    return 97 - int(body) % 97 == int(n[13:])


_ITALY_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def italy(n: str) -> bool:
    """Codice fiscale: a letter of the sum of letters and digits by their place."""
    n = n.upper()
    if len(n) != 16:
        return False
    values = [int(c) if c.isdigit() else ord(c) - 65 for c in n[:15]]
    total = sum(_ITALY_ODD[value] if place % 2 == 0 else value for place, value in enumerate(values))
    return chr(65 + total % 26) == n[15]


def norway(n: str) -> bool:
    """Fødselsnummer: two digits by weights modulo 11, with a date of birth (D numbers: the day and 40)."""
    if len(n) != 11 or not _date(2000 if n[:2] == "29" else 1999, int(n[2:4]), int(n[:2]) % 40):
        return False
    return (
        _weighted(n, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11 == 0
        and _weighted(n, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0
    )


def poland(n: str) -> bool:
    """PESEL: weights 1, 3, 7, 9 modulo 10, with a date of birth whose month tells the century."""
    if len(n) != 11:
        return False
    century = {0: 1900, 1: 2000, 2: 2100, 3: 2200, 4: 1800}[int(n[2]) // 2]
    if not _date(century + int(n[:2]), int(n[2:4]) % 20, int(n[4:6])):
        return False
    return _weighted(n, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def romania(n: str) -> bool:
    """CNP: weights modulo 11, with a date of birth."""
    if len(n) != 13 or n[0] not in "12345678" or not _date(2000, int(n[3:5]), int(n[5:7])):
        return False
    rest = _weighted(n, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return (1 if rest == 10 else rest) == int(n[12])


def sweden(n: str) -> bool:
    """Personnummer: Luhn over ten digits, with a date of birth (coordination numbers: the day and 60)."""
    n = n[-10:]
    return len(n) == 10 and _date(2000, int(n[2:4]), int(n[4:6]) % 60) and luhn(n)


BARE: tuple[Callable[[str], bool], ...] = (belgium, baltic, norway, poland, romania)
"""Ids of digits alone, of eleven and thirteen of them."""
