"""The effects of PTX's instructions beyond registers: memory, asynchronous copies, matrix products, threads of a warp.

Each function takes the executing program, the instruction, and the active threads, None for all.
"""

from collections.abc import Callable

import numpy as np

from benchmarks.emulator import matrices
from benchmarks.emulator.arithmetic import TYPES
from benchmarks.emulator.matrices import WARP
from benchmarks.emulator.memory import MemoryFaultError
from benchmarks.emulator.ptx import Instruction
from benchmarks.emulator.state import State


def load(program: State, one: Instruction, active: np.ndarray | None) -> None:
    to, address = one.operands
    targets, kind = to if isinstance(to, tuple) else (to,), one.opcode[-1]
    width = np.dtype(TYPES[kind]).itemsize * len(targets)
    addresses = program.addresses(address)
    if one.opcode[1] == "param":
        raw = bytes(program.parameters[addresses[0] : addresses[0] + width])
        values = np.tile(np.frombuffer(raw, np.uint8), (program.threads, 1))
    else:
        every = np.ones(program.threads, bool) if active is None else active
        values = np.zeros((program.threads, width), np.uint8)
        if one.opcode[1] == "global":
            values[every] = program.memory.load(addresses[every].astype(np.uint64), width, program.number)
        else:
            values[every] = program.shared.load(addresses[every], width)
    each = values.view(TYPES[kind])
    for place, target in enumerate(targets):
        program.write(target, each[:, place].copy(), kind, active)


def store(program: State, one: Instruction, active: np.ndarray | None) -> None:
    address, given = one.operands
    given, kind = given if isinstance(given, tuple) else (given,), one.opcode[-1]
    values = np.stack([program.read(source, kind) for source in given], axis=1).view(np.uint8)
    every = np.ones(program.threads, bool) if active is None else active
    addresses = program.addresses(address)[every]
    if one.opcode[1] == "global":
        program.memory.store(addresses.astype(np.uint64), values[every], program.number)
    else:
        program.shared.store(addresses, values[every])


def async_copy(program: State, one: Instruction, active: np.ndarray | None) -> None:
    if "commit_group" in one.opcode:
        program.shared.commit()
    elif "wait_group" in one.opcode or "wait_all" in one.opcode:
        program.shared.wait(int(one.operands[0]) if one.operands else 0)
    else:
        to, since, size, *read = one.operands
        width = int(size, 0)
        every = np.ones(program.threads, bool) if active is None else active
        asked = program.read(read[0], "u32") if read else np.full(program.threads, width)
        values = np.zeros((program.threads, width), np.uint8)
        if not np.isin(asked, (0, width)).all():
            raise NotImplementedError(one.text)
        there = every & (asked == width)
        values[there] = program.memory.load(program.addresses(since)[there].astype(np.uint64), width, program.number)
        program.shared.copy(program.addresses(to)[every], values[every])


