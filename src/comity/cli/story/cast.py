"""Who and what is in the story: organizations, places, the intruders and their ways, and what helps.

Everything is invented, but for the names of public tools and weaknesses and the numbers of ATT&CK techniques.
"""

from comity.cli.story.pen import Pen, at, attack, id_of, phase
from comity.stix.markings import TLP

C, G, A, S, R = TLP.CLEAR, TLP.GREEN, TLP.AMBER, TLP.AMBER_STRICT, TLP.RED

# key, name, class, sectors, what it is
ORGANIZATIONS = (
    ("cert-tirta", "CERT Tirta", "organization", ["government"], "National CERT; it leads the story."),
    ("cert-norrvik", "CERT Norrvik", "organization", ["government"], "The national CERT across the sea."),
    ("csirt-harbour", "Harbour CSIRT", "organization", ["transportation"], "The CSIRT of the port authority."),
    ("health-isac", "Nusa Health ISAC", "organization", ["healthcare"], "Hospitals that warn each other."),
    ("maritime-isac", "Straits Maritime ISAC", "organization", ["transportation"], "Ports and shipping lines."),
    ("hospital", "Teluk Biru Regional Hospital", "organization", ["healthcare"], "540 beds; the first to be hit."),
    ("clinic", "Sari Bay Clinics", "organization", ["healthcare"], "Eleven clinics that share the hospital's network."),
    ("port", "Port Authority of Karang Emas", "organization", ["transportation"], "Runs the container terminal."),
    ("lab", "Lanternworks Labs", "organization", ["technology"], "Takes malware apart."),
    ("telecom", "Blue Kite Telecom", "organization", ["telecommunications"], "Internet provider of hospital and port."),
    ("ceramics", "Gerabah Ceramics", "organization", ["manufacturing"], "Its mail server was borrowed by the crew."),
    ("regional-hospitals", "Regional hospitals", "class", ["healthcare"], "Hospitals of 200 to 800 beds."),
)
# key, name, region, latitude, longitude
PLACES = (
    ("nusa", "Nusa Biru", "south-eastern-asia", -2.5, 117.0),
    ("norrvik", "Norrvik", "northern-europe", 61.0, 9.0),
    ("strait", "The Karang Strait", "south-eastern-asia", -3.2, 118.4),
)
# key, name, type, what it does, is it a family, aliases, capabilities
MALWARE: tuple[tuple[str, str, list[str], bool, list[str], list[str], str], ...] = (
    (
        "peladuk",
        "PELADUK",
        ["downloader"],
        True,
        ["Mouse-deer loader"],
        ["fingerprints-host", "installs-other-components"],
        "A loader in a disk image that waits for a person to move the mouse, and fetches one more stage.",
    ),
    (
        "getah",
        "GETAH",
        ["spyware"],
        True,
        ["Sap"],
        ["steals-authentication-credentials", "exfiltrates-data"],
        "Gathers saved passwords and session cookies of browsers, and packs them with a fixed key.",
    ),
    (
        "kancil",
        "KANCIL",
        ["ransomware"],
        True,
        ["KancilLock"],
        ["compromises-data-availability", "evades-av"],
        "Encrypts files in stripes and leaves a polite note in three languages. Windows and ESXi.",
    ),
    (
        "kancil-esxi",
        "KANCIL for ESXi",
        ["ransomware"],
        False,
        [],
        ["compromises-data-availability"],
        "The variant that stops virtual machines before it encrypts their disks.",
    ),
    (
        "lubang",
        "LUBANG",
        ["backdoor"],
        True,
        ["Burrow"],
        ["communicates-with-c2", "persists-after-system-reboot"],
        "A small backdoor that speaks over DNS-over-HTTPS and sleeps through office hours.",
    ),
)
# key, name, type, ATT&CK software number, how the crew used it
TOOLS = (
    ("psexec", "PsExec", "remote-access", "S0029", "Copied the ransomware to the servers."),
    ("rclone", "Rclone", "exploitation", "S1040", "Carried 41 GB of files away, by night."),
    ("adfind", "AdFind", "information-gathering", "S0552", "Listed computers and groups of the domain."),
    ("impacket", "Impacket", "exploitation", "S0357", "Ran commands on servers with a stolen ticket."),
    ("mimikatz", "Mimikatz", "credential-exploitation", "S0002", "Was blocked on two of five hosts."),
    ("ngrok", "ngrok", "remote-access", "S0508", "Kept a way back through the firewall."),
)
# technique, name, phase, what was seen, what helps (a key of MEASURES)
TECHNIQUES = (
    (
        "T1589.002",
        "Email Addresses",
        "reconnaissance",
        "Addresses were taken from the hospital's list of wards.",
        "train",
    ),
    (
        "T1583.001",
        "Domains",
        "resource-development",
        "Names that look like the health ministry's were registered.",
        "names",
    ),
    ("T1584.004", "Server", "resource-development", "The mail server of a ceramics maker was taken over.", "names"),
    ("T1608.001", "Upload Malware", "resource-development", "Disk images were put on a file-sharing site.", "web"),
    ("T1566.001", "Spearphishing Attachment", "initial-access", "Mails about a shift plan held a disk image.", "mail"),
    ("T1566.002", "Spearphishing Link", "initial-access", "Mails about a bill of lading led to a disk image.", "mail"),
    (
        "T1190",
        "Exploit Public-Facing Application",
        "initial-access",
        "The port's gateway had not been patched.",
        "patch",
    ),
    ("T1204.002", "Malicious File", "execution", "A nurse opened the image and its shortcut.", "train"),
    ("T1059.001", "PowerShell", "execution", "One line of PowerShell fetched the next stage.", "scripts"),
    ("T1047", "Windows Management Instrumentation", "execution", "Commands were run from host to host.", "admin"),
    ("T1053.005", "Scheduled Task", "persistence", "A task with the name of a printer driver.", "watch"),
    ("T1547.001", "Registry Run Keys / Startup Folder", "persistence", "A run key started the loader.", "watch"),
    ("T1078.002", "Domain Accounts", "privilege-escalation", "An account of the backup software was used.", "mfa"),
    ("T1068", "Exploitation for Privilege Escalation", "privilege-escalation", "An old driver was loaded.", "patch"),
    ("T1562.001", "Disable or Modify Tools", "defense-evasion", "Protection was stopped by group policy.", "watch"),
    ("T1070.001", "Clear Windows Event Logs", "defense-evasion", "Logs of three servers were emptied.", "logs"),
    ("T1027", "Obfuscated Files or Information", "defense-evasion", "The loader unpacks itself twice.", "web"),
    ("T1003.001", "LSASS Memory", "credential-access", "Memory of the logon process was dumped.", "admin"),
    ("T1555.003", "Credentials from Web Browsers", "credential-access", "Saved passwords were gathered.", "mfa"),
    ("T1018", "Remote System Discovery", "discovery", "AdFind listed all computers in four minutes.", "watch"),
    ("T1083", "File and Directory Discovery", "discovery", "Shares were searched for scans and contracts.", "watch"),
    ("T1021.001", "Remote Desktop Protocol", "lateral-movement", "From the ward to the imaging servers.", "segment"),
    ("T1021.002", "SMB/Windows Admin Shares", "lateral-movement", "The ransomware came by the admin share.", "segment"),
    ("T1560.001", "Archive via Utility", "collection", "Files were packed in volumes of 500 MB.", "logs"),
    ("T1071.004", "DNS", "command-and-control", "The backdoor asked long names.", "dns"),
    ("T1572", "Protocol Tunneling", "command-and-control", "A tunnel was kept to a public service.", "dns"),
    ("T1567.002", "Exfiltration to Cloud Storage", "exfiltration", "Rclone copied to a rented bucket.", "logs"),
    ("T1490", "Inhibit System Recovery", "impact", "Shadow copies were deleted.", "backup"),
    ("T1489", "Service Stop", "impact", "Databases were stopped first.", "backup"),
    ("T1486", "Data Encrypted for Impact", "impact", "38 servers and 211 desks were encrypted.", "backup"),
)
MEASURES = (
    (
        "train",
        "Say what a shift plan looks like",
        "Tell staff in two sentences by which way plans and bills come, and never else.",
    ),
    (
        "names",
        "Watch for names like yours",
        "Look daily through new domain names and certificates for ones that resemble yours.",
    ),
    (
        "mail",
        "Hold back disk images",
        "Let no ISO, IMG, VHD or LNK through the mail gateway; show outside senders as such.",
    ),
    ("web", "Detonate downloads", "Open what comes from file-sharing sites in a sandbox before a person does."),
    ("patch", "Patch what faces outward within 72 hours", "Keep a list of gateways with owner and version."),
    ("scripts", "Let only signed scripts run", "Constrained language mode on desks; record script blocks."),
    (
        "admin",
        "Keep administrators apart",
        "Separate accounts and hosts for administration; protect the logon process.",
    ),
    ("watch", "Alert on quiet changes", "New tasks, run keys, and protection that stops are alerts at any hour."),
    (
        "mfa",
        "A second factor for services too",
        "No service account signs in interactively; others need a second factor.",
    ),
    ("logs", "Ship logs off the host", "A log that is emptied on the host is still whole at the collector."),
    ("segment", "Wards, imaging and administration apart", "No RDP or SMB between them, but by a jump host."),
    ("dns", "Own your resolver", "Block DNS-over-HTTPS to strangers; look at names of over 60 characters."),
    (
        "backup",
        "One backup out of reach",
        "A copy that no domain account can delete; restored once a quarter, with a clock.",
    ),
)
# key, CVE or nothing, name, what it is
WEAKNESSES = (
    ("netlogon", "CVE-2020-1472", "An old domain controller of the clinics still took unsigned Netlogon."),
    ("log4j", "CVE-2021-44228", "A scheduling server of the port used an old logging library."),
    ("printer", "CVE-2021-34527", "The spooler ran on servers that print nothing."),
    ("gateway", "CVE-2023-3519", "The port's remote access gateway was one patch behind."),
    ("berth", "", "The berth planning web service takes any session number under 10,000 (fixed by its maker)."),
)
# key, name, type, what it was for, first day, last day
INFRASTRUCTURE = (
    ("relay", "Borrowed mail server", ["phishing"], "Sent the mails of the first wave.", 0, 9),
    ("bills", "Bill-of-lading site", ["phishing", "hosting-malware"], "Sent the mails of the second wave.", 16, 24),
    ("images", "File drop", ["hosting-malware", "staging"], "Held the disk images.", 0, 24),
    ("stage", "Second stage hosts", ["staging"], "Gave the next stage to hosts that looked right.", 1, 26),
    ("doh", "Resolver of the backdoor", ["command-and-control"], "Answered for LUBANG.", 2, 40),
    ("panel", "Panel of the stealer", ["command-and-control", "exfiltration"], "Took what GETAH gathered.", 3, 33),
    ("bucket", "Rented bucket", ["exfiltration"], "Took what Rclone carried.", 8, 30),
    ("leak", "Leak site", ["hosting-target-lists"], "Counted down in public.", 12, 45),
)

