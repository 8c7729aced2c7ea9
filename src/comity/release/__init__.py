"""Who may see what: classes of objects, written policy, decisions, and what of an object may leave."""
