"""The sizes of a call, and values derived from them."""

from dataclasses import dataclass

BYTES = {"bf16": 2, "fp16": 2, "tf32": 4, "fp32": 4}  # of an element
GATES = 3


@dataclass(frozen=True)
class Sizes:
    """The sizes of a call: B samples, T steps, a grid of `grid` cubed, C channels, F features, bytes of an element."""

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
    def reach(self) -> int:
        return self.kernel_size // 2

    def along(self, place: int) -> int:
        """The number of taps inside the grid at a place on an axis: all except at the ends."""
        return min(place + self.reach, self.grid - 1) - max(place - self.reach, 0) + 1

    @property
    def axis_pairs(self) -> int:
        """The number of pairs of a place on an axis and a tap inside the grid."""
        return sum(self.along(place) for place in range(self.grid))

    @property
    def pairs(self) -> int:
        """The number of pairs of a voxel and a tap inside the grid."""
        return self.axis_pairs**3

    @property
    def padded_pairs(self) -> int:
        return self.voxels * self.kernel_size**3

    @property
    def state(self) -> int:
        """Elements of a state grid, for all samples."""
        return self.batch * self.voxels * self.channels

    @property
    def weights(self) -> int:
        """Elements of one gate's state kernel."""
        return self.channels**2 * self.kernel_size**3
