"""Which launches a call consists of: as convrnn3d's first design made them, and as its second is drawn up.

    first    a voxel for each program, a product for each gate; the weight laid out anew by strided copies, forward and
             again backward, and in tf32 rounded by four element-wise launches; its gradient in a launch for every
             source, one to add its shares up and one to lay it out
    second   a line of voxels for each program, gates side by side in one product; r . h kept from the forward pass,
             and d not stored where it is zeros; one kernel lays both orders out, and not again while the weight stays
             the same; one launch for all gates' gradient, in its final layout if there is one share

Both by tap for a few samples; tiles are those of `tiles`. The initial state is given, there is no mask, and gradients
of all inputs are wanted.
"""

from dataclasses import dataclass

from benchmarks.launches import Launch, Programs
from benchmarks.sizes import GATES, Sizes
from benchmarks.tiles import FEW, SOME, tile, tile_of_gradient
from benchmarks.tiling import Convolution, by_line, by_short_line, by_tap, by_voxel, partial_sums, weight_gradient

SECTOR = 32  # bytes that the L2 cache gives for one strided element
ROWS_A_SHARE, MOST_SHARES = 2048, 8  # of the weight's gradient


@dataclass(frozen=True)
class Kernel:
    """A launch of a step: its convolution, and grids read and written, of the operands' type and of float32.

    In the first design it moves `besides`: so many more of both.
    """

    name: str
    convolution: Convolution
    grids: int
    floats: int = 0
    besides: tuple[int, int] = (0, 0)


FORWARD = {
    # source, h, two p; u, r, r . h. Then r . h, h, p, u; c, and h' as a state and as the next source.
    "gru": (Kernel("gru_gates", Convolution(2), 7), Kernel("gru_update", Convolution(1), 7)),
    # source, three p, s; three gates, s', and h' as a state and as the next source.
    "lstm": (Kernel("lstm_step", Convolution(3), 11),),
}
RESET = Kernel("gru_reset", Convolution(1, back=True), 5, 2, (1, 0))  # da_c, u, r, h, d; d, da_r; and r . h
ENTER = {
    # da_u, da_r, dstate, u, c, h, d; d, da_u, da_c.
    "gru": Kernel("gru_enter", Convolution(2, back=True), 8, 2),
    # three da, dstate, three gates, s, g; g, three da; and d, read and stored.
    "lstm": Kernel("lstm_enter", Convolution(3, back=True), 11, 2, (0, 2)),
}


