"""WHAT is shared: STIX 2.1 objects, their schemas, markings and patterns."""
