"""The work of a sequence: operations and bytes of each phase, and the time that no implementation can beat.

A multiply-add of the matrix products counts as two operations; the gates' own are less than one in a hundred. Nominal
operations are those of a convolution padded with zeros, useful ones those inside the grid. Bytes count each input read
once and each output written once. The floor is the larger of useful operations over the device's peak and bytes over
its memory bandwidth.
"""

from dataclasses import dataclass

from benchmarks.work.sizes import GATES, Sizes


@dataclass(frozen=True)
class Phase:
    """A launch or a matrix product, repeated `times` times in a sequence; operations and bytes are those of one."""

    name: str
    times: int
    useful: float
    nominal: float
    bytes: float

    def floor(self, tflops: float, gbytes: float) -> float:
        """The least microseconds that one can take, at peaks in Tflop/s and GB/s."""
        return max(self.useful / tflops / 1e6, self.bytes / gbytes / 1e3)


def convolution(name: str, sizes: Sizes, gates: int, grids: int, times: int) -> Phase:
    """A fused launch: `gates` convolutions, and `grids` state grids read or written."""
    per_pair = 2 * sizes.batch * sizes.channels**2 * gates
    moved = (gates * sizes.weights + grids * sizes.state) * sizes.element
    return Phase(name, times, per_pair * sizes.pairs, per_pair * sizes.padded_pairs, moved)


def product(name: str, rows: int, inner: int, columns: int, element: int) -> Phase:
    operations = 2 * rows * inner * columns
    return Phase(name, 1, operations, operations, (rows * inner + inner * columns + rows * columns) * element)


def phases(cell: str, sizes: Sizes) -> list[Phase]:
    """The phases of a sequence, forward and backward, in order, as in `convrnn3d` and `r2n2.network.recurrence`."""
    rows, columns = sizes.batch * sizes.steps, GATES * sizes.voxels * sizes.channels
    forward = {
        # h, r . h, two p and two gates; then r . h, h, p, u, c, and h' twice: as a state and as the next source
        "gru": [("gates: u, r, r . h", 2, 6), ("update: c, h'", 1, 7)],
        # h, three p, three gates, s, s', h' twice
        "lstm": [("step: f, i, c, s', h'", 3, 11)],
    }
    backward = {
        # da_c, d twice, u, r, h, da_r, r . h; then da_u, da_r, d twice, doutput, u, c, h, da_u, da_c
        "gru": [("update back: q, da_r", 1, 8), ("gates back: dh, da_u, da_c", 2, 10)],
        # three da, d and g twice, doutput, three gates, s, three da
        "lstm": [("step back: dh, da_f, da_i, da_c", 3, 15)],
    }
    per_pair = 2 * rows * sizes.channels**2 * GATES
    sources = 2 if cell == "gru" else 1
    return [
        product("projection of all views", rows, sizes.features, columns, sizes.element),
        *(convolution(name, sizes, gates, grids, sizes.steps) for name, gates, grids in forward[cell]),
        *(convolution(name, sizes, gates, grids, sizes.steps) for name, gates, grids in backward[cell]),
        Phase(
            "weight gradient, all steps",
            1,
            per_pair * sizes.pairs,
            per_pair * sizes.padded_pairs,
            (GATES + sources) * sizes.steps * sizes.state * sizes.element + GATES * sizes.weights * 4,
        ),
        product("features' gradient", rows, columns, sizes.features, sizes.element),
        product("projection weight's gradient", columns, rows, sizes.features, sizes.element),
    ]


def sequence_work(cell: str, sizes: Sizes, backward: bool) -> tuple[float, float, float]:
    """Useful and nominal operations of the recurrence proper, and the bytes that no implementation can avoid.

    The bytes count each input read once and each output written once: projection, weight and states, with the backward
    pass also their gradients. They exclude what passes from launch to launch.
    """
    forward = 2 if cell == "gru" else 1  # launches of a step
    counted = phases(cell, sizes)[1:-2][: None if backward else forward]  # without the projection's
    useful, nominal = (sum(phase.times * getattr(phase, name) for phase in counted) for name in ("useful", "nominal"))
    states = (2 if cell == "lstm" else 1) * sizes.state
    inputs = GATES * sizes.steps * sizes.state + GATES * sizes.weights + states
    elements = inputs + states + (inputs + states if backward else 0)
    return useful, nominal, elements * sizes.element
