"""Which tiles the two designs of convrnn3d give their kernels: the first as its launch table had them, 64 and more.

The second design's are of 64 rows. 64 columns of them, all gates' side by side, were compiled without spilling; up to
MANY samples those make so few programs that most multiprocessors stand idle, and half as wide is predicted faster.
"""

from benchmarks.sizes import Sizes
from benchmarks.tiling import Convolution, Tile

FEW, SOME, MANY = 8, 32, 64  # samples, at most: by tap; in the second design by short line; the first of two tiles
INNER = {"bf16": 64, "fp16": 64, "tf32": 32, "fp32": 16}  # channels of a turn
NARROW = (64, 32), (64, 32)
FIRST = {  # rows and channels, of each gate, for up to MANY samples and for more; of the gradient for up to 4 and more
    "half": {
        "gru_gates": ((64, 32), (128, 64)),
        "gru_update": ((64, 32), (128, 64)),
        "gru_reset": ((64, 32), (128, 32)),
        "gru_enter": ((64, 32), (128, 32)),
        "lstm_step": ((64, 32), (128, 32)),
        "lstm_enter": ((64, 32), (64, 64)),
        "weight_gradient": ((16, 128), (64, 128)),
    },
    "tf32": {
        "gru_gates": ((64, 64), (128, 64)),
        "gru_update": ((64, 32), (128, 64)),
        "gru_reset": ((64, 32), (128, 32)),
        "lstm_enter": ((64, 32), (64, 64)),
        "weight_gradient": ((16, 64), (32, 128)),
    },
    "fp32": {"weight_gradient": ((32, 64), (32, 64))},
}
COLUMNS = {"lstm_step": (64, 64)}  # of the second design, likewise; where nothing is said:
WIDE = 32, 64
SIDE_BY_SIDE = {1: 1, 2: 2, 3: 4}  # gates of a product, and that as a power of two


def tile(
    kernel: str, convolution: Convolution, sizes: Sizes, type_name: str, second: bool, columns: int | None = None
) -> Tile:
    """Of a kernel of the launch table. columns: of the second design's, in place of COLUMNS."""
    many = sizes.batch > MANY
    if sizes.batch <= FEW:
        rows, channels = NARROW[0]
    elif second:
        width = columns or COLUMNS.get(kernel, WIDE)[many]
        rows, channels = 64, width // SIDE_BY_SIDE[convolution.separate]
    else:
        rows, channels = _first(kernel, sizes, type_name)[many]
    return Tile(rows, _fitted(channels, sizes), _fitted(INNER[type_name], sizes))


def tile_of_gradient(sizes: Sizes, type_name: str, second: bool) -> Tile:
    """Of the weight's gradient: rows that are summed over, channels of output and of input."""
    rows, channels = _first("weight_gradient", sizes, type_name)[second or sizes.batch > 4]
    return Tile(rows, _fitted(channels, sizes), rows)


def _first(kernel: str, sizes: Sizes, type_name: str) -> tuple[tuple[int, int], tuple[int, int]]:
    return FIRST["half" if sizes.element < 4 else type_name].get(kernel, NARROW)


def _fitted(channels: int, sizes: Sizes) -> int:
    """No more than `sizes` has."""
    return min(channels, max(16, 1 << (sizes.channels - 1).bit_length()))
