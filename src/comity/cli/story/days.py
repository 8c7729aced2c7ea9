"""What happened, day by day: what was observed, the incidents, notes and reports, and how what was known changed."""

from comity.cli.story.pen import Pen, at, id_of, marking_id
from comity.stix.markings import TLP
from comity.stix.tlp import MARKING_IDS, standard_definition

C, G, A, S, R = TLP.CLEAR, TLP.GREEN, TLP.AMBER, TLP.AMBER_STRICT, TLP.RED

TLP1_GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
TERMS = "Lanternworks Labs shares this for defence. Name the source when you pass it on; do not sell it."

# key, day, by, marking, what it is about (kind, key), abstract, content
NOTES = (
    (
        "first-call",
        1,
        "hospital",
        S,
        ("incident", "teluk"),
        "First call",
        "06:40 the nurse of ward 4 calls: her screen flickers since she opened a shift plan. Desk off the network.",
    ),
    (
        "wrong-lead",
        3,
        "cert-tirta",
        A,
        ("indicator", "192.0.2.240"),
        "Not theirs alone",
        "The address also serves a school's web site. Do not block it without a look at the host name.",
    ),
    (
        "hours",
        6,
        "cert-norrvik",
        A,
        ("intrusion-set", "kancil"),
        "Office hours",
        "No command was ever typed between 09:00 and 17:00 local time. They work nights, or elsewhere.",
    ),
    (
        "blood",
        10,
        "hospital",
        R,
        ("incident", "teluk"),
        "Blood bank by telephone",
        "Orders of blood go by telephone and paper until Thursday. Two theatres keep working. Not for the press.",
    ),
    (
        "keys",
        13,
        "lab",
        S,
        ("malware", "kancil"),
        "Keys are not reused",
        "Each host has its own key; a key from one host opens nothing on another. No flaw found so far.",
    ),
    (
        "offline-copy",
        14,
        "cert-tirta",
        G,
        ("course-of-action", "backup"),
        "What saved the archive",
        "The imaging archive was restored in 31 hours from a copy that no domain account could reach.",
    ),
    (
        "berth-four",
        19,
        "csirt-harbour",
        S,
        ("incident", "karang"),
        "Berth 4 by hand",
        "The crane of berth 4 is run by hand as a precaution. No control system was touched.",
    ),
    (
        "thanks",
        34,
        "port",
        G,
        ("report", "lessons"),
        "Why the second wave failed",
        "The port blocked forty names on the strength of the hospital's sharing, two days before the first mail came.",
    ),
)
# key, day, by, marking, types, name, description, what is in it (kind, key)
REPORTS = (
    (
        "warning",
        4,
        "cert-tirta",
        G,
        ["campaign"],
        "Warning: shift plans with a disk image",
        "Mails with a shift plan reach wards. Hold back disk images, look for the names and addresses given here.",
        (
            ("campaign", "shift-plan"),
            ("malware", "peladuk"),
            ("attack-pattern", "T1566.001"),
            ("course-of-action", "mail"),
            ("indicator", "shift-plan-teluk.example"),
            ("indicator", "ward-rota.example"),
            ("indicator", "Shift_plan_February.img"),
        ),
    ),
    (
        "loader",
        6,
        "lab",
        "lab-terms",
        ["malware"],
        "PELADUK takes its time",
        "How the loader unpacks, waits for a hand on the mouse, and what it asks its server.",
        (
            ("malware", "peladuk"),
            ("malware", "lubang"),
            ("indicator", "Mutex of PELADUK"),
            ("indicator", "cdn-ward.example"),
            ("attack-pattern", "T1027"),
            ("attack-pattern", "T1204.002"),
        ),
    ),
    (
        "hospital",
        11,
        "cert-tirta",
        S,
        ["threat-report"],
        "Teluk Biru: state on day eleven",
        "What was encrypted, what works, what is needed from others tonight.",
        (
            ("incident", "teluk"),
            ("identity", "hospital"),
            ("malware", "kancil"),
            ("malware", "kancil-esxi"),
            ("indicator", "kc64.exe"),
            ("indicator", "kc_esx"),
        ),
    ),
    (
        "harbour-warning",
        17,
        "csirt-harbour",
        G,
        ["campaign", "indicator"],
        "Bills of lading that nobody sent",
        "The second wave aims at shipping agents. The same loader, new names.",
        (
            ("campaign", "bill-of-lading"),
            ("malware", "peladuk"),
            ("indicator", "e-bill-of-lading.example"),
            ("indicator", "berth-confirmation.example"),
            ("indicator", "BL_20260218.img"),
        ),
    ),
    (
        "old-friends",
        24,
        "cert-norrvik",
        TLP1_GREEN,
        ["threat-actor"],
        "An older case that looks like it",
        "A shipping line in Norrvik met the same resolver last autumn. Marked by the old protocol, as it was then.",
        (("intrusion-set", "kancil"), ("infrastructure", "doh"), ("indicator", "resolver.burrow-dns.example")),
    ),
    (
        "crew",
        30,
        "cert-tirta",
        R,
        ["threat-actor"],
        "Who they may be",
        "Named recipients only. Low confidence; two services disagree.",
        (
            ("threat-actor", "crew"),
            ("intrusion-set", "kancil"),
            ("campaign", "shift-plan"),
            ("campaign", "bill-of-lading"),
        ),
    ),
    (
        "lessons",
        33,
        "health-isac",
        C,
        ["attack-pattern"],
        "Thirteen measures, in the order of what they saved",
        "For every hospital and port: what held, what did not, and what cost nothing.",
        (
            ("course-of-action", "backup"),
            ("course-of-action", "segment"),
            ("course-of-action", "mail"),
            ("course-of-action", "names"),
            ("attack-pattern", "T1486"),
            ("attack-pattern", "T1566.001"),
        ),
    ),
)


