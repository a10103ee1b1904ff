"""Print how much work a sequence is: operations and bytes of each phase, the floor of its time, and its launches.

    python -m benchmarks.work [--cell gru] [--batch 36] [--steps 5] [--grid 4] [--channels 128] [--type bf16]
                              [--architecture sm_90] [--tflops 765] [--gbytes 2990] [--l2 7400] ...

First it prints the phases, see `phases`. Then it prints every launch of a call, forward and backward, in convrnn3d's
first design and as an architecture's launch table has it today (`first_design`, `designs`): programs, waves of resident
programs, MB that their loops take from the L2 cache and the launch from memory, and the time that `launches` predicts.
Finally it compares predictions with measurements, where `benchmarks/results` has the same sizes: the newest figure
replayed from a CUDA graph. `earlier` marks figures of other kernels or of another launch table than today's.
"""

from dataclasses import fields
from pathlib import Path

from benchmarks.measuring.fingerprint import fingerprint
from benchmarks.measuring.options import CELLS, amount, command, existing, whole
from benchmarks.measuring.results import FOLDER, read
from benchmarks.work.designs import Call
from benchmarks.work.first_design import FirstCall
from benchmarks.work.launches import Device, Launch
from benchmarks.work.phases import phases
from benchmarks.work.sizes import BYTES, GATES, Sizes

SIZES = ("batch", "steps", "grid", "channels", "features", "kernel_size")
MAY_BE_ZERO = ("start", "turn", "gap")
HELPS = {
    "tflops": "peak of the matrix units in Tflop/s",
    "gbytes": "memory bandwidth in GB/s",
    "l2": "bandwidth of the L2 cache in GB/s",
    "port": "bandwidth of the L2 cache for one multiprocessor in GB/s",
    "scratch": "bandwidth of a multiprocessor's shared memory in GB/s",
    "start": "overhead of a program in microseconds",
    "turn": "overhead of a turn of a program's loop in microseconds",
    "gap": "overhead of a launch in microseconds",
}
MEASURED_ON = FOLDER / "nvidia-h100-80gb-hbm3.csv"
LAUNCH_COLUMNS = f"{'times':>6}{'programs':>9}{'waves':>7}{'L2 MB':>8}{'memory':>8}{'us':>8}"


def main() -> None:
    parser = command("work", __doc__)
    parser.add_argument("--cell", choices=CELLS, default="gru")
    for name in SIZES:
        of_kernels = (1, 3) if name == "kernel_size" else None
        flag, value = f"--{name.replace('_', '-')}", getattr(Sizes(), name)
        parser.add_argument(flag, type=whole(), choices=of_kernels, default=value)
    parser.add_argument("--type", choices=tuple(BYTES), default="bf16", help="type of operands and grids")
    parser.add_argument(
        "--architecture", default="sm_90", help="whose launch table to use, see `convrnn3d.tuning.table_file`"
    )
    for field in fields(Device):
        flag, value = f"--{field.name.replace('_', '-')}", field.default
        kind = whole() if isinstance(value, int) else amount(zero=field.name in MAY_BE_ZERO)
        parser.add_argument(flag, type=kind, default=value, help=HELPS.get(field.name))
    parser.add_argument("--measured", type=existing, default=MEASURED_ON, help="results to compare predictions with")
    options = parser.parse_args()
    sizes = Sizes(**{name: getattr(options, name) for name in SIZES}, element=BYTES[options.type])
    device = Device(**{field.name: getattr(options, field.name) for field in fields(Device)})
    print_phases(options.cell, sizes, options.type, device)
    calls = FirstCall(options.cell, sizes, options.type), Call(options.cell, sizes, options.type, options.architecture)
    for done in ("forward", "backward"):
        print_launches(done, *(getattr(call, done)() for call in calls), device)
    print_predictions(*calls, device, options.measured)


