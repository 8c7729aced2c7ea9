"""What is known of a partner as the fields of a form: texts that say the facets, and facets out of such texts."""

from typing import Any

from comity.errors import Invalid
from comity.node.recipients import CAPS, OF_CLIENTS, Partner
from comity.web.ui.fields import instant_in, instant_text, number_in, words_in

DATES = ("agreement_from", "agreement_until", "service_from", "service_until")
WORDS = ("sectors", "groups", "jurisdictions")
FLAGS = ("cybersecurity", "commercial")
CHOICES = {
    "max_tlp": ("clear", "green", "amber", "amber+strict"),
    "declared_by": ("us", "partner"),
    "organisation_boundary": ("staff", "members"),
}
EVERYTHING = "all"
"""In the field of the history: all that was ever published."""
_TEXTS = ("name", "country", "service", "contact", "need_to_know")


FIELDS = ("name", "country", *OF_CLIENTS, *CHOICES, *DATES[:2], *WORDS, *FLAGS, *CAPS, "history_from")
"""Every field that the form of a partner or a client has."""


def texts_of(one: Partner) -> dict[str, str]:
    """The texts of its fields: those of a partner, or of a client."""
    found = {name: str(getattr(one, name)) for name in (*_TEXTS, *CHOICES)}
    found |= {name: instant_text(getattr(one, name), ends=name.endswith("until")) for name in DATES}
    found |= {name: ", ".join(getattr(one, name) or ()) for name in WORDS}
    found |= {name: "yes" if getattr(one, name) else "" for name in FLAGS}
    found |= {name: str(getattr(one, name) or "") for name in CAPS}
    found["history_from"] = EVERYTHING if one.history_from == 0 else instant_text(one.history_from)
    left_out = ("organisation_boundary",) if one.relation == "client" else OF_CLIENTS
    return {name: text for name, text in found.items() if name not in left_out}


def changes_in(one: Partner, values: dict[str, str]) -> dict[str, Any]:
    """The facets that the texts say otherwise than they are. Invalid where one cannot be read."""
    before = texts_of(one)
    return {name: _read(name, text) for name, text in values.items() if text != before[name]}


def _read(name: str, text: str) -> Any:
    if name in DATES:
        return instant_in(text, name, ends=name.endswith("until"))
    if name in WORDS:
        found = words_in(text)
        # An empty field says that nobody declared anything, which is nowhere (R24).
        return None if name == "jurisdictions" and not found else found
    if name in FLAGS:
        return text == "yes"
    if name in CAPS:
        return number_in(text, name, least=1) or None
    if name == "history_from":
        return 0 if text == EVERYTHING else instant_in(text, name)
    if name in CHOICES and text not in CHOICES[name]:
        raise Invalid(f"{text[:40]!r} is no choice here.", where=name, hint=f"One of {', '.join(CHOICES[name])}.")
    return text
