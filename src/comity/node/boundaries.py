"""What a partner or client may do with what it has, in words: whom TLP lets it tell, and where it stores (R2, R24)."""

from comity.node.recipients import Partner

OUR_STATEMENT = "our statement"


def boundary_words(partner: Partner) -> tuple[str, ...]:
    """Whom each TLP lets it tell within and around its organisation, a sentence each: what leaves for it leaves for
    these, and our policy does not reach any further."""
    if partner.relation == "client":
        return (
            f"{partner.name} is a client: TLP:AMBER+STRICT never goes there.",
            "TLP:AMBER stays in its organisation; of another's it has only what it needs to know.",
        )
    if partner.organisation_boundary == "members":
        strict = f"{partner.name} counts its members as its organisation: TLP:AMBER+STRICT may reach all of them."
        amber = "TLP:AMBER it may give to its members, and to its own clients who need to know it;"
    else:
        strict = f"The organisation of {partner.name} is its staff: TLP:AMBER+STRICT stays among them."
        amber = "TLP:AMBER it may also give to its own clients who need to know it;"
    return strict, f"{amber} these are not subjects of our policy."


def jurisdiction_words(partner: Partner) -> str:
    """Where it stores, and whose words that are."""
    if partner.jurisdictions is None:
        return "undeclared, which is nowhere"
    said = OUR_STATEMENT if partner.declared_by == "us" else "declared by the partner"
    return f"{', '.join(partner.jurisdictions) or 'nowhere'} ({said})"
