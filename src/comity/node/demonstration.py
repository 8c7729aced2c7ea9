"""What a demo shows of partners: two of them, a policy that gives them different things, and all of it published."""

from dataclasses import dataclass

from comity.node.access import NewToken
from comity.node.node import Node
from comity.node.policies import starter_texts
from comity.node.publishing import Selection
from comity.release.closure import Verdict
from comity.release.text import fill

COMMUNITY = "responders"
GREEN_PARTNER, AMBER_PARTNER = "health-isac", "cert-norrvik"
CHECKED_BY = "the demo, which has nobody to call"


@dataclass(frozen=True, slots=True)
class Shown:
    """The partners of the demo with a credential for each, the name of what one receives and the other does not, and
    how many objects are published."""

    tokens: dict[str, NewToken]
    telling: str
    published: int


def show_partners(node: Node) -> Shown:
    """The new node has two active partners, the community's up to TLP:GREEN and one under an agreement up to TLP:AMBER;
    the policy that says so is in force, and everything is published without a hold."""
    node.add_partner(GREEN_PARTNER, sectors=("healthcare",), groups=(COMMUNITY,), max_tlp="green")
    pair = node.add_partner(AMBER_PARTNER, sectors=("government",), cybersecurity=True, max_tlp="amber")
    _begin_with(node, pair.id)
    for name in (GREEN_PARTNER, AMBER_PARTNER):
        node.step_partner(name, "activate", checked_by=CHECKED_BY)
    published = node.publish(hold_seconds=0).published
    tokens = {name: node.new_token(name, read=["all"], partner=name, days=1) for name in (GREEN_PARTNER, AMBER_PARTNER)}
    return Shown(tokens, _telling(node), published)


def _begin_with(node: Node, pair: str) -> None:
    """Two starters in one are in force."""
    texts = starter_texts()
    community = [fill(text, "GROUP", COMMUNITY) for text in texts["green-community"]]
    bilateral = [fill(text, "PARTNER", pair) for text in texts["bilateral-amber"]]
    text, cases = ("\n".join(both) for both in zip(community, bilateral, strict=True))
    node.apply_policy(text, cases, "demo")


def _telling(node: Node) -> str:
    """An indicator that goes to the one partner, and to the other does not."""
    indicators = Selection(types=("indicator",))
    received = {
        told.id
        for told in node.tell(AMBER_PARTNER, selection=indicators, passing=False)
        if told.verdict is not Verdict.WITHHOLD
    }
    for told in node.tell(GREEN_PARTNER, selection=indicators, passing=False):
        if told.verdict is Verdict.WITHHOLD and told.id in received:
            return told.id
    return ""