SPEAKING = (("peladuk", "beacons-to", "stage"), ("lubang", "beacons-to", "doh"), ("getah", "exfiltrates-to", "panel"))


def tell_cast(pen: Pen) -> None:
    """Everybody and everything that the story speaks of is part of it."""
    for key, name, kind, sectors, words in ORGANIZATIONS:
        marking = A if key in ("hospital", "clinic", "port", "ceramics") else C
        by = "lab" if key == "lab" else "cert-norrvik" if key == "cert-norrvik" else "cert-tirta"
        pen.tell(
            "identity",
            key,
            "0 06:00",
            by,
            marking,
            name=name,
            identity_class=kind,
            sectors=sectors,
            description=words,
        )
    for key, name, region, latitude, longitude in PLACES:
        where = {"latitude": latitude, "longitude": longitude, "precision": 400000.0}
        pen.tell("location", key, "0 06:10", "cert-tirta", C, name=name, region=region, **where)
    for key, place in (("cert-tirta", "nusa"), ("hospital", "nusa"), ("port", "strait"), ("cert-norrvik", "norrvik")):
        pen.link(id_of("identity", key), "located-at", id_of("location", place), "0 06:20", "cert-tirta", C)
    _tell_intruders(pen)
    _tell_ways(pen)


def _tell_intruders(pen: Pen) -> None:
    pen.tell(
        "threat-actor",
        "crew",
        "5 10:00",
        "cert-tirta",
        S,
        name="Sly Deer Crew",
        threat_actor_types=["crime-syndicate"],
        aliases=["SDC"],
        roles=["director", "malware-author"],
        goals=["Money"],
        sophistication="intermediate",
        resource_level="organization",
        primary_motivation="personal-gain",
        confidence=40,
        description="A crew of perhaps six. They write well, keep appointments, and are offended when called hackers.",
    )
    pen.tell(
        "intrusion-set",
        "kancil",
        "5 10:30",
        "cert-tirta",
        A,
        name="KANCIL",
        aliases=["Mouse-deer"],
        first_seen=at("0 05:00"),
        goals=["Extortion"],
        resource_level="organization",
        primary_motivation="personal-gain",
        confidence=60,
        description="What belongs together by its loader, resolver and hours. Named after the clever mouse-deer.",
    )
    waves = (("shift-plan", "Shift Plan", 0), ("bill-of-lading", "Bill of Lading", 16))
    for key, name, day in waves:
        pen.tell(
            "campaign",
            key,
            f"{day + 2} 12:00",
            "cert-tirta",
            A,
            name=name,
            first_seen=at(f"{day} 05:00"),
            objective="Access to be sold or encrypted",
            description=f"Mails about a {name.lower()}, each with a disk image that nobody asked for.",
        )
        pen.link(
            id_of("campaign", key),
            "attributed-to",
            id_of("intrusion-set", "kancil"),
            f"{day + 5} 12:00",
            "cert-tirta",
            A,
        )
    crew, group = id_of("threat-actor", "crew"), id_of("intrusion-set", "kancil")
    pen.link(group, "attributed-to", crew, "13 16:00", "cert-tirta", S, confidence=40)
    for key, name, types, family, aliases, capabilities, words in MALWARE:
        more = {"aliases": aliases} if aliases else {}
        pen.tell(
            "malware",
            key,
            "4 08:00",
            "lab",
            G,
            name=name,
            malware_types=types,
            is_family=family,
            capabilities=capabilities,
            description=words,
            **more,
        )
        pen.link(group, "uses", id_of("malware", key), "6 09:00", "cert-tirta", A)
    pen.link(id_of("malware", "kancil-esxi"), "variant-of", id_of("malware", "kancil"), "12 09:00", "lab", G)
    for first, word, second in (
        ("peladuk", "downloads", "lubang"),
        ("peladuk", "drops", "getah"),
        ("lubang", "drops", "kancil"),
    ):
        pen.link(id_of("malware", first), word, id_of("malware", second), "6 09:30", "lab", G)