def load_matrices(program: State, one: Instruction, active: np.ndarray | None) -> None:
    targets, address = one.operands
    rows = matrices.rows_of_matrices(program.addresses(address), len(targets))  # (number, 8, warps)
    raw = program.shared.load(rows.reshape(-1), 16).view(np.uint16)
    numbers = raw.reshape(*rows.shape, 8)  # (number, 8, warps, 8)
    if "trans" in one.opcode:
        numbers = numbers.transpose(0, 3, 2, 1)
    lane = np.arange(WARP)
    for place, target in enumerate(targets):
        pair = [numbers[place][lane // 4, :, lane % 4 * 2 + half] for half in (0, 1)]  # (32, warps)
        bits = pair[0].astype(np.uint32) | pair[1].astype(np.uint32) << np.uint32(16)
        program.write(target, np.ascontiguousarray(bits.T).reshape(-1), "b32")


def store_matrices(program: State, one: Instruction, active: np.ndarray | None) -> None:
    address, given = one.operands
    rows = matrices.rows_of_matrices(program.addresses(address), len(given))  # (number, 8, warps)
    numbers = np.zeros((*rows.shape, 8), np.uint16)
    lane = np.arange(WARP)
    for place, source in enumerate(given):
        halves = np.ascontiguousarray(program.read(source, "b32")).view(np.uint16).reshape(-1, WARP, 2)
        for half in (0, 1):
            numbers[place][lane // 4, :, lane % 4 * 2 + half] = halves[:, :, half].T
    if "trans" in one.opcode:
        numbers = numbers.transpose(0, 3, 2, 1)
    program.shared.store(rows.reshape(-1), np.ascontiguousarray(numbers).reshape(-1, 8).view(np.uint8))


def multiply(program: State, one: Instruction, active: np.ndarray | None) -> None:
    to, *given = one.operands
    a, b, c = (np.stack([program.read(register, "b32") for register in registers]) for registers in given)
    found = matrices.multiplied(a, b, c.view(np.float32), one.opcode)
    for register, values in zip(to, found, strict=True):
        program.write(register, values, "f32")


def multiply_groups(program: State, one: Instruction, active: np.ndarray | None) -> None:
    if "fence" in one.opcode:
        return
    if "commit_group" in one.opcode:
        program.pending.append(program.products)
        program.products = []
    elif "wait_group" in one.opcode:
        while len(program.pending) > int(one.operands[0]):
            for _, places in program.pending.popleft():
                for read in places:
                    program.shared.released(read)
        begun = [product for group in program.pending for product in group] + program.products
        program.untouchable = set().union(*(written for written, _ in begun))
    else:
        begin_product(program, one)


def begin_product(program: State, one: Instruction) -> None:
    to, left, right, keep, scale_a, scale_b, *transposed = one.operands
    if (scale_a, scale_b) != ("1", "1") or isinstance(left, tuple):
        raise NotImplementedError(one.text)
    _, n, k = matrices.sizes(one.opcode)
    kind = one.opcode[-1]
    width = matrices.TYPES[kind]
    rows, columns = matrices.accumulator_places(n)
    kept, read = program.read(keep, "pred"), []
    if not kept.any():  # the first product of a sum may use registers that were never written
        for register in to:
            program.write(register, np.zeros(program.threads, np.float32), "f32")
    sums = np.stack([program.read(register, "f32") for register in to])  # (n / 2, threads)
    for group in range(program.threads // matrices.GROUP):
        threads = slice(group * matrices.GROUP, (group + 1) * matrices.GROUP)
        factors = []
        for descriptor, size, rows_innermost in zip((left, right), (64, n), transposed or ("0", "0"), strict=True):
            value = program.read(descriptor, "u64")[threads]
            if (value != value[0]).any():
                raise MemoryFaultError("threads of a product differ in what it reads")
            places = matrices.places_under(int(value[0]), size, k, width, rows_innermost == "1")
            bits = program.shared.read_by_product(places).view(f"u{width}")[:, :, 0]
            factors.append(matrices.floats(bits, kind))
            read.append(places)
        product = (factors[0] @ factors[1].T)[rows, columns]
        sums[:, threads] = np.where(kept[threads], sums[:, threads], 0) + product
    for register, values in zip(to, sums, strict=True):
        program.write(register, values, "f32")
    program.products.append((frozenset(to), read))
    program.untouchable |= set(to)


def exchange(program: State, one: Instruction, active: np.ndarray | None) -> None:
    """shfl: each thread receives the value of another thread of its warp."""
    to, since, by, *_ = one.operands
    values = program.read(since, "b32").reshape(-1, WARP)
    lane, by = np.arange(WARP), program.read(by, "u32").astype(np.int64).reshape(-1, WARP)
    other = {"bfly": lane ^ by, "idx": by, "up": lane - by, "down": lane + by}[one.opcode[2]]
    other = np.where((other >= 0) & (other < WARP), other, lane)
    program.write(to, np.take_along_axis(values, other, axis=1).reshape(-1), "b32")


def reduce(program: State, one: Instruction, active: np.ndarray | None) -> None:
    """redux: reduce over the threads of a warp."""
    to, since, _ = one.operands
    kind, name = one.opcode[-1], one.opcode[2]
    values = program.read(since, kind).reshape(-1, WARP)
    function = {"min": np.min, "max": np.max, "add": np.sum}[name]
    program.write(to, np.repeat(function(values, axis=1).astype(values.dtype), WARP), kind)


def barrier(program: State, one: Instruction, active: np.ndarray | None) -> None:
    program.shared.barrier()


def fence(program: State, one: Instruction, active: np.ndarray | None) -> None:
    if "proxy" in one.opcode:
        program.shared.fence()


def depend(program: State, one: Instruction, active: np.ndarray | None) -> None:
    """griddepcontrol: wait for the previous launches, or let the next one begin, which waits for all of this one."""
    if "wait" in one.opcode:
        if active is not None and not active.all():
            raise NotImplementedError(f"threads part at: {one.text}")
        program.waited = True


EFFECTS: dict[str, Callable[[State, Instruction, np.ndarray | None], None]] = {
    "ld": load,
    "st": store,
    "cp": async_copy,
    "ldmatrix": load_matrices,
    "stmatrix": store_matrices,
    "mma": multiply,
    "wgmma": multiply_groups,
    "shfl": exchange,
    "redux": reduce,
    "bar": barrier,
    "barrier": barrier,
    "fence": fence,
    "griddepcontrol": depend,
}
