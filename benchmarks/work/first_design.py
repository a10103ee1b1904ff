"""The launches of convrnn3d's first design, for comparison with today's. It differs in these points:

tiles             a voxel for each program, or up to FEW samples a tap
their order       inner voxels first, in the second half of the x corners first
the weight        packed by strided copies, forward and again backward, in tf32 rounded by four more launches
its gradient      rows of one voxel a turn, a launch for every source, one that adds up shares, one that unpacks
more bytes        r . h is stored again in the backward pass; d is read and stored where it is zeros
"""

from dataclasses import dataclass
from itertools import product

from convrnn3d.tuning import Launch as Choice

from benchmarks.work.designs import Call, Kernel, element_wise
from benchmarks.work.launches import Launch, Programs
from benchmarks.work.sizes import GATES, Sizes
from benchmarks.work.tiling import Order, spans

FEW, MANY = 8, 64  # samples, at most: by tap; for the first of two tiles
INNER = {"bf16": 64, "fp16": 64, "tf32": 32, "fp32": 16}  # channels of a turn
NARROW = (64, 32), (64, 32)
TILES = {  # rows and channels of each gate for up to MANY samples and for more; of the gradient for up to 4 and more
    "half": {
        "gru_gates": ((64, 32), (128, 64)),
        "gru_update": ((64, 32), (128, 64)),
        "gru_update_back": ((64, 32), (128, 32)),
        "gru_gates_back": ((64, 32), (128, 32)),
        "lstm_step": ((64, 32), (128, 32)),
        "lstm_step_back": ((64, 32), (64, 64)),
        "weight_gradient": ((16, 128), (64, 128)),
    },
    "tf32": {
        "gru_gates": ((64, 64), (128, 64)),
        "gru_update": ((64, 32), (128, 64)),
        "gru_update_back": ((64, 32), (128, 32)),
        "lstm_step_back": ((64, 32), (64, 64)),
        "weight_gradient": ((16, 64), (32, 128)),
    },
    "fp32": {"weight_gradient": ((32, 64), (32, 64))},
}
BESIDES = {"gru_update_back": (1, 0), "lstm_step_back": (0, 2)}  # additional grids, in the operands' type and float32
ROWS_A_SHARE, SHARES = 2048, 8
SECTOR = 32  # bytes that the L2 cache gives for one strided element


def inner_first(x: int, y: int, z: int) -> tuple[int, ...]:
    half = (x + 1) // 2
    return tuple(
        ((plane + 1) % x * y + (line + 1 + plane // half * (y // 2)) % y) * z + (one + 1) % z
        for plane, line, one in product(range(x), range(y), range(z))
    )


@dataclass(frozen=True)
class FirstCall(Call):
    architecture: str | None = None  # its tiles do not depend on it
    order: Order = inner_first

    def backward(self) -> list[Launch]:
        moved = (self.sizes.element + 4) * self.sizes.state
        states = 1 if self.cell == "gru" else 2
        typed = Launch("dh_0 in its type", states, element_wise(self.sizes.state, 0, 512), moved)
        return [*self._packing(), *super().backward(), *[typed] * (self.sizes.element < 4)]

    def _tile(self, name: str) -> Choice:
        few, many = TILES["half" if self.sizes.element < 4 else self.type_name].get(name, NARROW)
        by_tap = self.sizes.batch <= FEW and name != "weight_gradient"
        rows, channels = NARROW[0] if by_tap else many if self.sizes.batch > MANY else few
        if name == "weight_gradient":
            rows, channels = many if self.sizes.batch > 4 else few
        tile = Choice(None, rows, channels, INNER[self.type_name], warps=4, stages=3, shared=3 * by_tap)
        return tile.fitted(self.sizes.channels)

    def _moved(self, kernel: Kernel) -> tuple[int, int]:
        grids, floats = BESIDES.get(kernel.name, (0, 0))
        return kernel.grids + grids, kernel.floats + floats

    def _packing(self) -> list[Launch]:
        elements, size = GATES * self.sizes.weights, self.sizes.element
        rounding = Launch("pack: to tf32", 4, element_wise(elements, size, 512), 2 * elements * size)
        packing = Launch("pack", 1, element_wise(elements, SECTOR, 512), 2 * elements * size)
        return [packing, *[rounding] * (self.type_name == "tf32")]

    def _rounding(self) -> list[Launch]:
        return [Launch(one.name, 4, one.programs, one.memory_bytes) for one in super()._rounding()]

    def _weight_gradient(self) -> list[Launch]:
        sizes, elements = self.sizes, GATES * self.sizes.weights
        shares = min(SHARES, -(-sizes.batch * sizes.steps * sizes.voxels // ROWS_A_SHARE))
        found = []
        for gates in (2, 1) if self.cell == "gru" else (GATES,):
            programs = gradient_by_voxel(sizes, gates, self._tile("weight_gradient"), shares)
            moved = (gates + 1) * sizes.steps * sizes.state * sizes.element + gates * sizes.weights * 4 * shares
            found.append(Launch(f"weight gradient ({gates})", 1, programs, moved))
        return [
            *found,
            Launch("weight gradient: sums", 1, element_wise(elements, 4 * shares, 512), 4 * (shares + 1) * elements),
            Launch("weight gradient: lay out", 1, element_wise(elements, SECTOR, 512), elements * (4 + sizes.element)),
        ]


def gradient_by_voxel(sizes: Sizes, gates: int, tile: Choice, shares: int) -> tuple[Programs, ...]:
    """The weight gradient's programs, where each turn has rows of one voxel."""
    samples, reach = sizes.batch * sizes.steps, range(-sizes.reach, sizes.reach + 1)
    found = []
    for x, y, z in product(reach, repeat=3):
        voxels = max(sizes.grid - abs(x), 0) * max(sizes.grid - abs(y), 0) * max(sizes.grid - abs(z), 0)
        turns = voxels * -(-samples // tile.rows)
        share = max(1, -(-turns // shares))
        for length, number in [*spans(turns, share), (0, shares - -(-turns // share))]:
            for (outputs, a), (inputs, b) in product(spans(sizes.channels, tile.channels), repeat=2):
                read = voxels * samples * length // max(turns, 1) * (outputs + inputs) * sizes.element
                operations = 2 * length * tile.rows * tile.channels**2
                found.append(Programs(number * gates * a * b, length, read, operations))
    return tuple(found)
