"""The launches that are worth timing for a kernel, the likeliest first."""

from collections import Counter
from dataclasses import dataclass, replace
from itertools import product

from convrnn3d.tuning import Launch

from benchmarks.work.designs import Call
from benchmarks.work.launches import Device
from benchmarks.work.sizes import BYTES, Sizes
from benchmarks.work.tiling import Convolution, shared_memory

PIPELINES = 2  # pipelines per tile that are worth timing
SMALLEST_SHARED = 64 << 10  # bytes, the smallest shared memory of all targets (gfx942)
SUMS, SUMS_OF_LINES = 192, 160  # registers of a thread for sums, of 255; those of lines are moved after the loop
REGISTERS = 65536  # of a multiprocessor
TYPES = {"half": "bf16", "tf32": "tf32", "ieee": "fp32"}
STEPS = 3  # steps of the calls that `benchmarks.tune` times; a weight gradient sums the rows of all of them
SLOWER = {"half": 1, "tf32": 2, "ieee": 15}  # factor over bfloat16, by an H100's data sheet; only orders candidates


def steps_of(kernel: str) -> int:
    """How many steps of each sample a launch of `kernel` handles in the timed calls."""
    return STEPS if kernel == "weight_gradient" else 1


def candidates(kernel: str, kind: str, batch: int, shared: int = SMALLEST_SHARED) -> list[Launch]:
    """The launches worth timing on a device whose programs have `shared` bytes of shared memory.

    Wider tiles read less, narrower ones give more programs. wgmma takes at least 64 rows, and `inner` fills the 128
    bytes of a row that shared memory delivers at once, or half or twice that.
    """
    inner, deep = {"half": 64, "tf32": 32, "ieee": 16}[kind], (2,) if kind == "ieee" else (3, 4)
    few, many = batch <= 16, batch > 64
    if kernel == "weight_gradient":
        rows = (inner // 2, inner, 2 * inner)
        stages = dict.fromkeys((*deep, 2))  # three are faster than two for 31 of 34 tiles on an H200
        tiles = product((False, True) if many else (False,), rows, (64, 128), (4, 8), stages)
        found = [Launch(None, r, n, r, w, s, lines=one_voxel) for one_voxel, r, n, w, s in tiles]
        return [launch for launch in found if fits(kernel, kind, launch, shared)]
    pipelines = [(inner, stages) for stages in deep] + [(2 * inner, deep[0])]
    axes = () if many else (2, 3) if few else (1, 2)
    found = [Launch(None, 64, n, i, 4, s, a) for a, n, (i, s) in product(axes, (16, 32, 64), pipelines)]
    if few:
        found += [Launch(None, 64, n, i, 8, s, a) for a, n, (i, s) in product(axes, (32, 64), pipelines)]
    else:
        tiles = ((64, 32, 4), (64, 64, 8), (128, 32, 4), (128, 32, 8), (128, 64, 8), (128, 128, 8), (256, 64, 8))
        axes = (0,) if many else (0, 1)
        found += [Launch(None, r, n, i, w, s, a) for a, (r, n, w), (i, s) in product(axes, tiles, pipelines)]
    if kind != "ieee":
        tiles = [(64, 16, 4), (64, 32, 4), (64, 64, 4)]
        if batch > 1:
            tiles += [(64, 64, 8), (128, 16, 4), (128, 32, 4), (128, 32, 8), (128, 64, 8)]
        if batch >= 64:
            tiles += [(256, 16, 16), (256, 32, 16), (256, 64, 16)]
        axes, pipelines = (0,) if many else (0, 1, 2) if few else (0, 1), [*pipelines, (2 * inner, 2)]
        found += [Launch(None, r, n, i, w, s, a, True) for a, (r, n, w), (i, s) in product(axes, tiles, pipelines)]
    return [launch for launch in dict.fromkeys(found) if fits(kernel, kind, launch, shared)]


def fits(kernel: str, kind: str, launch: Launch, shared: int) -> bool:
    """Whether a launch's tiles fit shared memory, and its sums the registers, with some to spare."""
    sizes = Sizes(element=BYTES[TYPES[kind]])
    if kernel == "weight_gradient":
        held = launch.stages * 2 * launch.channels * launch.rows * sizes.element
        sums = launch.channels**2
    else:
        back = kernel.endswith("back")
        convolution = Convolution({"gru_gates": 2, "lstm_step": 3}.get(kernel, 1), back)
        held = shared_memory(sizes, convolution, launch)
        sums = launch.rows * convolution.separate * launch.channels * (sizes.kernel_size if launch.lines else 1)
    most = SUMS_OF_LINES if launch.lines and kernel != "weight_gradient" else SUMS
    return held <= shared and sums <= min(most, REGISTERS // (32 * launch.warps) - 32) * 32 * launch.warps


def likeliest(kernel: str, kind: str, batch: int, tried: list[Launch], most: int) -> list[Launch]:
    """The `most` launches of `tried` that the model of `launches` predicts to be fastest, in that order.

    Of those that differ only in `inner` and stages two are enough: what the model does not cover differs from tile to
    tile.
    """
    found: list[Launch] = []
    tiles: Counter[Launch] = Counter()
    for launch in sorted(tried, key=lambda launch: predicted(kernel, kind, batch, launch)):
        tile = replace(launch, inner=0, stages=0)
        tiles[tile] += 1
        if tiles[tile] <= PIPELINES:
            found.append(launch)
    return found[:most]


def predicted(kernel: str, kind: str, batch: int, launch: Launch) -> float:
    """Predicted microseconds of the launches of `kernel`, for one step or for the weight gradient of STEPS steps.

    C = 128, G = 4.
    """
    cell = "lstm" if kernel.startswith("lstm") else "gru"
    sizes, device = (
        Sizes(batch=batch, steps=steps_of(kernel), element=BYTES[TYPES[kind]]),
        Device(tflops=Device.tflops / SLOWER[kind]),
    )
    call = _CallLaunchedAs(cell, sizes, TYPES[kind], launch=launch)
    return sum(one.microseconds(device) for one in call.launches_of(kernel))


@dataclass(frozen=True)
class _CallLaunchedAs(Call):
    """A call whose kernels are all launched in the same way."""

    launch: Launch | None = None

    def _tile(self, name: str) -> Launch:
        return self.launch
