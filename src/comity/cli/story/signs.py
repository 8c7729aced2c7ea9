"""What the intruders can be known by: indicators of every kind, the observables behind them, and who saw them.

Addresses come from the documentation ranges, names end in `.example`, hashes are of sentences.
"""

from typing import Any

from comity.cli.story.pen import Pen, at, id_of, phase, sha256
from comity.stix.markings import TLP

C, G, A, S, R = TLP.CLEAR, TLP.GREEN, TLP.AMBER, TLP.AMBER_STRICT, TLP.RED

# infrastructure, day it was first seen, marking, last parts of addresses in 192.0.2.0, 198.51.100.0 and 203.0.113.0/24
ADDRESSES = (
    ("relay", 0, G, (), (14, 15), ()),
    ("bills", 16, G, (66,), (), (120, 121)),
    ("images", 1, G, (20, 21), (80,), ()),
    ("stage", 1, A, (33, 34, 35), (90, 91), (7,)),
    ("doh", 2, A, (53,), (153,), (53, 153)),
    ("panel", 3, A, (), (201, 202), (44,)),
    ("bucket", 8, S, (240,), (), (241,)),
    ("leak", 12, G, (), (), (77,)),
)
LONG_ADDRESSES = (
    ("stage", 4, A, "2001:db8:33::7"),
    ("stage", 9, A, "2001:db8:33::8"),
    ("doh", 5, A, "2001:db8:53::53"),
    ("panel", 6, A, "2001:db8:c0de::2"),
    ("leak", 12, G, "2001:db8:77::1"),
)
# name, infrastructure, day, marking
DOMAINS = (
    ("shift-plan-teluk.example", "relay", 0, G),
    ("ward-rota.example", "relay", 1, G),
    ("mail.gerabah-ceramics.example", "relay", 0, A),
    ("health-ministry-nusa.example", "relay", 3, G),
    ("e-bill-of-lading.example", "bills", 16, G),
    ("karang-terminal-docs.example", "bills", 16, G),
    ("berth-confirmation.example", "bills", 17, G),
    ("lading.forms.example", "bills", 18, G),
    ("dropfast-files.example", "images", 1, G),
    ("images.dropfast-files.example", "images", 1, G),
    ("cdn-ward.example", "stage", 1, A),
    ("updates.cdn-ward.example", "stage", 2, A),
    ("printer-driver-check.example", "stage", 4, A),
    ("telemetry-port.example", "stage", 18, A),
    ("resolver.burrow-dns.example", "doh", 2, A),
    ("q.burrow-dns.example", "doh", 5, A),
    ("quiet-names.example", "doh", 20, A),
    ("sap-gather.example", "panel", 3, A),
    ("collect.sap-gather.example", "panel", 3, A),
    ("night-bucket.example", "bucket", 8, S),
    ("polite-note.example", "leak", 12, G),
    ("mouse-deer-waits.example", "leak", 12, G),
)
# path under a domain, infrastructure, day, marking
URLS = (
    ("https://dropfast-files.example/d/7f3a/Shift_plan_February.img", "images", 1, G),
    ("https://dropfast-files.example/d/81c0/Rota_ward_4.iso", "images", 2, G),
    ("https://images.dropfast-files.example/d/b113/BL_20260218.img", "images", 16, G),
    ("https://images.dropfast-files.example/d/b114/BL_20260219.img", "images", 17, G),
    ("https://cdn-ward.example/api/v2/ping", "stage", 1, A),
    ("https://updates.cdn-ward.example/drv/x64.bin", "stage", 2, A),
    ("https://printer-driver-check.example/spool/status.php", "stage", 4, A),
    ("https://telemetry-port.example/t/0/collect", "stage", 18, A),
    ("https://resolver.burrow-dns.example/dns-query", "doh", 2, A),
    ("https://collect.sap-gather.example/gate", "panel", 3, A),
    ("https://berth-confirmation.example/view?bl=KE-4471", "bills", 17, G),
    ("https://polite-note.example/c/teluk", "leak", 12, A),
)
# name, size, malware, day, marking, directory or nothing
FILES = (
    ("Shift_plan_February.img", 1572864, "peladuk", 1, G, ""),
    ("Rota_ward_4.iso", 1585152, "peladuk", 2, G, ""),
    ("BL_20260218.img", 1703936, "peladuk", 16, G, ""),
    ("Shift_plan.lnk", 2871, "peladuk", 1, G, ""),
    ("plan.dat", 417792, "peladuk", 1, A, ""),
    ("x64.bin", 905216, "lubang", 2, A, ""),
    ("spoolcheck.dll", 903168, "lubang", 2, A, "C:\\ProgramData\\PrintCheck"),
    ("spoolcheck2.dll", 911360, "lubang", 19, A, "C:\\ProgramData\\PrintCheck"),
    ("sap.exe", 301568, "getah", 3, A, ""),
    ("sap_upx.exe", 140288, "getah", 6, A, ""),
    ("kc64.exe", 622592, "kancil", 9, S, "C:\\Windows\\Temp"),
    ("kc64_port.exe", 624640, "kancil", 27, S, "C:\\Windows\\Temp"),
    ("kc_esx", 318920, "kancil-esxi", 9, S, "/scratch"),
    ("READ_ME_PLEASE.txt", 4121, "kancil", 9, G, ""),
)
# sender, day, marking
SENDERS = (
    ("planning@shift-plan-teluk.example", 0, G),
    ("rota@ward-rota.example", 1, G),
    ("office@gerabah-ceramics.example", 0, A),
    ("circulars@health-ministry-nusa.example", 3, G),
    ("docs@e-bill-of-lading.example", 16, G),
    ("terminal@karang-terminal-docs.example", 16, G),
    ("no-reply@berth-confirmation.example", 17, G),
)
TASK_KEY = "HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Run"
# key, name, pattern, malware, day, marking, what it tells
BEHAVIOURS = (
    ("mutex", "Mutex of PELADUK", "[mutex:name = 'Global\\\\peladuk_7f3a']", "peladuk", 4, G, "One instance a host."),
    (
        "run-key",
        "Run key of LUBANG",
        "[windows-registry-key:key = '"
        + TASK_KEY.replace("\\", "\\\\")
        + "' AND windows-registry-key:values[*].name = 'PrintCheck']",
        "lubang",
        4,
        A,
        "It starts with the user.",
    ),
    (
        "long-names",
        "Long questions to a resolver",
        "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value ISSUBSET '203.0.113.0/24'"
        " AND network-traffic:dst_port = 443] REPEATS 20 TIMES WITHIN 600 SECONDS",
        "lubang",
        8,
        A,
        "A beat of thirty seconds.",
    ),
    (
        "shadow",
        "Shadow copies deleted",
        "[process:command_line MATCHES '(?i)vssadmin(\\\\.exe)?\\\\s+delete\\\\s+shadows']",
        "kancil",
        10,
        G,
        "Minutes before.",
    ),
    (
        "mail-then-image",
        "A plan by mail, then a disk image",
        "[email-message:subject LIKE '%shift plan%'] FOLLOWEDBY [file:name LIKE '%.img'] WITHIN 3600 SECONDS",
        "peladuk",
        4,
        G,
        "The first wave in one line.",
    ),
    (
        "certificate",
        "Certificate of the panel",
        f"[x509-certificate:hashes.'SHA-256' = '{sha256('panel certificate')}']",
        "getah",
        7,
        A,
        "The same one on three hosts.",
    ),
)
# where, what the indicator is called, day, how often, marking
SEEN = (
    ("hospital", "192.0.2.33", 3, 212, S),
    ("hospital", "198.51.100.90", 4, 48, S),
    ("hospital", "203.0.113.53", 6, 9124, S),
    ("hospital", "Shift_plan_February.img", 1, 3, S),
    ("hospital", "kc64.exe", 10, 38, R),
    ("hospital", "kc_esx", 10, 4, R),
    ("clinic", "192.0.2.34", 5, 17, S),
    ("clinic", "ward-rota.example", 2, 6, S),
    ("clinic", "sap.exe", 6, 2, S),
    ("port", "198.51.100.91", 18, 31, S),
    ("port", "berth-confirmation.example", 17, 12, S),
    ("port", "203.0.113.153", 19, 4410, S),
    ("port", "spoolcheck2.dll", 20, 5, S),
    ("port", "BL_20260218.img", 16, 2, S),
    ("telecom", "203.0.113.44", 9, 803, A),
    ("telecom", "quiet-names.example", 21, 57, A),
    ("health-isac", "dropfast-files.example", 7, 9, G),
    ("maritime-isac", "e-bill-of-lading.example", 18, 4, G),
    ("cert-norrvik", "198.51.100.201", 22, 1, A),
    ("cert-norrvik", "e-bill-of-lading.example", 19, 2, G),
    ("cert-norrvik", "Shadow copies deleted", 23, 1, A),
    ("lab", "Mutex of PELADUK", 5, 11, G),
)
STAGES = {
    "relay": ("initial-access", "peladuk"),
    "bills": ("initial-access", "peladuk"),
    "images": ("execution", "peladuk"),
    "stage": ("command-and-control", "peladuk"),
    "doh": ("command-and-control", "lubang"),
    "panel": ("exfiltration", "getah"),
    "bucket": ("exfiltration", "kancil"),
    "leak": ("impact", "kancil"),
}

