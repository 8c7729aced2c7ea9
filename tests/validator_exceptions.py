"""Where Comity and stix2-validator may judge an object differently, each with its reason and an object that shows it.

Read: *who* refuses what the other takes, in words matching *about* (the validator's message, or Comity's rule, place
and problem), because of *reason*. An entry whose example no longer shows the difference is stale and fails the tests.
"""

import re
from dataclasses import dataclass
from typing import Any

from tests.stix_samples import DATES, RANDOM, STATEMENT, UUID, domain, observable, sample

OTHER = "11111111-2222-4333-8444-555555555555"


@dataclass(frozen=True)
class Difference:
    """One known difference; `who` is `comity` or `validator`: the one that refuses."""

    name: str
    who: str
    about: str
    reason: str
    example: dict[str, Any]

    def covers(self, words: str) -> bool:
        """The refusal in those words is of this kind."""
        return re.search(self.about, words) is not None


DIFFERENCES: tuple[Difference, ...] = (
    # -- the validator refuses, Comity takes -------------------------------------------------------------------------
    Difference(
        "language tags that are not in the validator's list",
        "validator",
        r"RFC 5646",
        "STIX asks for a code of RFC 5646; the validator has a list of 220, without zh-Hant, ga, de-CH-1901 or EN. "
        "Comity demands the grammar of RFC 5646 and keeps no list that ages.",
        domain("identity", name="x", lang="zh-Hant"),
    ),
    Difference(
        "media types that are not in the validator's copy of the IANA registry",
        "validator",
        r"IANA registered MIME",
        "The registry grows weekly and no copy is shipped; the form of a media type is checked by the schema.",
        observable("artifact", payload_bin="VGVzdA==", mime_type="application/x-not-registered"),
    ),
    Difference(
        "character sets that are not in the validator's copy of the IANA registry",
        "validator",
        r"IANA registered character set",
        "As for media types; the validator's copy also misses the names that are no preferred MIME names.",
        observable("file", name="x", name_enc="latin1-not-registered"),
    ),
    Difference(
        "IPv6 addresses with an IPv4 part",
        "validator",
        r"value: '.*' does not match",
        "The OASIS pattern has lost its backslashes (see schema_mends).",
        observable("ipv6-addr", value="::ffff:192.0.2.1"),
    ),
    Difference(
        "registry keys with a hive's short name in their middle",
        "validator",
        r": key: ",
        "Only the first alternative of the OASIS pattern is anchored (see schema_mends).",
        observable("windows-registry-key", key="HKEY_LOCAL_MACHINE\\Software\\hkustore"),
    ),
    Difference(
        "registry keys with a date alone",
        "validator",
        r"windows-registry-key--\S+: .* is not valid under any of the given schemas",
        "The OASIS schema asks for `modified`; the property is `modified_time` (see schema_mends).",
        observable("windows-registry-key", modified_time="2025-01-01T00:00:00Z"),
    ),
    Difference(
        "language codes of software with a script",
        "validator",
        r"languages\.?\[\d+\]: '.*' does not match",
        "The OASIS pattern is no grammar of RFC 5646 (see schema_mends).",
        observable("software", name="x", languages=["zh-Hant"]),
    ),
    Difference(
        "observables of custom types that begin like a domain object",
        "validator",
        r"object_refs\[\d+\]: .* is not valid under any",
        "The OASIS pattern has no end (see schema_mends).",
        {**sample("observed-data"), "object_refs": [f"tool-mark--{RANDOM}"]},
    ),
    Difference(
        "granular markings that name a language",
        "validator",
        r"'marking_ref' is a required property",
        "STIX 2.1 §7.2.3.1 wants one of `lang` and `marking_ref`; the schema wants the latter (see schema_mends).",
        domain("identity", name="x", granular_markings=[{"lang": "de", "selectors": ["name"]}]),
    ),
    Difference(
        "selectors of dictionary keys with capitals",
        "validator",
        r"selectors\[\d+\]: '.*' does not match",
        "Keys of dictionaries may have capitals (see schema_mends).",
        observable(
            "file",
            hashes={"MD5": "d41d8cd98f00b204e9800998ecf8427e"},
            granular_markings=[{"marking_ref": STATEMENT, "selectors": ["hashes.MD5"]}],
        ),
    ),
    Difference(
        "a single header field in a list",
        "validator",
        r"additional_header_fields",
        "STIX 2.1 §6.6.1 wants a list always; the schema takes no list of one (see schema_mends).",
        observable("email-message", is_multipart=False, additional_header_fields={"X-A": ["b"]}),
    ),
    Difference(
        "names of one or two letters in patterns",
        "validator",
        r"is not a valid observable (property|type) name",
        "The grammar of STIX 2.1 §9 gives names no length. A pattern that names what cannot be matches nothing, and "
        "breaks nothing.",
        domain("indicator", pattern="[xx:yy = 'z']", pattern_type="stix", valid_from="2025-01-01T00:00:00Z"),
    ),
    # -- Comity refuses, the validator takes -------------------------------------------------------------------------
    Difference(
        "creators that are no identities",
        "comity",
        r"the creator must be an identity",
        "STIX 2.1 §3.2: created_by_ref is the id of an identity. The validator does not look.",
        domain("malware", name="x", is_family=False, created_by_ref=f"malware--{OTHER}"),
    ),
    Difference(
        "markings that are no marking definitions",
        "comity",
        r"is no reference to a marking",
        "STIX 2.1 §3.2 and §7.2.2; who may see the object would be unknown. The validator looks at granular ones only.",
        domain("identity", name="x", object_marking_refs=[f"identity--{OTHER}"]),
    ),
    Difference(
        "STIX 2.0",
        "comity",
        r"STIX 2\.0 object",
        "`spec_version` 2.0 inside 2.1 data: the validator's schemas allow it, this node keeps STIX 2.1 only.",
        {**domain("identity", name="x"), "spec_version": "2.0"},
    ),
    Difference(
        "bundles",
        "comity",
        r"a bundle is no STIX object",
        "The validator takes a bundle as a document; here it is judged as one of the objects.",
        {"type": "bundle", "id": f"bundle--{UUID}"},
    ),
    Difference(
        "property names",
        "comity",
        r"the property name '.*' is not 3 to 250",
        "STIX 2.1 §3.1. The OASIS pattern lacks an end, so that only the beginning of a name is checked.",
        domain("identity", name="x", fooBar=1),
    ),
    Difference(
        "ids of another type on custom objects",
        "comity",
        r"the id names the type",
        "STIX 2.1 §2.9. The schemas check it for the types of the standard only.",
        {**domain("x-example", name="x"), "id": f"x-other--{UUID}"},
    ),
    Difference(
        "defanged things that are no observables",
        "comity",
        r"'defanged' must not be used",
        "STIX 2.1 §3.2. The validator does not look.",
        domain("identity", name="x", defanged=True),
    ),
    Difference(
        "encodings of a name that is missing",
        "comity",
        r"an encoding is given for a name",
        "STIX 2.1 §3.1. The validator does not look.",
        observable("file", hashes={"MD5": "d41d8cd98f00b204e9800998ecf8427e"}, name_enc="UTF-8"),
    ),
    Difference(
        "granular markings with both a language and a marking",
        "comity",
        r"exactly one of 'marking_ref' and 'lang'",
        "STIX 2.1 §7.2.3.1. The validator does not look.",
        domain(
            "identity",
            name="x",
            granular_markings=[{"lang": "de", "marking_ref": STATEMENT, "selectors": ["name"]}],
        ),
    ),
    Difference(
        "languages of granular markings",
        "comity",
        r"granular_markings\[\d+\]\.lang",
        "STIX 2.1 §7.2.3.1. The validator looks at the object's own language only.",
        domain(
            "identity",
            name="x",
            granular_markings=[{"lang": "d_e", "marking_ref": STATEMENT, "selectors": ["name"]}],
        ),
    ),
    Difference(
        "selectors into a text",
        "comity",
        r"leads to nothing",
        "The validator takes `name.[0]` for the first letter of the name; STIX 2.1 §7.2.3.1 has indices of lists only.",
        domain("identity", name="x", granular_markings=[{"marking_ref": STATEMENT, "selectors": ["name.[0]"]}]),
    ),
    Difference(
        "references of observables that lead to the wrong type, or are no ids",
        "comity",
        r"^STIX 2\.1 §(6\.\d+|4\.11) .*(is not an identifier|it must refer to)",
        "STIX 2.1 §6 names the types. The validator looks only inside the deprecated form of observed-data.",
        observable("ipv4-addr", value="192.0.2.1", resolves_to_refs=[f"file--{OTHER}"]),
    ),
    Difference(
        "line ends after identifiers and dates",
        "comity",
        r"u\{a\}",
        "In Python `$` also matches before a last line end, so the validator takes `…Z` with one.",
        {**domain("identity", name="x"), "created": "2026-01-02T03:04:05.678Z\n"},
    ),
    Difference(
        "well-known markings with other content",
        "comity",
        r"^R5",
        "RULES 5: a marking must not be laundered under a published id. The validator compares some of the members.",
        {**sample("marking-definition"), **DATES, "id": STATEMENT},
    ),
)


def explained(who: str, words: list[str]) -> list[Difference] | None:
    """The differences that explain every one of those refusals, or None where one is not explained."""
    found = []
    for one in words:
        cause = next(
            (difference for difference in DIFFERENCES if difference.who == who and difference.covers(one)), None
        )
        if cause is None:
            return None
        found.append(cause)
    return found
