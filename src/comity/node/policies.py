"""The texts on release policies that come with Comity."""

from comity.node.system import policy_text

STARTERS = ("nothing", "green-community", "bilateral-amber")
"""The policies to begin with, in the order of how much they permit."""


def policy_texts() -> tuple[str, str]:
    """The schema of release policies, and the floor beneath all of them."""
    return policy_text("policy.cedarschema"), policy_text("floor.cedar")


def starter_texts() -> dict[str, tuple[str, str]]:
    """Rules and cases of each policy to begin with, by its name."""
    return {name: (policy_text(f"starters/{name}.cedar"), policy_text(f"starters/{name}.toml")) for name in STARTERS}
