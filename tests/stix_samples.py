"""One sound object, with many of its properties, of every STIX 2.1 type and of two custom ones; for tests to break."""

from typing import Any

Json = dict[str, Any]

UUID = "6b1ff0ae-0a7c-4bd4-ae4d-0123456789ab"
RANDOM = "f431f809-377b-45e0-aa1c-6a4751cae5ff"
DATES: Json = {"created": "2026-01-02T03:04:05.678Z", "modified": "2026-02-03T04:05:06.789Z"}
STATEMENT = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"


def domain(kind: str, **properties: Any) -> Json:
    """A domain or relationship object with the properties that all have."""
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{UUID}", **DATES, **properties}


def observable(kind: str, **properties: Any) -> Json:
    """An observable, which needs neither dates nor an edition."""
    return {"type": kind, "id": f"{kind}--{RANDOM}", **properties}


PHASES = [{"kill_chain_name": "mandiant-attack-lifecycle-model", "phase_name": "establish-foothold"}]
REFERENCES = [
    {"source_name": "cve", "external_id": "CVE-2026-12345"},
    {"source_name": "capec", "external_id": "CAPEC-163"},
    {"source_name": "a report", "description": "with a text", "url": "https://example.com/report"},
]
HASHES = {"MD5": "d41d8cd98f00b204e9800998ecf8427e", "SHA-256": "e3" * 32}
SEEN = {"first_seen": "2025-01-01T00:00:00Z", "last_seen": "2025-06-01T00:00:00.5Z"}

