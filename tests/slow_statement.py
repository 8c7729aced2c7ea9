"""A statement that keeps any store busy, for as long as a test wants."""

FOREVER = 2_000_000_000


def slow(count: int = FOREVER) -> str:
    """It counts to that number one by one: about a second for three million."""
    return f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT max(i) FROM n"