def print_phases(cell: str, sizes: Sizes, type_name: str, device: Device) -> None:
    print(
        f"B {sizes.batch}, T {sizes.steps}, {sizes.grid}x{sizes.grid}x{sizes.grid} voxels, C {sizes.channels}, "
        f"F {sizes.features}, {type_name}; peaks {device.tflops:g} Tflop/s, {device.gbytes:g} GB/s"
    )
    state_weights, projection_weights = GATES * sizes.weights, sizes.features * GATES * sizes.voxels * sizes.channels
    print(
        f"pairs of voxel and tap: {sizes.pairs} inside the grid, {sizes.padded_pairs} padded "
        f"({1 - sizes.pairs / sizes.padded_pairs:.0%} zeros)\n"
        f"weights: state {state_weights / 1e6:.2f} M, {state_weights * sizes.element / 1e6:.2f} MB; "
        f"projection {projection_weights / 1e6:.1f} M, {projection_weights * sizes.element / 1e6:.0f} MB\n"
    )
    columns = ("useful Mflop", "nominal Mflop", "MB", "floor us", "total us")
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


def print_launches(title: str, first: list[Launch], today: list[Launch], device: Device) -> None:
    """Print the two designs' launches side by side, those with the same name in one line."""
    by_name = [{launch.name: launch for launch in design} for design in (first, today)]
    width = len(LAUNCH_COLUMNS)
    print(f"\n{'':26}{'  first design':{width}}   today")
    print(f"{title:26}{LAUNCH_COLUMNS} |{LAUNCH_COLUMNS}")
    for name in merged([launch.name for launch in today], [launch.name for launch in first]):
        print(f"{name:26}" + " |".join(launch_line(design.get(name), device) for design in by_name))
    print(f"{'total':26}" + " |".join(total_line(design, device) for design in (first, today)))


def total_line(launches: list[Launch], device: Device) -> str:
    times = sum(one.times for one in launches)
    l2_bytes, memory_bytes = (
        sum(one.times * getattr(one, bytes) for one in launches) for bytes in ("l2_bytes", "memory_bytes")
    )
    return f"{times:6}{'':16}{l2_bytes / 1e6:8.1f}{memory_bytes / 1e6:8.1f}{microseconds(launches, device):8.1f}"


def launch_line(launch: Launch | None, device: Device) -> str:
    if launch is None:
        return " " * len(LAUNCH_COLUMNS)
    return (
        f"{launch.times:6}{launch.count:9}{launch.waves(device):7.1f}"
        f"{launch.l2_bytes / 1e6:8.1f}{launch.memory_bytes / 1e6:8.1f}{launch.microseconds(device):8.1f}"
    )


def microseconds(launches: list[Launch], device: Device) -> float:
    return sum(launch.times * launch.microseconds(device) for launch in launches)


def merged(added: list[str], names: list[str]) -> list[str]:
    """Every name once; each added name comes after the one that it follows in its own list."""
    found = list(names)
    for before, name in zip([None, *added], added, strict=False):
        if name not in found:
            found.insert(found.index(before) + 1 if before else 0, name)
    return found


def print_predictions(first: Call, today: Call, device: Device, measured_on: Path) -> None:
    """Print predicted and measured microseconds of whole calls."""
    rows = read(measured_on) if measured_on.exists() else []
    print(f"\n{'total, microseconds':34}{'first design':>14}{'today':>8}{'measured':>10}  ({measured_on.stem})")
    for title, contender, both, kept in (
        ("forward", "kernels, packing", False, 0),
        ("forward, weight packed", "kernels", False, 1),
        ("forward and backward", "kernels", True, 0),
    ):
        totals = [
            microseconds([*call.forward()[kept:], *(call.backward() if both else ())], device)
            for call in (first, today)
        ]
        print(f"{title:34}{totals[0]:14.1f}{totals[1]:8.1f}{measured(rows, today, contender, both)}")


def measured(rows: list[dict[str, str]], call: Call, contender: str, backward: bool) -> str:
    """The newest figure of `call`, replayed from a graph, among the rows of a result file."""
    sizes = call.sizes
    wanted = {
        "table": "recurrence", "what": call.cell, "contender": contender, "graph": "True", "cold": "False",
        "dtype": call.type_name, "backward": str(backward), "batch": str(sizes.batch), "steps": str(sizes.steps),
        "grid": str(sizes.grid), "channels": str(sizes.channels),
    }  # fmt: skip
    found = [row for row in rows if wanted.items() <= row.items()]
    if not found or sizes.kernel_size != 3:
        return f"{'-':>10}"
    newest = max(found, key=lambda row: row["measured"])
    return f"{float(newest['median']):10.1f}" + ("" if newest["kernels"] == fingerprint(gpu=True) else "  earlier")


if __name__ == "__main__":
    main()
