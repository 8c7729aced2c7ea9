"""TAXII 2.1 without sockets: bytes and headers to values, and back."""
