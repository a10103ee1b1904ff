"""The memory of programs: tensors, by their addresses, and shared memory, with every access checked.

A GPU reports nothing when programs of a launch read what others of it write, when a thread reads what a copy has not
brought yet, or when a copy overwrites what a product still reads. Here each of these is an error.
"""

from collections import deque
from collections.abc import Iterable

import numpy as np
from torch import Tensor

NOBODY, SEVERAL = -1, -2


class MemoryFaultError(Exception):
    """An access that a program must not make, though a GPU would let it."""


class Region:
    """A tensor's memory, with the program of the launch that wrote each byte and the one that read it."""

    def __init__(self, tensor: Tensor) -> None:
        self.start, self.size = tensor.data_ptr(), tensor.numel() * tensor.element_size()
        storage = np.ctypeslib.as_array((np.ctypeslib.ctypes.c_uint8 * self.size).from_address(self.start))
        self.bytes = storage
        self.writer = np.full(self.size, NOBODY, np.int32)
        self.reader = np.full(self.size, NOBODY, np.int32)


class Global:
    """The tensors of a launch; memory outside them cannot be read or written."""

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        # Views of one storage overlap: the larger ones contain the smaller ones.
        self.regions: list[Region] = []
        for tensor in sorted(tensors, key=lambda tensor: -tensor.numel() * tensor.element_size()):
            if not tensor.is_contiguous():
                raise ValueError(f"a kernel was given a tensor that is not contiguous: {tuple(tensor.shape)}")
            start, end = tensor.data_ptr(), tensor.data_ptr() + tensor.numel() * tensor.element_size()
            if not any(region.start <= start and end <= region.start + region.size for region in self.regions):
                self.regions.append(Region(tensor))

    def _find(self, addresses: np.ndarray, width: int) -> tuple[Region, np.ndarray]:
        first = int(addresses[0])
        for region in self.regions:
            if region.start <= first < region.start + region.size:
                offsets = addresses.astype(np.int64) - region.start
                if offsets.min() < 0 or offsets.max() + width > region.size:
                    raise MemoryFaultError(f"an access of {width} bytes leaves the tensor that it began in")
                if (addresses % np.uint64(width)).any():
                    raise MemoryFaultError(f"an access of {width} bytes is not aligned")
                return region, offsets[:, None] + np.arange(width)
        raise MemoryFaultError(f"address {first:#x} is in no tensor of the launch")

    def load(self, addresses: np.ndarray, width: int, program: int) -> np.ndarray:
        """(threads, width) bytes."""
        if not len(addresses):
            return np.empty((0, width), np.uint8)
        region, places = self._find(addresses, width)
        writer, reader = region.writer[places], region.reader[places]
        if ((writer != NOBODY) & (writer != program)).any():
            raise MemoryFaultError("a program reads what another one of the launch wrote")
        region.reader[places] = np.where((reader == NOBODY) | (reader == program), program, SEVERAL)
        return region.bytes[places]

    def store(self, addresses: np.ndarray, values: np.ndarray, program: int) -> None:
        """values: (threads, width) bytes."""
        if not len(addresses):
            return
        region, places = self._find(addresses, values.shape[1])
        for who, what in ((region.writer, "wrote"), (region.reader, "read")):
            others = who[places]
            if ((others != NOBODY) & (others != program)).any():
                raise MemoryFaultError(f"a program writes over what another one of the launch {what}")
        region.writer[places] = program
        region.bytes[places] = values


# States of a byte of shared memory: never written; on its way in a copy that has not been waited for; written and
# visible to threads; also visible to the matrix units, which see what threads write only after a fence. They see what a
# copy brought: Triton 3.6, whose kernels compute the same on an H100, puts no fence there, Triton 3.9 does.
UNWRITTEN, COMING, THREADS, FENCED = range(4)


class Shared:
    """A program's shared memory, and its asynchronous copies.

    A copy lands, for all threads, at the first barrier after the wait for its group.
    """

    def __init__(self, size: int) -> None:
        self.bytes, self.state = np.zeros(size, np.uint8), np.zeros(size, np.uint8)
        self.readers = np.zeros(size, np.int16)  # products in flight that read a byte
        self.copies: list[tuple[np.ndarray, np.ndarray]] = []  # of the open group: places, bytes
        self.groups: deque[list[tuple[np.ndarray, np.ndarray]]] = deque()
        self.arrived: list[tuple[np.ndarray, np.ndarray]] = []

    def _places(self, addresses: np.ndarray, width: int) -> np.ndarray:
        if (addresses % width).any():
            raise MemoryFaultError(f"an access of {width} bytes of shared memory is not aligned")
        places = addresses.astype(np.int64)[:, None] + np.arange(width)
        if len(places) and (places.min() < 0 or places.max() >= len(self.bytes)):
            raise MemoryFaultError("an access leaves shared memory")
        return places

    def load(self, addresses: np.ndarray, width: int) -> np.ndarray:
        places = self._places(addresses, width)
        self._there(places, THREADS)
        return self.bytes[places]

    def _there(self, places: np.ndarray, least: int) -> None:
        lowest = self.state[places].min(initial=FENCED)
        if lowest < least:
            why = ("was never written", "a copy has not brought yet", "no fence has shown to the matrix units")
            raise MemoryFaultError(f"shared memory is read that {why[lowest]}")

    def _free(self, places: np.ndarray) -> None:
        if self.readers[places].any():
            raise MemoryFaultError("shared memory is written that a product still reads")
        if (self.state[places] == COMING).any():
            raise MemoryFaultError("shared memory is written that a copy is on its way to")

    def store(self, addresses: np.ndarray, values: np.ndarray) -> None:
        places = self._places(addresses, values.shape[1])
        self._free(places)
        self.bytes[places], self.state[places] = values, THREADS

    def copy(self, addresses: np.ndarray, values: np.ndarray) -> None:
        """Begin an asynchronous copy."""
        places = self._places(addresses, values.shape[1])
        self._free(places)
        self.state[places] = COMING
        self.copies.append((places, values))

    def commit(self) -> None:
        self.groups.append(self.copies)
        self.copies = []

    def wait(self, pending: int) -> None:
        while len(self.groups) > pending:
            self.arrived += self.groups.popleft()

    def barrier(self) -> None:
        for places, values in self.arrived:
            self.bytes[places], self.state[places] = values, FENCED
        self.arrived = []

    def fence(self) -> None:
        self.state[self.state == THREADS] = FENCED

    def read_by_product(self, places: np.ndarray) -> np.ndarray:
        """The bytes at places that a product reads until it is waited for; call `released` then."""
        if places.min() < 0 or places.max() >= len(self.bytes):
            raise MemoryFaultError("a product leaves shared memory")
        self._there(places, FENCED)
        self.readers[places] += 1  # an operand holds no byte twice
        return self.bytes[places]

    def released(self, places: np.ndarray) -> None:
        self.readers[places] -= 1
