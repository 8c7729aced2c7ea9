"""What a demo shows: two partners who have read, a policy that gives them different things, and a person who is led."""

from dataclasses import dataclass

from comity.interfaces import Query, microseconds
from comity.node.access import Credential, NewToken
from comity.node.node import Node
from comity.node.people import ROLES
from comity.node.policies import starter_texts
from comity.node.publishing import Selection
from comity.node.sessions import LINK_MINUTES_MOST, NewLink
from comity.node.touring import begin_tour
from comity.release.closure import Verdict
from comity.release.text import fill

COMMUNITY = "responders"
GREEN_PARTNER, AMBER_PARTNER = "health-isac", "cert-norrvik"
PERSON = "demo"
PAGE_OBJECTS = 1000
PASSWORD_BYTES = 32
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


def let_read(node: Node, shown: Shown) -> None:
    """Each partner has read all that it may, once, so that it is known who has what."""
    while node.store.index_relations(PAGE_OBJECTS):
        pass
    for made in shown.tokens.values():
        credential = Credential.of_token(made.token)
        assert credential is not None
        access = node.admit(credential)
        query = Query(collection=node.collections(access)[0].id, limit=PAGE_OBJECTS)
        node.page(access, query)
    node.deliveries.flush()


def lead(node: Node) -> NewLink:
    """The node has the account PERSON with every role, the pages lead it through the tasks, and the link signs it in,
    once and within an hour. Nobody knows its password."""
    made = node.add_user(PERSON, ROLES, first=True)
    with node.acting(PERSON, made.secret):
        node.set_password(node.entropy.token_bytes(PASSWORD_BYTES).hex())
    with node.store.write() as tx:
        begin_tour(tx, microseconds(node.clock.now()))
    return node.new_link(PERSON, minutes=LINK_MINUTES_MOST)


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
