"""The ledger: what a node did, so that nobody can change it afterwards unnoticed. Formats and proofs, without a store."""
