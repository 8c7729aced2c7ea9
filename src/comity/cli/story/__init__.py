"""The sample story of `comity demo`: a shift plan by mail, a hospital whose screens go dark, a port warned in time."""

import json
from functools import cache

from comity.cli.story.pen import JsonObject


@cache
def story() -> tuple[JsonObject, ...]:
    """Every object of the story, the same each time; what is told twice is in it in both versions."""
    from comity.cli.story.cast import tell_cast
    from comity.cli.story.days import tell_changes, tell_days, tell_markings
    from comity.cli.story.pen import Pen
    from comity.cli.story.signs import tell_signs
    from comity.cli.story.traces import tell_traces

    pen = Pen()
    tell_markings(pen)
    tell_cast(pen)
    tell_signs(pen)
    tell_traces(pen)
    tell_days(pen)
    tell_changes(pen)
    return tuple(pen.objects)


def story_bundle() -> bytes:
    """The story as one STIX bundle."""
    from comity.cli.story.pen import id_of

    bundle = {"type": "bundle", "id": id_of("bundle", "story"), "objects": story()}
    return json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode()
