"""Matrix products, and the layouts of their operands in shared memory and in registers.

wgmma    D (64, n) += A (64, k) B (k, n) by four warps, operands in shared memory under a descriptor, rows of k
         innermost, swizzled: sixteenths of an address line are exchanged by the number of the line
mma      D (16, 8) += A (16, k) B (k, 8) by a warp, operands in registers, from `ldmatrix`
"""

import re

import numpy as np

WARP, GROUP = 32, 128  # threads of a warp, and of four warps
TYPES = {"bf16": 2, "f16": 2, "tf32": 4}  # bytes


def floats(bits: np.ndarray, kind: str) -> np.ndarray:
    """The bits of a type's numbers as float32; tf32 is truncated, as in the matrix units."""
    if kind == "bf16":
        return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
    if kind == "f16":
        return bits.view(np.float16).astype(np.float32)
    return (bits & np.uint32(0xFFFFE000)).view(np.float32)


def sizes(opcode: tuple[str, ...]) -> tuple[int, int, int]:
    """m, n and k of an instruction."""
    shape = next(part for part in opcode if re.fullmatch(r"m\d+n\d+k\d+", part))
    m, n, k = map(int, re.findall(r"\d+", shape))
    return m, n, k


def places_under(descriptor: int, rows: int, k: int, width: int, rows_innermost: bool) -> np.ndarray:
    """(rows, k, width): the places of an operand's bytes in shared memory, a row for each m or n.

    A swizzle spans eight lines of 128, 64 or 32 bytes. With k innermost a line is a row, and the next eight rows are a
    stride away. With rows innermost a line has the rows of one k, further rows are the leading offset away, and the
    next eight k the stride.
    """
    start, leading, stride = (((descriptor >> bit) & 0x3FFF) << 4 for bit in (0, 16, 32))
    line = {1: 128, 2: 64, 3: 32}[descriptor >> 62]
    row, column = np.arange(rows)[:, None], np.arange(k)[None, :]
    if rows_innermost:
        held = line // width
        address = start + row // held * leading + row % held * width + column // 8 * stride + column % 8 * line
    else:
        address = start + row // 8 * stride + row % 8 * line + column * width
    address = address ^ (((address >> 7) & (line // 16 - 1)) << 4)
    return address[:, :, None] + np.arange(width)


def accumulator_places(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The row and column of D (64, n) in each register of each of 128 threads, both (n / 2, 128)."""
    number, thread = np.arange(n // 2)[:, None], np.arange(GROUP)[None, :]
    lane = thread % WARP
    rows = thread // WARP * 16 + lane // 4 + number // 2 % 2 * 8
    return rows, number // 4 * 8 + lane % 4 * 2 + number % 2


def rows_of_matrices(addresses: np.ndarray, number: int) -> np.ndarray:
    """(number, 8, warps): the address of each row for `ldmatrix`, `stmatrix`; threads 8 j to 8 j + 7 give matrix j."""
    by_warp = addresses.reshape(-1, WARP)[:, : 8 * number]
    return by_warp.reshape(-1, number, 8).transpose(1, 2, 0)


def multiplied(a: np.ndarray, b: np.ndarray, c: np.ndarray, opcode: tuple[str, ...]) -> np.ndarray:
    """mma's D, (4, threads), for operands given as registers (registers, threads), c float32."""
    _, _, k = sizes(opcode)
    kind = opcode[-3]
    width = TYPES[kind]
    warps = a.shape[1] // WARP
    lane = np.arange(WARP)
    each = 4 // width  # numbers in a register
    left = np.empty((warps, 16, k), np.float32)
    right = np.empty((warps, k, 8), np.float32)
    unsigned = np.uint16 if width == 2 else np.uint32
    for register in range(len(a)):
        numbers = floats(np.ascontiguousarray(a[register]).view(unsigned), kind).reshape(warps, WARP, each)
        for place in range(each):
            row = lane // 4 + register % 2 * 8
            left[:, row, lane % 4 * each + place + register // 2 * 4 * each] = numbers[:, :, place]
    for register in range(len(b)):
        numbers = floats(np.ascontiguousarray(b[register]).view(unsigned), kind).reshape(warps, WARP, each)
        for place in range(each):
            right[:, lane % 4 * each + place + register * 4 * each, lane // 4] = numbers[:, :, place]
    product = left @ right  # (warps, 16, 8)
    found = c.copy()
    for register in range(4):
        row, column = lane // 4 + register // 2 * 8, lane % 4 * 2 + register % 2
        found[register] += product[:, row, column].reshape(-1)
    return found