def tell_markings(pen: Pen) -> None:
    """Every TLP 2.0 marking, one of TLP 1, and the terms of a laboratory are part of the story."""
    for ident in (*MARKING_IDS.values(), TLP1_GREEN):
        value = standard_definition(ident)
        assert value is not None
        pen.write(value)
    pen.write(
        {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": id_of("marking-definition", "lab-terms"),
            "created_by_ref": id_of("identity", "lab"),
            "created": at("4 07:00"),
            "definition_type": "statement",
            "definition": {"statement": TERMS},
        }
    )


def tell_days(pen: Pen) -> None:
    """The incidents, what was observed, notes and reports are part of the story."""
    _tell_incidents(pen)
    for key, day, by, tlp, types, name, words, parts in REPORTS:
        markings = [marking_id(tlp)] + ([marking_id(A)] if tlp == "lab-terms" else [])
        pen.tell(
            "report",
            key,
            f"{day} 18:00",
            by,
            tlp,
            name=name,
            description=words,
            report_types=types,
            published=at(f"{day} 18:30"),
            object_refs=[id_of(kind, part) for kind, part in parts],
        )
        if len(markings) > 1:
            pen.objects[-1]["object_marking_refs"] = markings
    for key, day, by, tlp, (kind, about), abstract, content in NOTES:
        pen.tell(
            "note",
            key,
            f"{day} 19:00",
            by,
            tlp,
            abstract=abstract,
            content=content,
            object_refs=[id_of(kind, about)],
        )
    pen.tell(
        "grouping",
        "look-here",
        "3 08:00",
        "cert-tirta",
        A,
        name="Look here first",
        context="suspicious-activity",
        description="What the first desk had spoken to.",
        object_refs=[id_of("indicator", name) for name in ("192.0.2.33", "cdn-ward.example", "plan.dat")],
    )


def _tell_incidents(pen: Pen) -> None:
    teluk = pen.tell(
        "incident",
        "teluk",
        "1 07:10",
        "hospital",
        A,
        name="Teluk Biru Regional Hospital: ransomware",
        description="A desk on ward 4 behaves oddly. Being looked into.",
        granular_markings=[{"marking_ref": marking_id(S), "selectors": ["description"]}],
    )
    karang = pen.tell(
        "incident",
        "karang",
        "18 08:00",
        "csirt-harbour",
        A,
        name="Karang Emas: intrusion stopped before harm",
        description="Two agents opened a bill of lading.",
        granular_markings=[{"marking_ref": marking_id(S), "selectors": ["description"]}],
    )
    for incident, wave, who, day in ((teluk, "shift-plan", "hospital", 5), (karang, "bill-of-lading", "port", 20)):
        pen.link(id_of("campaign", wave), "related-to", incident, f"{day} 09:00", "cert-tirta", A)
        pen.link(incident, "related-to", id_of("identity", who), f"{day} 09:10", "cert-tirta", S)


def tell_changes(pen: Pen) -> None:
    """What was said before is said again, better: new versions, and one indicator that is taken back."""
    teluk, karang = id_of("incident", "teluk"), id_of("incident", "karang")
    pen.again(
        teluk,
        "10 06:00",
        description="38 servers, 211 desks encrypted. Emergency room open; surgery moved.",
    )
    pen.again(teluk, "15 12:00", description="Laboratory and imaging restored. Letters of discharge still on paper.")
    pen.again(
        teluk, "31 09:00", description="All restored. Nothing was paid. 41 GB were taken; patients are being told."
    )
    pen.again(karang, "22 17:00", description="Loader and backdoor removed from five hosts. No ship waited.")
    kancil = id_of("intrusion-set", "kancil")
    pen.again(kancil, "13 15:00", confidence=75, last_seen=at("13 03:00"))
    pen.again(
        kancil,
        "40 10:00",
        confidence=85,
        last_seen=at("39 23:00"),
        description=(
            "What belongs together by loader, resolver and hours: two waves, a hospital, a port, an older case."
        ),
    )
    pen.again(id_of("campaign", "shift-plan"), "15 12:00", last_seen=at("9 22:00"))
    pen.again(id_of("campaign", "bill-of-lading"), "26 12:00", last_seen=at("24 20:00"))
    for name in ("192.0.2.33", "203.0.113.53", "cdn-ward.example", "resolver.burrow-dns.example", "kc64.exe"):
        pen.again(id_of("indicator", name), "12 09:00", confidence=95)
    pen.again(
        id_of("indicator", "cdn-ward.example"),
        "27 09:00",
        object_marking_refs=[MARKING_IDS[G]],
        description="Seen at both victims; widened from AMBER to GREEN with the consent of the hospital.",
    )
    pen.again(
        id_of("indicator", "192.0.2.240"),
        "21 09:00",
        revoked=True,
        description="Taken back: the address is shared with a school. Use the host name instead.",
    )
    pen.again(
        id_of("malware", "kancil"),
        "28 11:00",
        description=(
            "Encrypts files in stripes and leaves a polite note in three languages. Skips small files since March."
        ),
    )
