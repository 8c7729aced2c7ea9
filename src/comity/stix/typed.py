"""What a person types, as STIX writes it."""

from datetime import UTC, datetime

from comity.errors import Invalid
from comity.stix.timestamp import instant_key


def stix_time(moment: datetime) -> str:
    """The instant as STIX 2.1 writes it (section 3.13), to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_time(text: str) -> str:
    """The instant that somebody typed, as STIX writes it: UTC where no offset is named. Invalid where it is none."""
    if instant_key(text) is not None:
        return text
    try:
        moment = datetime.fromisoformat(text)
        return stix_time(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise Invalid(f"{text[:40]!r} is no date. Such as 2027-01-31 16:30, in UTC.", rule="STIX 2.1 §3.13") from None


def lines_in(text: str) -> list[str]:
    """The lines of a field that hold anything, each once."""
    return list(dict.fromkeys(line.strip() for line in text.split("\n") if line.strip()))
