"""Pages for the persons who run the node: server-made HTML that works without a script."""
