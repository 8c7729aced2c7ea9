"""What may reach a terminal or a table: text of others, with everything escaped that could command a screen.

Names, descriptions and values come from partners. A control byte among them could move the cursor, forge a line or set
the title of a window; a bidi override could turn a name round; a line break could forge a row.
"""

import re
from datetime import datetime

from comity.node.spelling import safe as safe

# C0 but for the white space of JSON, DEL and C1, soft hyphen and other invisible or direction-changing characters, line
# and paragraph separators, surrogates, interlinear marks, tags.
_JSON_DANGEROUS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]"
)
ISO = "%Y-%m-%dT%H:%M:%S.%fZ"


def safe_json(text: str) -> str:
    """The same JSON value, in which what a terminal would obey is written as JSON escapes."""
    return _JSON_DANGEROUS.sub(_json_escape, text)


def _json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def exact(instant: datetime) -> str:
    """The UTC instant with all its digits, as a script wants it."""
    return instant.strftime(ISO)


def relative(instant: datetime, now: datetime) -> str:
    """How long ago that was, as a person says it; a date for what is over a month old, or to come."""
    seconds = int((now - instant).total_seconds())
    if seconds < 0 or seconds >= 31 * 86400:
        return instant.strftime("%Y-%m-%d")
    for unit, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds // unit} {word} ago"
    return "just now"


def size(count: int) -> str:
    """A number of bytes as a person reads it."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 object`, `24,771 objects`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
