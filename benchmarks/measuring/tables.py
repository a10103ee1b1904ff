"""Rows as a table for the terminal, fastest first."""

from benchmarks.measuring.results import Row

MUCH = 10  # times the smallest error: a contender that is further off computes something else
KINKS = 0.05  # allowed for a network's gradients: whether a rectifier opens and which value a pool takes is chance


def largest_error(table: str, backward: bool, errors: list[float]) -> float:
    """The largest error that does not count as wrong; `errors` are those of all contenders."""
    return max(MUCH * min(errors), KINKS if table == "network" and backward else 0)


def printed(rows: list[Row]) -> str:
    """The rows of one comparison, under a title."""
    if not rows:
        return ""
    lines = [title(rows[0])]
    largest = largest_error(rows[0].table, rows[0].backward, [row.error for row in rows])
    for row in sorted(rows, key=lambda row: row.timing.median):
        spread = f"[{row.timing.p20:.1f}, {row.timing.p80:.1f}]"
        lines.append(
            f"  {row.name:30} {row.timing.median:12.1f} us {spread:>22}  error {row.error:.1e}  "
            f"{row.efficiency:6.1%} of the floor {row.peak_mib:9.1f} MiB"
            f"{'  WRONG' if row.error > largest else ''}"
        )
    return "\n".join(lines)


def title(row: Row) -> str:
    """The title of a comparison: cell or network, pass, sizes and type."""
    if row.table == "network":
        done, steps = ("training step" if row.backward else "inference"), "views"
    else:
        done, steps = ("forward and backward" if row.backward else "forward"), "T"
    sizes = f"B {row.batch}, {steps} {row.steps}, G {row.grid}, C {row.channels}"
    return f"{row.what}, {done}, {sizes}, {row.dtype}{', cold cache' if row.cold else ''}"