SAMPLES: tuple[Json, ...] = (
    domain("attack-pattern", name="Spear", aliases=["a"], kill_chain_phases=PHASES, external_references=REFERENCES),
    domain("campaign", name="Green", objective="x", **SEEN),
    domain("course-of-action", name="Block", description="y"),
    domain("grouping", name="g", context="suspicious-activity", object_refs=[f"indicator--{UUID}"]),
    domain("identity", name="ACME", identity_class="organization", sectors=["finance"], roles=["r"], lang="en"),
    domain("incident", name="i", description="d"),
    domain(
        "indicator",
        name="bad",
        indicator_types=["malicious-activity"],
        pattern="[file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f']",
        pattern_type="stix",
        pattern_version="2.1",
        valid_from="2025-01-01T00:00:00Z",
        valid_until="2026-01-01T00:00:00Z",
        kill_chain_phases=PHASES,
        confidence=85,
        labels=["x", "y"],
        created_by_ref=f"identity--{UUID}",
        object_marking_refs=[STATEMENT],
        granular_markings=[{"marking_ref": STATEMENT, "selectors": ["labels.[1]", "name"]}],
    ),
    domain("infrastructure", name="c2", infrastructure_types=["command-and-control"], **SEEN),
    domain("intrusion-set", name="Bobcat", goals=["g"], resource_level="organization", **SEEN),
    domain("location", region="south-eastern-asia", country="th", latitude=48.8566, longitude=2.3522, precision=10.0),
    domain(
        "malware",
        name="Cryptolocker",
        is_family=False,
        malware_types=["ransomware"],
        sample_refs=[f"file--{RANDOM}"],
        operating_system_refs=[f"software--{RANDOM}"],
        **SEEN,
    ),
    domain(
        "malware-analysis",
        product="microsoft",
        result="malicious",
        submitted="2025-01-01T00:00:00Z",
        analysis_started="2025-01-01T00:00:00Z",
        analysis_ended="2025-01-02T00:00:00Z",
        sample_ref=f"file--{RANDOM}",
        host_vm_ref=f"software--{RANDOM}",
    ),
    domain("note", content="text", abstract="a", authors=["b"], object_refs=[f"campaign--{UUID}"]),
    domain(
        "observed-data",
        first_observed="2025-01-01T00:00:00Z",
        last_observed="2025-01-01T00:00:00Z",
        number_observed=50,
        object_refs=[f"ipv4-addr--{RANDOM}", f"domain-name--{RANDOM}"],
    ),
    domain("opinion", opinion="strongly-disagree", explanation="e", object_refs=[f"relationship--{UUID}"]),
    domain(
        "report",
        name="r",
        report_types=["campaign"],
        published="2026-01-20T17:00:00Z",
        object_refs=[f"indicator--{UUID}", f"campaign--{UUID}"],
        extensions={f"extension-definition--{UUID}": {"extension_type": "property-extension", "rank": 5}},
    ),
    domain("threat-actor", name="Disco Team", threat_actor_types=["crime-syndicate"], roles=["agent"], **SEEN),
    domain("tool", name="VNC", tool_types=["remote-access"], tool_version="1"),
    domain("vulnerability", name="CVE-2026-12345", external_references=REFERENCES[:1]),
    domain(
        "relationship",
        relationship_type="indicates",
        source_ref=f"indicator--{UUID}",
        target_ref=f"malware--{UUID}",
        start_time="2025-01-01T00:00:00Z",
        stop_time="2025-01-02T00:00:00Z",
    ),
    domain(
        "sighting",
        sighting_of_ref=f"indicator--{UUID}",
        observed_data_refs=[f"observed-data--{UUID}"],
        where_sighted_refs=[f"identity--{UUID}"],
        count=50,
        summary=True,
        **SEEN,
    ),
    domain(
        "language-content",
        object_ref=f"campaign--{UUID}",
        object_modified="2026-02-03T04:05:06.789Z",
        contents={"de": {"name": "Bank Angriff 1"}, "fr": {"name": "Attaque Bank 1"}},
    ),
    domain(
        "extension-definition",
        name="Extension",
        schema="https://example.com/schema.json",
        version="1.0",
        extension_types=["property-extension"],
        created_by_ref=f"identity--{UUID}",
    ),
    {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--{UUID}",
        "created": "2026-01-02T03:04:05.678Z",
        "definition_type": "statement",
        "definition": {"statement": "Copyright 2026, Example Corp"},
    },
    {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": STATEMENT,
        "created": "2017-01-20T00:00:00.000Z",
        "name": "TLP:GREEN",
        "definition_type": "tlp",
        "definition": {"tlp": "green"},
    },
    domain("x-example-thing", name="custom", some_ref=f"identity--{UUID}"),
    observable("artifact", mime_type="image/jpeg", payload_bin="VGVzdA=="),
    observable("artifact", url="https://example.com/x", hashes=HASHES, encryption_algorithm="AES-256-GCM"),
    observable("autonomous-system", number=15139, name="Slime Industries", rir="ARIN"),
    observable(
        "directory", path="C:\\Windows\\System32", mtime="2025-01-01T00:00:00Z", contains_refs=[f"file--{UUID}"]
    ),
    observable("domain-name", value="example.com", resolves_to_refs=[f"ipv4-addr--{UUID}"]),
    observable("email-addr", value="john@example.com", belongs_to_ref=f"user-account--{UUID}"),
    observable(
        "email-message",
        is_multipart=True,
        from_ref=f"email-addr--{UUID}",
        to_refs=[f"email-addr--{UUID}"],
        date="2025-01-01T00:00:00Z",
        subject="Check out",
        additional_header_fields={"Reply-To": ["steve@example.com", "x@example.com"]},
        body_multipart=[
            {"content_type": "text/plain", "body": "Cats"},
            {"content_type": "image/png", "body_raw_ref": f"artifact--{UUID}"},
        ],
    ),
    observable("email-message", is_multipart=False, subject="s", body="b", sender_ref=f"email-addr--{UUID}"),
    observable(
        "file",
        name="foo.exe",
        hashes=HASHES,
        size=25536,
        mime_type="application/pdf",
        ctime="2025-01-01T00:00:00Z",
        parent_directory_ref=f"directory--{UUID}",
        content_ref=f"artifact--{UUID}",
        magic_number_hex="cafe",
        extensions={
            "windows-pebinary-ext": {"pe_type": "exe", "time_date_stamp": "2025-01-01T00:00:00Z"},
            "archive-ext": {"contains_refs": [f"file--{UUID}"]},
        },
    ),
    observable("ipv4-addr", value="198.51.100.0/24", resolves_to_refs=[f"mac-addr--{UUID}"]),
    observable("ipv6-addr", value="2001:0db8::8a2e:0370:7334", belongs_to_refs=[f"autonomous-system--{UUID}"]),
    observable("mac-addr", value="d2:fb:49:24:37:18"),
    observable("mutex", name="__CLEANSWEEP__"),
    observable(
        "network-traffic",
        src_ref=f"ipv4-addr--{UUID}",
        dst_ref=f"domain-name--{UUID}",
        protocols=["ipv4", "tcp", "http"],
        start="2025-01-01T00:00:00Z",
        end="2025-01-01T00:00:01Z",
        is_active=False,
        src_port=24678,
        extensions={"http-request-ext": {"request_method": "get", "request_value": "/x"}},
    ),
    observable(
        "process",
        pid=314,
        command_line="./gedit",
        created_time="2025-01-01T00:00:00Z",
        image_ref=f"file--{UUID}",
        child_refs=[f"process--{UUID}"],
        extensions={"windows-service-ext": {"service_name": "sirvizio", "service_dll_refs": [f"file--{UUID}"]}},
    ),
    observable("software", name="Word", vendor="Microsoft", version="2002", languages=["en", "de-DE"]),
    observable("software", name="Word", cpe="cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*"),
    observable("url", value="https://example.com/research/index.html"),
    observable(
        "user-account",
        user_id="1001",
        account_login="jdoe",
        account_type="unix",
        account_created="2025-01-01T00:00:00Z",
        extensions={"unix-account-ext": {"gid": 1001, "groups": ["wheel"]}},
    ),
    observable(
        "windows-registry-key",
        key="HKEY_LOCAL_MACHINE\\System\\Foo\\Bar",
        values=[{"name": "Foo", "data": "qwerty", "data_type": "REG_SZ"}],
        modified_time="2025-01-01T00:00:00Z",
        creator_user_ref=f"user-account--{UUID}",
    ),
    observable(
        "x509-certificate",
        issuer="C=ZA",
        serial_number="36:f7",
        validity_not_before="2025-01-01T00:00:00Z",
        validity_not_after="2026-01-01T00:00:00Z",
        hashes=HASHES,
        x509_v3_extensions={"private_key_usage_period_not_before": "2025-01-01T00:00:00Z"},
    ),
    observable("x-example-observable", value="v"),
    domain(
        "observed-data",
        first_observed="2025-01-01T00:00:00Z",
        last_observed="2025-01-02T00:00:00Z",
        number_observed=1,
        objects={
            "0": observable("file", name="foo.zip", hashes=HASHES, parent_directory_ref="1"),
            "1": observable("directory", path="/usr"),
        },
    ),
)


def sample(kind: str) -> Json:
    """The first sound object of that type."""
    return next(one for one in SAMPLES if one["type"] == kind)
