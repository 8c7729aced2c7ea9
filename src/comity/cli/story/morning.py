"""What came in this morning, after the story was told: nobody has published it yet."""

import json

from comity.cli.story.pen import Pen, at, id_of
from comity.stix.markings import TLP


def morning_bundle() -> bytes:
    """A bait and a report of it, as one STIX bundle."""
    pen = Pen()
    day = "40 06:10"
    bait = pen.tell(
        "indicator",
        "morning-bait",
        day,
        "cert-tirta",
        TLP.GREEN,
        name="Mail bait for hospital payrolls",
        description="A mail that offers a corrected payslip; the same loader as in February, under a new name.",
        indicator_types=["malicious-activity"],
        pattern="[domain-name:value = 'payslip-teluk.example']",
        pattern_type="stix",
        valid_from=at(day),
    )
    pen.link(bait, "indicates", id_of("malware", "peladuk"), day, "cert-tirta", TLP.GREEN)
    pen.tell(
        "report",
        "morning-report",
        day,
        "cert-tirta",
        TLP.GREEN,
        name="Payslips by mail: the loader is back",
        description="Two hospitals report the mail. Block the name, and ask who opened it.",
        report_types=["campaign"],
        published=at(day),
        object_refs=[bait, id_of("malware", "peladuk")],
    )
    bundle = {"type": "bundle", "id": id_of("bundle", "morning"), "objects": pen.objects}
    return json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode()
