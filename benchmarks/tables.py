"""Rows as a table for the terminal, fastest first."""

from benchmarks.results import Row

MUCH = 10  # times the error of the rightest: who is that far off computes something else


def printed(rows: list[Row]) -> str:
    """The rows of one comparison, under a line that says what was timed."""
    if not rows:
        return ""
    lines, rightest = [title(rows[0])], min(row.error for row in rows)
    for row in sorted(rows, key=lambda row: row.timing.median):
        spread = f"[{row.timing.p20:.1f}, {row.timing.p80:.1f}]"
        lines.append(
            f"  {row.name:30} {row.timing.median:12.1f} us {spread:>22}  error {row.error:.1e}  "
            f"{row.efficiency:6.1%} of the floor {row.peak_mib:9.1f} MiB"
            f"{'  WRONG' if row.error > MUCH * rightest else ''}"
        )
    return "\n".join(lines)


def title(row: Row) -> str:
    """What was timed: cell or network, pass, sizes and type."""
    if row.table == "network":
        done, steps = ("training step" if row.backward else "inference"), "views"
    else:
        done, steps = ("forward and backward" if row.backward else "forward"), "T"
    sizes = f"B {row.batch}, {steps} {row.steps}, G {row.grid}, C {row.channels}"
    return f"{row.what}, {done}, {sizes}, {row.dtype}{', cold cache' if row.cold else ''}"
