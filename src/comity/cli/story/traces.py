"""What was observed: mails, a host, traffic, and what the laboratory found in the samples."""

from comity.cli.story.pen import JsonObject, Pen, at, id_of, observable_id, sha256
from comity.stix.markings import TLP

G, A, S, R = TLP.GREEN, TLP.AMBER, TLP.AMBER_STRICT, TLP.RED


def tell_traces(pen: Pen) -> None:
    """What was observed and analysed is part of the story."""
    _tell_mail(pen)
    _tell_host(pen)
    _tell_traffic(pen)
    _tell_analyses(pen)


def _observed(pen: Pen, key: str, when: str, by: str, tlp: TLP, count: int, *refs: str) -> str:
    day = when.partition(" ")[0]
    return pen.tell(
        "observed-data",
        key,
        f"{int(day) + 1} 08:00",
        by,
        tlp,
        first_observed=at(when),
        last_observed=at(f"{day} 23:30"),
        number_observed=count,
        object_refs=list(refs),
    )


def _tell_mail(pen: Pen) -> None:
    mails = (
        (
            "hospital",
            0,
            "planning@shift-plan-teluk.example",
            "Your shift plan for February",
            "ward4@teluk-biru.example",
            31,
        ),
        ("clinic", 1, "rota@ward-rota.example", "Rota: please confirm your shift plan", "desk@sari-bay.example", 12),
        ("port", 16, "docs@e-bill-of-lading.example", "Bill of lading KE-4471", "agents@karang-emas.example", 19),
    )
    for who, day, sender, subject, to, count in mails:
        source, target = pen.see("email-addr", G, value=sender), pen.see("email-addr", S, value=to)
        body = "Please find the plan in the attachment. Open it from the drive that appears."
        mail = pen.see(
            "email-message",
            S,
            is_multipart=False,
            date=at(f"{day} 05:12"),
            subject=subject,
            from_ref=source,
            to_refs=[target],
            body=body,
        )
        seen = _observed(pen, f"mail {who}", f"{day} 05:12", who, S, count, mail, source, target)
        pen.link(id_of("indicator", sender), "based-on", seen, f"{day + 2} 20:00", "cert-tirta", S)


def _tell_host(pen: Pen) -> None:
    user = pen.see(
        "user-account",
        S,
        account_type="windows-domain",
        user_id="svc-backup",
        account_login="svc-backup",
        display_name="Backup service",
    )
    folder = pen.see("directory", A, path="C:\\ProgramData\\PrintCheck")
    loader = observable_id(
        "file",
        {"hashes": {"SHA-256": sha256("spoolcheck.dll")}, "name": "spoolcheck.dll", "parent_directory_ref": folder},
    )
    process = pen.see(
        "process",
        S,
        pid=4471,
        created_time=at("2 22:14"),
        image_ref=loader,
        creator_user_ref=user,
        command_line='rundll32.exe "C:\\ProgramData\\PrintCheck\\spoolcheck.dll",Check',
    )
    key = pen.see(
        "windows-registry-key",
        A,
        key="HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Run",
        values=[{"name": "PrintCheck", "data": "rundll32 spoolcheck.dll,Check", "data_type": "REG_SZ"}],
    )
    mutex = pen.see("mutex", G, name="Global\\peladuk_7f3a")
    seen = _observed(pen, "host", "2 22:14", "hospital", S, 5, process, loader, user, key, mutex)
    pen.link(id_of("indicator", "Run key of LUBANG"), "based-on", seen, "4 20:00", "cert-tirta", S)
    pen.link(id_of("indicator", "Mutex of PELADUK"), "based-on", seen, "4 20:05", "cert-tirta", S)
    wipe = pen.see(
        "process", S, pid=7020, created_time=at("10 01:58"), command_line="vssadmin delete shadows /all /quiet"
    )
    seen = _observed(pen, "shadow", "10 01:58", "hospital", S, 38, wipe)
    pen.link(id_of("indicator", "Shadow copies deleted"), "based-on", seen, "10 21:00", "cert-tirta", S)
    gateway = pen.see("software", A, name="Access Gateway", vendor="Example Networks", version="13.0-91.12")
    _observed(pen, "gateway", "9 03:30", "csirt-harbour", A, 1, gateway)


def _tell_traffic(pen: Pen) -> None:
    number = pen.see("autonomous-system", G, number=64496, name="Kite transit (documentation)")
    flows = (
        ("hospital", 3, "192.0.2.33", "10.20.4.17", 443, 212, 1843200),
        ("hospital", 6, "203.0.113.53", "10.20.4.17", 443, 9124, 4511232),
        ("hospital", 8, "192.0.2.240", "10.20.9.3", 443, 77, 44023414784),
        ("port", 19, "203.0.113.153", "10.60.1.44", 443, 4410, 2211840),
        ("clinic", 5, "192.0.2.34", "10.20.88.2", 8443, 17, 90112),
    )
    for who, day, far, near, port, count, sent in flows:
        target = pen.see("ipv4-addr", A, value=far)
        source = pen.see("ipv4-addr", R, value=near)
        flow = pen.see(
            "network-traffic",
            S,
            start=at(f"{day} 02:11"),
            end=at(f"{day} 02:58"),
            src_ref=source,
            dst_ref=target,
            src_port=49722,
            dst_port=port,
            protocols=["ipv4", "tcp", "tls"],
            src_byte_count=sent,
        )
        seen = _observed(pen, f"flow {who} {far}", f"{day} 02:11", who, S, count, flow, source, target)
        pen.link(id_of("indicator", far), "based-on", seen, f"{day + 2} 20:30", "cert-tirta", S)
    first = observable_id("ipv4-addr", {"value": "198.51.100.90"})
    pen.link(first, "belongs-to", number, "5 12:00", "telecom", G)
    adapter = pen.see("mac-addr", R, value="02:00:5e:10:00:4a")
    pen.link(pen.see("ipv4-addr", R, value="10.20.4.17"), "resolves-to", adapter, "3 12:00", "hospital", R)


def _tell_analyses(pen: Pen) -> None:
    for key, name, malware, result, day in (
        ("plan", "plan.dat", "peladuk", "malicious", 4),
        ("sap", "sap.exe", "getah", "malicious", 7),
        ("kc64", "kc64.exe", "kancil", "malicious", 12),
        ("note", "READ_ME_PLEASE.txt", "kancil", "benign", 12),
    ):
        members: JsonObject = {"hashes": {"SHA-256": sha256(name)}, "name": name}
        if name == "kc64.exe":
            members["parent_directory_ref"] = observable_id("directory", {"path": "C:\\Windows\\Temp"})
        made = pen.tell(
            "malware-analysis",
            key,
            f"{day} 10:00",
            "lab",
            A,
            product="lanternworks-bench",
            version="4.2",
            result=result,
            sample_ref=observable_id("file", members),
            analysis_started=at(f"{day} 08:00"),
            analysis_ended=at(f"{day} 09:40"),
            submitted=at(f"{day} 07:45"),
        )
        word = "static-analysis-of" if result == "benign" else "dynamic-analysis-of"
        pen.link(made, word, id_of("malware", malware), f"{day} 10:10", "lab", A)
