"""Rows laid out for a person: columns in the width of the screen, and ids always whole, so that they can be copied."""

from collections.abc import Iterator, Sequence

GAP = "  "
NARROWEST = 10
WHOLE = frozenset({"id"})
"""Columns that are never cut; where the screen is too narrow beside them, they get a line of their own."""


def lay_out(titles: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """The lines of the table, the titles first; empty columns are left out."""
    from rich.cells import cell_len

    used = [i for i, _ in enumerate(titles) if any(row[i] for row in rows)]
    wide = {i: max(cell_len(titles[i]), *(cell_len(row[i]) for row in rows)) for i in used}
    wanted = {i: wide[i] if titles[i] in WHOLE else min(wide[i], NARROWEST) for i in used}
    apart = sum(wanted.values()) + len(GAP) * (len(used) - 1) > width
    beside = [i for i in used if not (apart and titles[i] in WHOLE)]
    below = [i for i in used if i not in beside]
    widths = _shrunk({i: wide[i] for i in beside}, {i for i in beside if titles[i] in WHOLE}, width)
    yield _line([titles[i] for i in beside], [widths[i] for i in beside])
    for row in rows:
        yield _line([row[i] for i in beside], [widths[i] for i in beside])
        for i in below:
            yield GAP + row[i]


def _shrunk(wide: dict[int, int], whole: set[int], width: int) -> dict[int, int]:
    """The widths, of which the widest that may be cut gives way until the line fits or all are narrow."""
    widths = dict(wide)
    room = width - len(GAP) * (len(widths) - 1)
    while sum(widths.values()) > room:
        widest = max((i for i in widths if i not in whole), key=lambda i: widths[i], default=None)
        if widest is None or widths[widest] <= min(NARROWEST, wide[widest]):
            break
        widths[widest] -= 1
    return widths


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    from rich.cells import cell_len, set_cell_size

    parts = []
    for cell, width in zip(cells, widths, strict=True):
        cut = cell if cell_len(cell) <= width else set_cell_size(cell, width - 1).rstrip() + "…"
        parts.append(cut + " " * (width - cell_len(cut)))
    return GAP.join(parts).rstrip()
