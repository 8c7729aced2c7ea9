"""The ledger: what a node did, so that nobody changes it afterwards unnoticed. Formats and proofs, without a store."""