def _tell_ways(pen: Pen) -> None:
    group = id_of("intrusion-set", "kancil")
    for key, name, kind, number, words in TOOLS:
        reference = {
            "source_name": "mitre-attack",
            "external_id": number,
            "url": f"https://attack.mitre.org/software/{number}",
        }
        pen.tell(
            "tool",
            key,
            "6 08:00",
            "cert-tirta",
            G,
            name=name,
            tool_types=[kind],
            description=words,
            external_references=[reference],
        )
        pen.link(group, "uses", id_of("tool", key), "6 10:00", "cert-tirta", A)
    for key, name, words in MEASURES:
        pen.tell("course-of-action", key, "14 09:00", "health-isac", C, name=name, description=words)
    for technique, name, stage, seen, measure in TECHNIQUES:
        pen.tell(
            "attack-pattern",
            technique,
            "7 09:00",
            "cert-tirta",
            G,
            name=name,
            description=seen,
            kill_chain_phases=phase(stage),
            external_references=[attack(technique)],
        )
        way = id_of("attack-pattern", technique)
        pen.link(group, "uses", way, "7 11:00", "cert-tirta", A, description=seen)
        pen.link(id_of("course-of-action", measure), "mitigates", way, "14 10:00", "health-isac", C)
    for key, number, words in WEAKNESSES:
        reference = {"source_name": "cve", "external_id": number}
        more = {"external_references": [reference]} if number else {}
        pen.tell(
            "vulnerability",
            key,
            "9 09:00",
            "csirt-harbour",
            A,
            name=number or "Berth sessions",
            description=words,
            **more,
        )
        pen.link(group, "targets", id_of("vulnerability", key), "9 10:00", "csirt-harbour", A)
        pen.link(
            id_of("course-of-action", "patch"), "mitigates", id_of("vulnerability", key), "14 10:00", "health-isac", G
        )
    for key, name, types, words, first, last in INFRASTRUCTURE:
        pen.tell(
            "infrastructure",
            key,
            f"{first + 2} 15:00",
            "cert-tirta",
            A,
            name=name,
            infrastructure_types=types,
            description=words,
            first_seen=at(f"{first} 04:00"),
            last_seen=at(f"{last} 23:00"),
        )
        pen.link(group, "uses", id_of("infrastructure", key), f"{first + 3} 15:00", "cert-tirta", A)
    for malware, word, place in SPEAKING:
        pen.link(id_of("malware", malware), word, id_of("infrastructure", place), "7 16:00", "lab", G)
    for who in ("hospital", "clinic", "port", "regional-hospitals"):
        pen.link(group, "targets", id_of("identity", who), "7 17:00", "cert-tirta", S)
