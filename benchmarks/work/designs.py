"""The launches that a call of convrnn3d consists of: `Call`, by the launch table of an architecture.

The initial state is given, there is no mask, and the gradients of all inputs are computed. Names are those of the
launch table without the cell's; where taps are shared out, the launch that sums the parts has a name of its own.
"""

from dataclasses import dataclass

from convrnn3d.orders import order_of_voxels
from convrnn3d.packing import BLOCK, ELEMENTS
from convrnn3d.plans import ADD_PARTS, FROM_ZEROS
from convrnn3d.tuning import Launch as Choice
from convrnn3d.tuning import choose
from convrnn3d.wgrad import shares_of

from benchmarks.work.launches import Launch, Programs
from benchmarks.work.sizes import GATES, Sizes
from benchmarks.work.tiling import Convolution, Order, bytes_of_parts, in_parts, shared_memory, weight_gradient, whole

SHARED = 227 << 10  # bytes of shared memory on an H100's multiprocessor that programs can have
CACHE = 50 << 20  # bytes of its L2 cache
WARPS = 16  # on a multiprocessor, of 128 registers a thread
KINDS = {"bf16": "half", "fp16": "half", "tf32": "tf32", "fp32": "ieee"}


@dataclass(frozen=True)
class Kernel:
    """A launch of a step: its convolution, and the grids read and written, in the operands' type and in float32.

    derivatives: those of them that tf32 stores both rounded and unrounded.
    """

    name: str
    convolution: Convolution
    grids: int
    floats: int = 0
    derivatives: int = 0


FORWARD = {
    # source, h, two p; u, r, r . h. Then r . h, h, p, u; c, and h' as a state and as the next source.
    "gru": (Kernel("gru_gates", Convolution(2), 7), Kernel("gru_update", Convolution(1), 7)),
    # source, three p, s; three gates, s', and h' as a state and as the next source.
    "lstm": (Kernel("lstm_step", Convolution(3), 11),),
}
BACK = {
    # da_c, u, r, h, d; d, da_r. Then da_u, da_r, doutput, u, c, h, d; d, da_u, da_c.
    "gru": (
        Kernel("gru_update_back", Convolution(1, back=True), 5, 2, 1),
        Kernel("gru_gates_back", Convolution(2, back=True), 8, 2, 2),
    ),
    # three da, doutput, three gates, s, g; g, three da.
    "lstm": (Kernel("lstm_step_back", Convolution(3, back=True), 11, 2, 3),),
}


@dataclass(frozen=True)
class Call:
    """A call of `cell` on operands of a type.

    architecture: whose launch table to use, None for the table of all other architectures. order: the order in which
    voxels' programs start.
    """

    cell: str
    sizes: Sizes
    type_name: str = "bf16"
    architecture: str | None = "sm_90"
    order: Order = order_of_voxels

    def forward(self) -> list[Launch]:
        """The launches in order; those with the same name are counted together."""
        return [
            *self._packing(),
            *self._rounding(),
            *(one for kernel in FORWARD[self.cell] for one in self._step(kernel)),
        ]

    def backward(self) -> list[Launch]:
        *_, last = BACK[self.cell]
        grids, floats = self._moved(last)
        # Into the last step nothing is convolved, and no later step's grids are read. One more leads out of the first.
        moved = (grids - last.convolution.gates) * self.sizes.element + floats // 2 * 4
        start = Launch("into the last step", 1, self._of_any_voxel(FROM_ZEROS), moved * self.sizes.state)
        steps = [one for kernel in BACK[self.cell] for one in self._step(kernel)]
        return [start, *steps, *self._weight_gradient()]

    def launches_of(self, kernel: str) -> list[Launch]:
        """The launches of one of the launch table's kernels, including the one that adds up its parts or shares."""
        if kernel == "weight_gradient":
            return self._weight_gradient()
        return next(self._step(one) for one in (*FORWARD[self.cell], *BACK[self.cell]) if one.name == kernel)

    def _tile(self, name: str) -> Choice:
        batch = self.sizes.batch * (self.sizes.steps if name == "weight_gradient" else 1)
        return choose(name, KINDS[self.type_name], batch, self.sizes.channels, self.architecture)

    def _step(self, kernel: Kernel) -> list[Launch]:
        """The kernel once a step: one launch, and if its taps are shared out a second one, which sums the parts."""
        sizes, convolution = self.sizes, kernel.convolution
        tile = self._tile(kernel.name).fitted(sizes.channels, sizes.grid)
        name = kernel.name.partition("_")[2].replace("_", " ")
        grids, floats = self._moved(kernel)
        epilogue = (grids * sizes.element + floats * 4) * sizes.state
        weights = convolution.gates * sizes.weights * sizes.element
        resident = max(1, min(SHARED // shared_memory(sizes, convolution, tile), WARPS // tile.warps))
        if not tile.shared or sizes.kernel_size == 1:
            return [
                Launch(name, sizes.steps, whole(sizes, convolution, tile, self.order), weights + epilogue, resident)
            ]
        parts = bytes_of_parts(sizes, convolution, tile)
        sources = convolution.summed * sizes.state * sizes.element
        sums = self._of_any_voxel(ADD_PARTS[tile.shared], parts)
        spilled = parts if parts > CACHE else 0  # parts that fit the cache are read there
        return [
            Launch(name, sizes.steps, in_parts(sizes, convolution, tile), weights + sources + spilled, resident),
            Launch(f"{name}: sums", sizes.steps, sums, spilled + epilogue - sources),
        ]

    def _moved(self, kernel: Kernel) -> tuple[int, int]:
        return kernel.grids + kernel.derivatives * (self.type_name == "tf32"), kernel.floats

    def _packing(self) -> list[Launch]:
        """Packing the weight, in both orders."""
        moved = 3 * GATES * self.sizes.weights * self.sizes.element
        return [Launch("pack", 1, self._of_the_weight(moved // 3), moved)]

    def _rounding(self) -> list[Launch]:
        state = self.sizes.state
        rounding = Launch("h_0 to tf32", 1, element_wise(state, self.sizes.element, ELEMENTS), 8 * state)
        return [rounding] if self.type_name == "tf32" else []

    def _weight_gradient(self) -> list[Launch]:
        sizes = self.sizes
        samples, elements = sizes.batch * sizes.steps, GATES * sizes.weights
        shares = shares_of(samples * sizes.voxels, samples)
        read = (GATES + len(FORWARD[self.cell])) * sizes.steps * sizes.state * sizes.element
        parts = 4 * shares * elements
        spilled = parts if parts > CACHE else 0
        programs = weight_gradient(sizes, self._tile("weight_gradient"), shares)
        sums = Launch("weight gradient: sums", 1, self._of_the_weight(parts), spilled + elements * sizes.element)
        return [Launch("weight gradient", 1, programs, read + spilled), sums]

    def _of_any_voxel(self, tile: Choice, read: int = 0) -> tuple[Programs, ...]:
        """Programs without products, on rows by channels, which read `read` bytes together."""
        tile = tile.fitted(self.sizes.channels)
        count = -(-self.sizes.batch * self.sizes.voxels // tile.rows) * -(-self.sizes.channels // tile.channels)
        return (Programs(count, 1, read // count),)

    def _of_the_weight(self, read: int) -> tuple[Programs, ...]:
        """Programs on blocks of output by input channels, with all taps."""
        count = GATES * (-(-self.sizes.channels // BLOCK)) ** 2
        return (Programs(count, 1, read // count),)


def element_wise(elements: int, bytes_each: int, block: int) -> tuple[Programs, ...]:
    return (Programs(-(-elements // block), 1, block * bytes_each),)
