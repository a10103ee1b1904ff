"""How much work a sequence is: operations and bytes of each phase, and the time no implementation can beat.

    python -m benchmarks.work [--cell gru] [--batch 36] [--steps 5] [--grid 4] [--channels 128] [--type bf16]
                              [--tflops 989] [--gbytes 3350]

Operations: two for each multiply-add of the matrix products; the gates' own are under one in a hundred. Nominal are
those of a convolution padded with zeros, useful those inside the grid. Bytes: each input read once, each output
written once. Floor: the larger of useful operations over the device's peak and of bytes over its memory bandwidth.
"""

import argparse
from dataclasses import dataclass

SIZES = {"bf16": 2, "fp16": 2, "tf32": 4, "fp32": 4}
GATES = 3


@dataclass(frozen=True)
class Sizes:
    """A call: B samples, T steps, a grid of `grid` cubed, C channels, F features, bytes of an element."""

    batch: int = 36
    steps: int = 5
    grid: int = 4
    channels: int = 128
    features: int = 1024
    kernel_size: int = 3
    element: int = 2

    @property
    def voxels(self) -> int:
        return self.grid**3

    @property
    def pairs(self) -> int:
        """Pairs of a voxel and a tap inside the grid: along an axis every side but the end ones has all taps."""
        reach = self.kernel_size // 2
        along = sum(min(v + reach, self.grid - 1) - max(v - reach, 0) + 1 for v in range(self.grid))
        return along**3

    @property
    def padded_pairs(self) -> int:
        return self.voxels * self.kernel_size**3

    @property
    def state(self) -> int:
        """Elements of a state grid, all samples'."""
        return self.batch * self.voxels * self.channels

    @property
    def weights(self) -> int:
        """Elements of one gate's state kernel."""
        return self.channels**2 * self.kernel_size**3


@dataclass(frozen=True)
class Phase:
    """One launch, or one matrix product; `times` as often in a sequence. Operations and bytes are of one."""

    name: str
    times: int
    useful: float
    nominal: float
    bytes: float

    def floor(self, tflops: float, gbytes: float) -> float:
        """Microseconds that one cannot take less than, at peaks in Tflop/s and GB/s."""
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
    """Forward and backward of a sequence, in order, as `convrnn3d` and `r2n2.recurrence` share them out."""
    rows, columns = sizes.batch * sizes.steps, GATES * sizes.voxels * sizes.channels
    forward = {
        # h, r . h, two p and two gates; then r . h, h, p, u, c, and h' twice: as a state and as the next source
        "gru": [("gates: u, r, r . h", 2, 6), ("update: c, h'", 1, 7)],
        # h, three p, three gates, s, s', h' twice
        "lstm": [("step: f, i, c, s', h'", 3, 11)],
    }
    backward = {
        # da_c, d twice, u, r, h, da_r, r . h; then da_u, da_r, d twice, dstate, u, c, h, da_u, da_c
        "gru": [("reset: q, da_r", 1, 8), ("enter: dh, da_u, da_c", 2, 10)],
        # three da, d and g twice, dstate, three gates, s, three da
        "lstm": [("enter: dh, da_f, da_i, da_c", 3, 15)],
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
    """Useful and nominal operations of the recurrence proper, and the bytes that no implementation can do without.

    These are each input read once, each output written once: projection, weight and states; with the backward pass
    their gradients, too. What passes from launch to launch is not among them.
    """
    forward = 2 if cell == "gru" else 1  # launches of a step
    counted = phases(cell, sizes)[1:-2][: None if backward else forward]  # without the projection's
    useful, nominal = (sum(phase.times * getattr(phase, name) for phase in counted) for name in ("useful", "nominal"))
    states = (2 if cell == "lstm" else 1) * sizes.state
    inputs = GATES * sizes.steps * sizes.state + GATES * sizes.weights + states
    elements = inputs + states + (inputs + states if backward else 0)
    return useful, nominal, elements * sizes.element


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cell", choices=("gru", "lstm"), default="gru")
    for name in ("batch", "steps", "grid", "channels", "features", "kernel_size"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(Sizes(), name))
    parser.add_argument("--type", choices=tuple(SIZES), default="bf16", help="of operands and grids")
    parser.add_argument("--tflops", type=float, default=989, help="peak of the matrix units (an H100's bf16)")
    parser.add_argument("--gbytes", type=float, default=3350, help="memory bandwidth in GB/s (an H100's)")
    options = parser.parse_args()
    names = ("batch", "steps", "grid", "channels", "features", "kernel_size")
    sizes = Sizes(**{name: getattr(options, name) for name in names}, element=SIZES[options.type])
    print(
        f"B {sizes.batch}, T {sizes.steps}, {sizes.grid}x{sizes.grid}x{sizes.grid} voxels, C {sizes.channels}, "
        f"F {sizes.features}, {options.type}; peaks {options.tflops:g} Tflop/s, {options.gbytes:g} GB/s"
    )
    state_weights, projection_weights = GATES * sizes.weights, sizes.features * GATES * sizes.voxels * sizes.channels
    print(
        f"pairs of voxel and tap: {sizes.pairs} inside of {sizes.padded_pairs} padded "
        f"({1 - sizes.pairs / sizes.padded_pairs:.0%} zeros)\n"
        f"weights: state {state_weights / 1e6:.2f} M, {state_weights * sizes.element / 1e6:.2f} MB; "
        f"projection {projection_weights / 1e6:.1f} M, {projection_weights * sizes.element / 1e6:.0f} MB\n"
    )
    columns = ("useful Mflop", "nominal Mflop", "MB", "floor us", "in all us")
    print(f"{'phase':32} {'times':>5} " + " ".join(f"{column:>13}" for column in columns))
    total = 0.0
    for phase in phases(options.cell, sizes):
        floor = phase.floor(options.tflops, options.gbytes)
        total += phase.times * floor
        print(
            f"{phase.name:32} {phase.times:5} {phase.useful / 1e6:13.1f} {phase.nominal / 1e6:13.1f} "
            f"{phase.bytes / 1e6:13.2f} {floor:13.2f} {phase.times * floor:13.1f}"
        )
    print(f"{'sequence, forward and backward':32} {'':5} {'':55} {total:13.1f}")


if __name__ == "__main__":
    main()
