"""A made-up row of results."""

from dataclasses import replace

from benchmarks.measuring.results import Row
from benchmarks.measuring.timing import Timing

ROW = Row(
    table="recurrence",
    what="gru",
    contender="kernels",
    graph=True,
    cold=False,
    batch=36,
    steps=1,
    grid=4,
    channels=128,
    dtype="bf16",
    precision="ieee",
    backward=False,
    error=2e-3,
    peak_mib=12.5,
    bytes=1e6,
    useful_mflop=3500.0,
    nominal_mflop=6100.0,
    peak_tflops=800.0,
    peak_gbytes=3000.0,
    efficiency=0.5,
    timing=Timing((9.0, 10.0, 11.0)),
)


def row_of(contender: str, median: float, **changes: object) -> Row:
    """ROW of another contender, with rounds around `median` microseconds."""
    return replace(ROW, contender=contender, timing=Timing((0.9 * median, median, 1.1 * median)), **changes)