WORDS = {
    "initial-access": "Sends the mails, or is named in them.",
    "execution": "Is opened by a person, or runs after what a person opened.",
    "command-and-control": "Hosts in trouble speak to it at night.",
    "exfiltration": "Receives what was gathered. A hit means that something has left.",
    "impact": "Where the crew counts down and negotiates.",
}


def tell_signs(pen: Pen) -> None:
    """Indicators, observables, what connects them, and the sightings are part of the story."""
    for place, day, tlp, *tails in ADDRESSES:
        for prefix, numbers in zip(("192.0.2.", "198.51.100.", "203.0.113."), tails, strict=True):
            for number in numbers:
                _tell_address(pen, "ipv4-addr", f"{prefix}{number}", place, day, tlp)
    for place, day, tlp, address in LONG_ADDRESSES:
        _tell_address(pen, "ipv6-addr", address, place, day, tlp)
    first_of = {place: _first_address(place) for place, *_ in ADDRESSES}
    for name, place, day, tlp in DOMAINS:
        value = pen.see("domain-name", tlp, value=name)
        _sign(pen, name, f"[domain-name:value = '{name}']", place, day, tlp)
        pen.link(
            value,
            "resolves-to",
            pen.see("ipv4-addr", tlp, value=first_of[place]),
            f"{day + 2} 11:00",
            "cert-tirta",
            tlp,
        )
        pen.link(id_of("infrastructure", place), "consists-of", value, f"{day + 2} 16:30", "cert-tirta", A)
    for address, place, day, tlp in URLS:
        pen.see("url", tlp, value=address)
        _sign(pen, address, f"[url:value = '{address}']", place, day, tlp)
    for name, size, malware, day, tlp, folder in FILES:
        _tell_file(pen, name, size, malware, day, tlp, folder)
    for sender, day, tlp in SENDERS:
        pen.see("email-addr", tlp, value=sender)
        pattern = f"[email-message:from_ref.value = '{sender}']"
        _sign(pen, sender, pattern, "relay" if day < 16 else "bills", day, tlp)
    for key, name, pattern, malware, day, tlp, words in BEHAVIOURS:
        _indicator(pen, name, pattern, malware, "execution", day, tlp, description=f"{words} ({key})")
    pen.see(
        "x509-certificate",
        A,
        hashes={"SHA-256": sha256("panel certificate")},
        serial_number="03:e7:19:aa",
        issuer="CN=Sap Root",
        subject="CN=collect.sap-gather.example",
        validity_not_before=at("2 00:00"),
        validity_not_after=at("92 00:00"),
    )
    for where, name, day, count, tlp in SEEN:
        pen.tell(
            "sighting",
            f"{where} {name}",
            f"{day + 1} 17:00",
            where,
            tlp,
            sighting_of_ref=id_of("indicator", name),
            where_sighted_refs=[id_of("identity", where)],
            first_seen=at(f"{day} 07:30"),
            last_seen=at(f"{day + 1} 16:00"),
            count=count,
        )


