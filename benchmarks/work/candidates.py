"""Which launches are worth timing for a kernel, the likeliest first."""

from dataclasses import dataclass
from itertools import product

from convrnn3d.tuning import Launch

from benchmarks.work.designs import Call
from benchmarks.work.launches import Device
from benchmarks.work.sizes import BYTES, Sizes

SMALLEST_SHARED = 64 << 10  # bytes, of the targets' (gfx942)
SUMS = 192  # registers of a thread for sums, of 255
LINE = 4  # voxels along z, all of a 4x4x4 grid's
WAITING = 1.3  # of a line's products for each other: the fastest took 18.5 us (NOTES.md) where the model says 14.4
TYPES = {"half": "bf16", "tf32": "tf32", "ieee": "fp32"}
SLOWER = {"half": 1, "tf32": 2, "ieee": 15}  # than in bfloat16, by an H100's data sheet; it only orders candidates


def candidates(kernel: str, kind: str, batch: int, shared: int = SMALLEST_SHARED) -> list[Launch]:
    """What is worth timing on a device whose programs have `shared` bytes of shared memory.

    Wider tiles read less, narrower ones give more programs; wgmma takes 64 rows at least, and `inner` fills the 128
    bytes of a row that shared memory gives it at once, or half or twice that.
    """
    inner, deep = {"half": 64, "tf32": 32, "ieee": 16}[kind], (2,) if kind == "ieee" else (3, 4)
    few, many = batch <= 16, batch > 64
    if kernel == "weight_gradient":
        rows = (inner // 2, inner, 2 * inner)
        found = [
            Launch(None, r, n, r, w, s) for r, n, w, s in product(rows, (64, 128), (4, 8), dict.fromkeys((2, *deep)))
        ]
        return [launch for launch in found if fits(kernel, kind, launch, shared)]
    pipelines = [(inner, stages) for stages in deep] + [(2 * inner, deep[0])]
    axes = () if many else (2, 3) if few else (1, 2)
    found = [Launch(None, 64, n, i, 4, s, a) for a, n, (i, s) in product(axes, (16, 32, 64), pipelines)]
    if batch > 1 and kind != "ieee":
        lines = ((inner, 2), (inner, 3), (inner // 2, 3), (inner // 2, 4))
        axes = (0,) if many else (1,) if batch <= 36 else (0, 1)
        rows, channels = (16, (16, 32, 64)) if few else (64, (16, 32))
        found += [Launch(None, rows, n, i, 4, s, a, LINE) for a, n, (i, s) in product(axes, channels, lines)]
    if not few:
        tiles = ((64, 32, 4), (64, 64, 8), (128, 32, 4), (128, 32, 8), (128, 64, 8), (128, 128, 8), (256, 64, 8))
        axes = (0,) if many else (0, 1)
        found += [Launch(None, r, n, i, w, s, a) for a, (r, n, w), (i, s) in product(axes, tiles, pipelines)]
    return [launch for launch in dict.fromkeys(found) if fits(kernel, kind, launch, shared)]


def fits(kernel: str, kind: str, launch: Launch, shared: int) -> bool:
    """Whether shared memory holds a launch's tiles, and registers its sums, with some to spare."""
    gates = {"gru_gates": 2, "lstm_step": 3}.get(kernel, 1)
    if kernel == "weight_gradient":
        rows, columns, inner = launch.channels, launch.channels, launch.rows
    else:
        # A line reads each of its sources once, and the weights of three dz.
        rows, columns = launch.line * launch.rows, gates * launch.channels * (3 if launch.line > 1 else 1)
        inner = launch.inner
    held = launch.stages * (rows + columns) * inner * BYTES[TYPES[kind]]
    sums = rows * gates * launch.channels
    return held <= shared and sums <= SUMS * 32 * launch.warps


def likeliest(kernel: str, kind: str, batch: int, tried: list[Launch], most: int) -> list[Launch]:
    """As many of `tried` as are wanted, those first that the model of `launches` has fastest."""
    return sorted(tried, key=lambda launch: predicted(kernel, kind, batch, launch))[:most]


def predicted(kernel: str, kind: str, batch: int, launch: Launch) -> float:
    """Microseconds of the launches that `kernel` is for one step at C = 128, G = 4."""
    cell = "lstm" if kernel.startswith("lstm") else "gru"
    sizes, device = Sizes(batch=batch, steps=1, element=BYTES[TYPES[kind]]), Device(tflops=Device.tflops / SLOWER[kind])
    call, name = _As(cell, sizes, TYPES[kind], launch=launch), kernel.partition("_")[2].replace("_", " ")
    if kernel == "weight_gradient":
        name = "weight gradient"
    every = [*call.forward(), *call.backward()]
    taken = sum(one.microseconds(device) for one in every if one.name in (name, f"{name}: sums"))
    return taken * WAITING if launch.line > 1 else taken


@dataclass(frozen=True)
class _As(Call):
    """A call all of whose kernels are launched in one way."""

    launch: Launch | None = None

    def _tile(self, name: str) -> Launch:
        return self.launch