@dataclass(frozen=True)
class Call:
    """A call of `cell` on operands of a type, as one of the two designs launches it.

    columns: of the second design's tiles, in place of those of `tiles`.
    """

    cell: str
    sizes: Sizes
    type_name: str = "bf16"
    second: bool = True
    columns: int | None = None

    def forward(self) -> list[Launch]:
        """In order; launches of one name are counted together."""
        steps = [launch for kernel in FORWARD[self.cell] for launch in self._step(kernel)]
        rounding = [] if self.type_name != "tf32" else [self._pointwise("h_0 to tf32", 2, 0, 1 if self.second else 4)]
        return [*self._packing("pack"), *rounding, *steps]

    def backward(self) -> list[Launch]:
        kernel = ENTER[self.cell]
        grids, floats = self._moved(kernel)
        # Into the last step nothing is convolved, nor read of what comes from beyond. One more leads out of the first.
        start = self._pointwise("enter the last step", grids - kernel.convolution.gates, floats // 2)
        steps = [start, *(self._step(RESET) if self.cell == "gru" else ()), *self._step(kernel)]
        states = 1 if self.cell == "gru" else 2
        typed = [self._pointwise("dh_0 in its type", 1, 1, states)] if self.sizes.element < 4 else []
        return [*([] if self.second else self._packing("pack again")), *steps, *typed, *self._weight_gradient()]

    def _moved(self, kernel: Kernel) -> tuple[int, int]:
        more = (0, 0) if self.second else kernel.besides
        return kernel.grids + more[0], kernel.floats + more[1]

    def _step(self, kernel: Kernel) -> list[Launch]:
        """The kernel once a step: one launch, or where its taps are shared out a second one, which sums them up."""
        sizes, convolution, name = self.sizes, kernel.convolution, kernel.name.partition("_")[2]
        grids, floats = self._moved(kernel)
        epilogue = (grids * sizes.element + floats * 4) * sizes.state
        weights = convolution.gates * sizes.weights * sizes.element
        owned = tile(kernel.name, convolution, sizes, self.type_name, self.second, self.columns)
        if sizes.kernel_size == 1 or sizes.batch > (SOME if self.second else FEW):
            share_out = by_line if self.second and sizes.kernel_size > 1 else by_voxel
            return [Launch(name, sizes.steps, share_out(sizes, convolution, owned), weights + epilogue)]
        share_out = by_tap if sizes.batch <= FEW else by_short_line
        parts, sources = partial_sums(sizes, convolution, share_out), convolution.summed * sizes.state * sizes.element
        taps = share_out(sizes, convolution, owned)
        sums = self._blocks(rows=4, read=parts)
        return [
            Launch(name, sizes.steps, taps, weights + sources + parts),
            Launch(f"{name}: sums", sizes.steps, sums, parts + epilogue - sources),
        ]

    def _packing(self, name: str) -> list[Launch]:
        elements, size = GATES * self.sizes.weights, self.sizes.element
        if self.second:
            blocks = GATES * (-(-self.sizes.channels // 32)) ** 2
            return [Launch(name, 1, (Programs(blocks, 1, elements * size // blocks),), 3 * elements * size)]
        found = [Launch(name, 1, _strided(elements), 2 * elements * size)]
        rounding = Launch(f"{name}: to tf32", 4, _element_wise(elements, size), 2 * elements * size)
        return [*found, *[rounding] * (self.type_name == "tf32")]

    def _weight_gradient(self) -> list[Launch]:
        sizes, steps = self.sizes, self.sizes.steps
        shares = min(MOST_SHARES, -(-sizes.batch * steps * sizes.voxels // ROWS_A_SHARE))
        owned = tile_of_gradient(sizes, self.type_name, self.second)
        grid, elements = steps * sizes.state * sizes.element, sizes.weights
        by_source = (2, 1) if self.cell == "gru" else (3,)

        def launch(name: str, gates: int, grids: int) -> Launch:
            programs = weight_gradient(sizes, gates, owned, shares, jointly=self.second)
            return Launch(name, 1, programs, grids * grid + gates * elements * 4 * shares)

        every = GATES * elements
        summed = Launch("weight gradient: sum", 1, _element_wise(every, 4 * shares), every * 4 * (shares + 1))
        if self.second:
            return [launch("weight gradient", GATES, GATES + len(by_source)), *[summed] * (shares > 1)]
        laid_out = Launch("weight gradient: lay out", 1, _strided(every), every * (4 + sizes.element))
        found = [launch(f"weight gradient ({gates})", gates, gates + 1) for gates in by_source]
        return [*found, summed, laid_out]

    def _pointwise(self, name: str, grids: int, floats: int, times: int = 1) -> Launch:
        moved = (grids * self.sizes.element + floats * 4) * self.sizes.state
        return Launch(name, times, self._blocks(rows=32, read=0), moved)

    def _blocks(self, rows: int, read: int) -> tuple[Programs, ...]:
        """Programs of an element-wise kernel on rows by 32 channels, which read so many bytes together."""
        count = -(-self.sizes.batch * self.sizes.voxels // rows) * -(-self.sizes.channels // 32)
        return (Programs(count, 1, read // count),)


def _element_wise(elements: int, bytes_each: int) -> tuple[Programs, ...]:
    return (Programs(-(-elements // 512), 1, 512 * bytes_each),)


def _strided(elements: int) -> tuple[Programs, ...]:
    return _element_wise(elements, SECTOR)
