"""What STIX 2.1 says of each type, as plain tables: the clauses beside them are those of the OASIS Standard."""

from collections.abc import Mapping

SECTIONS: Mapping[str, str] = {
    "attack-pattern": "4.1",
    "campaign": "4.2",
    "course-of-action": "4.3",
    "grouping": "4.4",
    "identity": "4.5",
    "incident": "4.6",
    "indicator": "4.7",
    "infrastructure": "4.8",
    "intrusion-set": "4.9",
    "location": "4.10",
    "malware": "4.11",
    "malware-analysis": "4.12",
    "note": "4.13",
    "observed-data": "4.14",
    "opinion": "4.15",
    "report": "4.16",
    "threat-actor": "4.17",
    "tool": "4.18",
    "vulnerability": "4.19",
    "relationship": "5.1",
    "sighting": "5.2",
    "artifact": "6.1",
    "autonomous-system": "6.2",
    "directory": "6.3",
    "domain-name": "6.4",
    "email-addr": "6.5",
    "email-message": "6.6",
    "file": "6.7",
    "ipv4-addr": "6.8",
    "ipv6-addr": "6.9",
    "mac-addr": "6.10",
    "mutex": "6.11",
    "network-traffic": "6.12",
    "process": "6.13",
    "software": "6.14",
    "url": "6.15",
    "user-account": "6.16",
    "windows-registry-key": "6.17",
    "x509-certificate": "6.18",
    "language-content": "7.1",
    "marking-definition": "7.2",
    "extension-definition": "7.3",
    "bundle": "8",
}
OBSERVABLES = frozenset(kind for kind, section in SECTIONS.items() if section.startswith("6."))

TIMES: Mapping[str, tuple[str, ...]] = {
    "campaign": ("first_seen", "last_seen"),
    "indicator": ("valid_from", "valid_until"),
    "infrastructure": ("first_seen", "last_seen"),
    "intrusion-set": ("first_seen", "last_seen"),
    "language-content": ("object_modified",),
    "malware": ("first_seen", "last_seen"),
    "malware-analysis": ("submitted", "analysis_started", "analysis_ended"),
    "observed-data": ("first_observed", "last_observed"),
    "relationship": ("start_time", "stop_time"),
    "report": ("published",),
    "sighting": ("first_seen", "last_seen"),
    "threat-actor": ("first_seen", "last_seen"),
    "directory": ("ctime", "mtime", "atime"),
    "email-message": ("date",),
    "file": ("ctime", "mtime", "atime"),
    "network-traffic": ("start", "end"),
    "process": ("created_time",),
    "user-account": (
        "account_created",
        "account_expires",
        "credential_last_changed",
        "account_first_login",
        "account_last_login",
    ),
    "windows-registry-key": ("modified_time",),
    "x509-certificate": ("validity_not_before", "validity_not_after"),
}
"""The timestamps of each type beside `created` and `modified`."""

INNER_TIMES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "file": (("extensions", "windows-pebinary-ext", "time_date_stamp"),),
    "x509-certificate": (
        ("x509_v3_extensions", "private_key_usage_period_not_before"),
        ("x509_v3_extensions", "private_key_usage_period_not_after"),
    ),
}
"""Timestamps deeper inside."""

ORDERS: Mapping[str, tuple[str, str, bool]] = {
    "campaign": ("first_seen", "last_seen", True),
    "indicator": ("valid_from", "valid_until", False),
    "infrastructure": ("first_seen", "last_seen", True),
    "intrusion-set": ("first_seen", "last_seen", True),
    "malware": ("first_seen", "last_seen", True),
    "observed-data": ("first_observed", "last_observed", True),
    "relationship": ("start_time", "stop_time", False),
    "sighting": ("first_seen", "last_seen", True),
    "threat-actor": ("first_seen", "last_seen", True),
    "network-traffic": ("start", "end", True),
}
"""Which timestamp must not come before which; the last says whether they may be equal."""

_ADDRESSES = ("ipv4-addr", "ipv6-addr", "mac-addr", "domain-name")
REFERENCES: Mapping[str, Mapping[tuple[str, ...], tuple[str, ...]]] = {
    "directory": {("contains_refs",): ("file", "directory")},
    "domain-name": {("resolves_to_refs",): ("ipv4-addr", "ipv6-addr", "domain-name")},
    "email-addr": {("belongs_to_ref",): ("user-account",)},
    "email-message": {
        ("from_ref",): ("email-addr",),
        ("sender_ref",): ("email-addr",),
        ("to_refs",): ("email-addr",),
        ("cc_refs",): ("email-addr",),
        ("bcc_refs",): ("email-addr",),
        ("raw_email_ref",): ("artifact",),
        ("body_multipart", "*", "body_raw_ref"): ("artifact", "file"),
    },
    "file": {
        ("parent_directory_ref",): ("directory",),
        ("content_ref",): ("artifact",),
        ("extensions", "archive-ext", "contains_refs"): ("file", "directory"),
    },
    "ipv4-addr": {("resolves_to_refs",): ("mac-addr",), ("belongs_to_refs",): ("autonomous-system",)},
    "ipv6-addr": {("resolves_to_refs",): ("mac-addr",), ("belongs_to_refs",): ("autonomous-system",)},
    "malware": {("sample_refs",): ("file", "artifact")},
    "network-traffic": {
        ("src_ref",): _ADDRESSES,
        ("dst_ref",): _ADDRESSES,
        ("src_payload_ref",): ("artifact",),
        ("dst_payload_ref",): ("artifact",),
        ("encapsulates_refs",): ("network-traffic",),
        ("encapsulated_by_ref",): ("network-traffic",),
        ("extensions", "http-request-ext", "message_body_data_ref"): ("artifact",),
    },
    "process": {
        ("opened_connection_refs",): ("network-traffic",),
        ("creator_user_ref",): ("user-account",),
        ("image_ref",): ("file",),
        ("parent_ref",): ("process",),
        ("child_refs",): ("process",),
        ("extensions", "windows-service-ext", "service_dll_refs"): ("file",),
    },
    "windows-registry-key": {("creator_user_ref",): ("user-account",)},
}
"""To which types the references of observables may lead, by their place. The schemas say this
of the references of the other types."""

CONTRIBUTING: Mapping[str, tuple[str, ...]] = {
    "artifact": ("hashes", "payload_bin"),
    "email-message": ("from_ref", "subject", "body"),
    "process": (),
    "user-account": ("account_type", "user_id", "account_login"),
    "windows-registry-key": ("key", "values"),
    "x509-certificate": ("hashes", "serial_number"),
}
"""What the deterministic id of an observable is made of, where it may all be missing (STIX 2.1 §2.9)."""