def _first_address(place: str) -> str:
    for name, _, _, *tails in ADDRESSES:
        for prefix, numbers in zip(("192.0.2.", "198.51.100.", "203.0.113."), tails, strict=True):
            if name == place and numbers:
                return f"{prefix}{numbers[0]}"
    raise KeyError(place)


def _tell_address(pen: Pen, kind: str, address: str, place: str, day: int, tlp: TLP) -> None:
    value = pen.see(kind, tlp, value=address)
    _sign(pen, address, f"[{kind}:value = '{address}']", place, day, tlp)
    pen.link(id_of("infrastructure", place), "consists-of", value, f"{day + 2} 16:00", "cert-tirta", A)


def _tell_file(pen: Pen, name: str, size: int, malware: str, day: int, tlp: TLP, folder: str) -> None:
    members: dict[str, Any] = {"hashes": {"SHA-256": sha256(name)}, "name": name, "size": size}
    if folder:
        members["parent_directory_ref"] = pen.see("directory", tlp, path=folder)
    pen.see("file", tlp, **members)
    _indicator(pen, name, f"[file:hashes.'SHA-256' = '{sha256(name)}']", malware, "execution", day, tlp)


def _sign(pen: Pen, name: str, pattern: str, place: str, day: int, tlp: TLP) -> None:
    stage, malware = STAGES[place]
    _indicator(pen, name, pattern, malware, stage, day, tlp)


def _indicator(
    pen: Pen, name: str, pattern: str, malware: str, stage: str, day: int, tlp: TLP, description: str = ""
) -> None:
    by = "lab" if malware in ("getah", "kancil-esxi") else "csirt-harbour" if day >= 16 else "cert-tirta"
    made = pen.tell(
        "indicator",
        name,
        f"{day + 2} 14:00",
        by,
        tlp,
        name=name,
        description=description or WORDS[stage],
        pattern=pattern,
        pattern_type="stix",
        pattern_version="2.1",
        indicator_types=["malicious-activity"],
        valid_from=at(f"{day} 00:00"),
        valid_until=at(f"{day + 180} 00:00"),
        confidence=70 if tlp is G else 85,
        kill_chain_phases=phase(stage),
    )
    pen.link(made, "indicates", id_of("malware", malware), f"{day + 2} 14:05", by, tlp)
