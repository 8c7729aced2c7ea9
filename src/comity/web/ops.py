"""What a supervisor, a monitor and a finder of a fault ask of a node."""

from datetime import timedelta

import orjson

from comity.errors import NotAuthorized, NotFound
from comity.node.access import Access
from comity.web.answer import JSON_TYPE, TEXT_TYPE, Answer
from comity.web.call import Call

SECURITY_TXT_DAYS = 90
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def healthz(_call: Call) -> Answer:
    """The process answers. Nothing else is said to strangers."""
    return Answer(b'{"status":"ok"}', media_type=JSON_TYPE)


def security_txt(call: Call) -> Answer:
    """RFC 9116: whom to tell of a fault. NotFound where the operator set no contact."""
    contact = call.node.settings.contact
    if not contact:
        raise NotFound("This node names no contact.")
    expires = (call.node.clock.now() + timedelta(days=SECURITY_TXT_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Answer(f"Contact: {contact}\nExpires: {expires}\nPreferred-Languages: en\n".encode(), media_type=TEXT_TYPE)


def readyz(call: Call, _access: Access) -> Answer:
    """Whether the node can do its work, and if not, why; and what wants a person though it can."""
    problems, cautions = call.node.ready(), call.node.cautions()
    body: dict[str, object] = {"status": "not ready", "problems": problems} if problems else {"status": "ready"}
    if cautions:
        body["cautions"] = cautions
    return Answer(orjson.dumps(body), 503 if problems else 200, JSON_TYPE)


def metrics(call: Call, access: Access) -> Answer:
    """Counters and sizes of the whole node, so only for who may read all of it."""
    if not access.may_read_all:
        raise NotAuthorized("The metrics count every collection, and this credential may not read every one.")
    return Answer(call.services.metrics.text(), media_type=METRICS_TYPE)
