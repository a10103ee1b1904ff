"""How much work a sequence is: operations and bytes of each phase, the time no implementation can beat, and launches.

    python -m benchmarks.work [--cell gru] [--batch 36] [--steps 5] [--grid 4] [--channels 128] [--type bf16]
                              [--tflops 989] [--gbytes 3350] [--l2 8000] [--multiprocessors 132] [--resident 2]
                              [--columns 64]

Operations: two for each multiply-add of the matrix products; the gates' own are under one in a hundred. Nominal are
those of a convolution padded with zeros, useful those inside the grid. Bytes: each input read once, each output
written once. Floor: the larger of useful operations over the device's peak and of bytes over its memory bandwidth.

Then every launch of a call, forward and backward, in convrnn3d's first design and in its second (`benchmarks.designs`):
programs, waves of as many as are resident at once, MB that their loops take from the L2 cache and the launch from
memory, and the time that `benchmarks.launches` predicts. Nothing here is measured; the L2 cache's bandwidth is a guess
until `python -m benchmarks.peaks` has told it.
"""

import argparse
from dataclasses import dataclass, fields

from benchmarks.designs import Call
from benchmarks.launches import Device, Launch
from benchmarks.sizes import BYTES, GATES, Sizes

SIZES = ("batch", "steps", "grid", "channels", "features", "kernel_size")


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
    """Forward and backward of a sequence, in order, as `convrnn3d` and `r2n2.network.recurrence` share them out."""
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
    for name in SIZES:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(Sizes(), name))
    parser.add_argument("--type", choices=tuple(BYTES), default="bf16", help="of operands and grids")
    helps = {
        "tflops": "peak of the matrix units (an H100's bf16)",
        "gbytes": "memory bandwidth in GB/s (an H100's)",
        "l2": "bandwidth of the L2 cache in GB/s; no data sheet has it",
        "port": "of it for one multiprocessor",
        "resident": "programs on a multiprocessor",
        "turn": "microseconds that a turn of a program's loop takes at least",
        "gap": "microseconds that a launch takes besides",
    }
    for field in fields(Device):
        flag, value = f"--{field.name.replace('_', '-')}", field.default
        parser.add_argument(flag, type=type(value), default=value, help=helps.get(field.name))
    parser.add_argument("--columns", type=int, help="of the second design's tiles, all gates' side by side")
    options = parser.parse_args()
    sizes = Sizes(**{name: getattr(options, name) for name in SIZES}, element=BYTES[options.type])
    device = Device(**{field.name: getattr(options, field.name) for field in fields(Device)})
    print_phases(options.cell, sizes, options.type, device)
    first, second = (Call(options.cell, sizes, options.type, is_second, options.columns) for is_second in (False, True))
    for done in ("forward", "backward"):
        print_launches(done, getattr(first, done)(), getattr(second, done)(), device)


def print_phases(cell: str, sizes: Sizes, type_name: str, device: Device) -> None:
    print(
        f"B {sizes.batch}, T {sizes.steps}, {sizes.grid}x{sizes.grid}x{sizes.grid} voxels, C {sizes.channels}, "
        f"F {sizes.features}, {type_name}; peaks {device.tflops:g} Tflop/s, {device.gbytes:g} GB/s"
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
    for phase in phases(cell, sizes):
        floor = phase.floor(device.tflops, device.gbytes)
        total += phase.times * floor
        print(
            f"{phase.name:32} {phase.times:5} {phase.useful / 1e6:13.1f} {phase.nominal / 1e6:13.1f} "
            f"{phase.bytes / 1e6:13.2f} {floor:13.2f} {phase.times * floor:13.1f}"
        )
    print(f"{'sequence, forward and backward':32} {'':5} {'':55} {total:13.1f}")


def print_launches(title: str, first: list[Launch], second: list[Launch], device: Device) -> None:
    """The two designs' launches side by side, those of one name in one line."""
    by_name = [{launch.name: launch for launch in design} for design in (first, second)]
    width = len(launch_line(first[0], device))
    print(f"\n{'':26}{'  first design':{width}}   second design")
    print(f"{title:26}{LAUNCH_COLUMNS} |{LAUNCH_COLUMNS}")
    for name in merged([launch.name for launch in first], [launch.name for launch in second]):
        print(f"{name:26}" + " |".join(launch_line(design.get(name), device) for design in by_name))
    totals = [(sum(one.times for one in design), sum(one.times * one.microseconds(device) for one in design))
              for design in (first, second)]  # fmt: skip
    print(f"{'in all':26}" + " |".join(f"{times:6}{'':{width - 14}}{total:8.1f}" for times, total in totals))


LAUNCH_COLUMNS = f"{'times':>6}{'programs':>9}{'waves':>7}{'L2 MB':>8}{'memory':>8}{'us':>8}"


def launch_line(launch: Launch | None, device: Device) -> str:
    if launch is None:
        return " " * len(LAUNCH_COLUMNS)
    return (
        f"{launch.times:6}{launch.count:9}{launch.waves(device):7.1f}{launch.tiles / 1e6:8.1f}{launch.moved / 1e6:8.1f}"
        f"{launch.microseconds(device):8.1f}"
    )


def merged(first: list[str], second: list[str]) -> list[str]:
    """Every name once, each after what it follows in its own list."""
    found = list(second)
    for before, name in zip([None, *first], first, strict=False):
        if name not in found:
            found.insert(found.index(before) + 1 if before else 0, name)
    return found


if __name__ == "__main__":
    main()
