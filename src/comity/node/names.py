"""Names that persons could take for one another."""

import unicodedata


def skeleton(name: str) -> str:
    """What two names have in common that a person could take for one another: letters and digits alone, folded, without
    marks, and each as the Latin letter that it looks like, in small or in capitals."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in plain if c.isalnum()).translate(_ALIKE) or plain


# Written as escapes, since a reader could not tell them apart: Cyrillic and Greek letters, of which many look like a
# Latin one only as capitals, then digits.
_ALIKE = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0455\u0458"
    "\u03b1\u03b2\u03b5\u03b6\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7"
    "01i58",
    "abekmhopctyxlsjabezhlkmnoptyxollsb",
)
