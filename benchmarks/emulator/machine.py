"""A program executed: all of its threads go through the kernel side by side, as far as its branches let them.

Every thread takes every branch alike, as in what Triton compiles; what would part them is an error. Asynchronous
products are computed where they begin, but what they read may not be written, and what they write not be touched,
before they are waited for. See `memory` for what else is held to be wrong.
"""

import re
from collections import deque
from collections.abc import Callable

import numpy as np

from benchmarks.emulator import matrices
from benchmarks.emulator.arithmetic import TYPES, computed
from benchmarks.emulator.memory import Global, MemoryFaultError, Shared
from benchmarks.emulator.ptx import Address, Instruction, Operand, Program

WARP = 32
WIDTHS = {"%p": "pred", "%rs": "b16", "%r": "b32", "%f": "b32", "%rd": "b64", "%fd": "b64"}  # of registers, by name


class Execution:
    """One program of a launch: its registers, its shared memory, the launch's tensors."""

    def __init__(
        self, program: Program, values: dict[str, int], number: int, threads: int, shared: int, memory: Global
    ):
        self.program, self.threads, self.number, self.memory = program, threads, number, memory
        self.shared = Shared(shared)
        self.symbols, self.parameters = {"global_smem": 0}, bytearray()
        for name, size in program.parameters:
            self.parameters += bytes(-len(self.parameters) % size)
            self.symbols[name] = len(self.parameters)
            self.parameters += (values[name] % (1 << (8 * size))).to_bytes(size, "little")
        thread = np.arange(threads, dtype=np.uint32)
        self.registers: dict[str, np.ndarray] = {
            "%tid.x": thread, "%ctaid.x": np.full(threads, number, np.uint32), "%laneid": thread % np.uint32(WARP),
            "%ntid.x": np.full(threads, threads, np.uint32),
        }  # fmt: skip
        self.products: list[tuple[frozenset[str], list[np.ndarray]]] = []  # begun: what they write, what they read
        self.pending: deque[list[tuple[frozenset[str], list[np.ndarray]]]] = deque()  # groups of these
        self.untouchable: set[str] = set()  # registers that products under way write
        self.executed = 0

    def run(self) -> int:
        """To the end; how many instructions that took."""
        place, instructions = 0, self.program.instructions
        while place < len(instructions):
            one = instructions[place]
            self.executed += 1
            place += 1
            if self.untouchable and one.opcode[0] != "wgmma" and not self.untouchable.isdisjoint(one.registers):
                raise MemoryFaultError(f"a product under way still writes a register of: {one.text}")
            if one.opcode[0] in ("bra", "ret"):
                if self._taken(one):
                    if one.opcode[0] == "ret":
                        break
                    place = self.program.labels[str(one.operands[0])]
                continue
            try:
                self._execute(one)
            except MemoryFaultError as fault:
                raise MemoryFaultError(f"{fault}: {one.text} (program {self.number})") from None
        if self.untouchable or self.pending or self.products:
            raise MemoryFaultError(f"program {self.number} ends before its products do")
        return self.executed

    def _active(self, one: Instruction) -> np.ndarray | None:
        """Which threads execute an instruction, None for all."""
        if one.predicate is None:
            return None
        active = self.registers[one.predicate]
        return ~active if one.negated else active

    def _taken(self, one: Instruction) -> bool:
        active = self._active(one)
        if active is None:
            return True
        if active.any() != active.all():
            raise NotImplementedError(f"threads part at: {one.text}")
        return bool(active[0])

    def _execute(self, one: Instruction) -> None:
        active, name = self._active(one), one.opcode[0]
        if active is not None and not active.any():
            return
        if name == "mov" and any(isinstance(operand, tuple) for operand in one.operands):
            return self._repack(one)
        found = computed(one.opcode) if name not in EFFECTS else None
        if found is not None:
            function, kinds, kind = found
            result, *given = one.operands
            with np.errstate(all="ignore"):
                self._write(result, function(*map(self._read, given, kinds)), kind, active)
        elif name in EFFECTS:
            EFFECTS[name](self, one, active)
        else:
            raise NotImplementedError(one.text)

    def _read(self, operand: Operand, kind: str) -> np.ndarray:
        """(threads,) numbers of a type."""
        of = np.dtype(TYPES[kind])
        if operand in self.registers:
            register = self.registers[operand]
        elif operand in self.symbols:
            register = np.full(self.threads, self.symbols[operand], np.uint64)
        elif operand[0] == "%":
            raise MemoryFaultError("a register is read that was never written")
        else:
            return np.full(self.threads, number(operand, of))
        if of == np.bool_:
            return register
        if register.itemsize != of.itemsize:
            register = register.astype(f"u{of.itemsize}")
        return register.view(of)

    def _write(self, operand: Operand, value: np.ndarray, kind: str, active: np.ndarray | None = None) -> None:
        register = np.dtype(TYPES[WIDTHS[re.match(r"%[a-z]+", operand)[0]]])
        if register != np.bool_:
            if value.itemsize != register.itemsize:  # a signed number keeps its sign
                value = value.astype(f"{value.dtype.kind}{register.itemsize}")
            value = value.view(register)
        if active is not None:
            before = self.registers.get(operand)
            value = np.where(active, value, np.zeros_like(value) if before is None else before)
        self.registers[operand] = value

    def _repack(self, one: Instruction) -> None:
        """A register's halves or quarters into registers of their own, or the other way, the lowest first."""
        to, since = one.operands
        kind = one.opcode[-1]
        if isinstance(to, tuple):
            parts = np.ascontiguousarray(self._read(since, kind)).view(f"u{TYPES[kind]().itemsize // len(to)}")
            for register, values in zip(to, parts.reshape(self.threads, len(to)).T.copy(), strict=True):
                if register != "_":
                    self._write(register, values, f"b{8 * values.itemsize}")
        else:
            part = f"b{8 * TYPES[kind]().itemsize // len(since)}"
            parts = np.stack([self._read(register, part) for register in since], axis=1)
            self._write(to, parts.view(TYPES[kind])[:, 0].copy(), kind)

    def _addresses(self, address: Address) -> np.ndarray:
        if address.base in self.symbols:
            return np.full(self.threads, self.symbols[address.base] + address.offset, np.int64)
        base = self._read(address.base, WIDTHS[re.match(r"%[a-z]+", address.base)[0]])
        return base.astype(np.int64) + address.offset

    def _load(self, one: Instruction, active: np.ndarray | None) -> None:
        to, address = one.operands
        targets, kind = to if isinstance(to, tuple) else (to,), one.opcode[-1]
        width = np.dtype(TYPES[kind]).itemsize * len(targets)
        addresses = self._addresses(address)
        if one.opcode[1] == "param":
            raw = bytes(self.parameters[addresses[0] : addresses[0] + width])
            values = np.tile(np.frombuffer(raw, np.uint8), (self.threads, 1))
        else:
            every = np.ones(self.threads, bool) if active is None else active
            values = np.zeros((self.threads, width), np.uint8)
            if one.opcode[1] == "global":
                values[every] = self.memory.load(addresses[every].astype(np.uint64), width, self.number)
            else:
                values[every] = self.shared.load(addresses[every], width)
        each = values.view(TYPES[kind])
        for place, target in enumerate(targets):
            self._write(target, each[:, place].copy(), kind, active)

    def _store(self, one: Instruction, active: np.ndarray | None) -> None:
        address, given = one.operands
        given, kind = given if isinstance(given, tuple) else (given,), one.opcode[-1]
        values = np.stack([self._read(source, kind) for source in given], axis=1).view(np.uint8)
        every = np.ones(self.threads, bool) if active is None else active
        addresses = self._addresses(address)[every]
        if one.opcode[1] == "global":
            self.memory.store(addresses.astype(np.uint64), values[every], self.number)
        else:
            self.shared.store(addresses, values[every])

    def _async_copy(self, one: Instruction, active: np.ndarray | None) -> None:
        if "commit_group" in one.opcode:
            self.shared.commit()
        elif "wait_group" in one.opcode or "wait_all" in one.opcode:
            self.shared.wait(int(one.operands[0]) if one.operands else 0)
        else:
            to, since, size, *read = one.operands
            width = int(size, 0)
            every = np.ones(self.threads, bool) if active is None else active
            asked = self._read(read[0], "u32") if read else np.full(self.threads, width)
            values = np.zeros((self.threads, width), np.uint8)
            if not np.isin(asked, (0, width)).all():
                raise NotImplementedError(one.text)
            there = every & (asked == width)
            values[there] = self.memory.load(self._addresses(since)[there].astype(np.uint64), width, self.number)
            self.shared.copy(self._addresses(to)[every], values[every])

    def _load_matrices(self, one: Instruction, active: np.ndarray | None) -> None:
        targets, address = one.operands
        rows = matrices.rows_of_matrices(self._addresses(address), len(targets))  # (number, 8, warps)
        raw = self.shared.load(rows.reshape(-1), 16).view(np.uint16)
        numbers = raw.reshape(*rows.shape, 8)  # (number, 8, warps, 8)
        if "trans" in one.opcode:
            numbers = numbers.transpose(0, 3, 2, 1)
        lane = np.arange(WARP)
        for place, target in enumerate(targets):
            pair = [numbers[place][lane // 4, :, lane % 4 * 2 + half] for half in (0, 1)]  # (32, warps)
            bits = pair[0].astype(np.uint32) | pair[1].astype(np.uint32) << np.uint32(16)
            self._write(target, np.ascontiguousarray(bits.T).reshape(-1), "b32")

    def _store_matrices(self, one: Instruction, active: np.ndarray | None) -> None:
        address, given = one.operands
        rows = matrices.rows_of_matrices(self._addresses(address), len(given))  # (number, 8, warps)
        numbers = np.zeros((*rows.shape, 8), np.uint16)
        lane = np.arange(WARP)
        for place, source in enumerate(given):
            halves = np.ascontiguousarray(self._read(source, "b32")).view(np.uint16).reshape(-1, WARP, 2)
            for half in (0, 1):
                numbers[place][lane // 4, :, lane % 4 * 2 + half] = halves[:, :, half].T
        if "trans" in one.opcode:
            numbers = numbers.transpose(0, 3, 2, 1)
        self.shared.store(rows.reshape(-1), np.ascontiguousarray(numbers).reshape(-1, 8).view(np.uint8))

    def _multiply(self, one: Instruction, active: np.ndarray | None) -> None:
        to, *given = one.operands
        a, b, c = (np.stack([self._read(register, "b32") for register in registers]) for registers in given)
        found = matrices.multiplied(a, b, c.view(np.float32), one.opcode)
        for register, values in zip(to, found, strict=True):
            self._write(register, values, "f32")

    def _multiply_groups(self, one: Instruction, active: np.ndarray | None) -> None:
        if "fence" in one.opcode:
            return
        if "commit_group" in one.opcode:
            self.pending.append(self.products)
            self.products = []
        elif "wait_group" in one.opcode:
            while len(self.pending) > int(one.operands[0]):
                for _, places in self.pending.popleft():
                    for read in places:
                        self.shared.released(read)
            begun = [product for group in self.pending for product in group] + self.products
            self.untouchable = set().union(*(written for written, _ in begun))
        else:
            self._begin_product(one)

    def _begin_product(self, one: Instruction) -> None:
        to, left, right, keep, scale_a, scale_b, *transposed = one.operands
        if (scale_a, scale_b) != ("1", "1") or isinstance(left, tuple):
            raise NotImplementedError(one.text)
        _, n, k = matrices.sizes(one.opcode)
        kind = one.opcode[-1]
        width = matrices.TYPES[kind]
        rows, columns = matrices.accumulator_places(n)
        sums = np.stack([self._read(register, "f32") for register in to])  # (n / 2, threads)
        kept, read = self._read(keep, "pred"), []
        for group in range(self.threads // matrices.GROUP):
            threads = slice(group * matrices.GROUP, (group + 1) * matrices.GROUP)
            factors = []
            for descriptor, size, rows_innermost in zip((left, right), (64, n), transposed or ("0", "0"), strict=True):
                value = self._read(descriptor, "u64")[threads]
                if (value != value[0]).any():
                    raise MemoryFaultError("threads of a product differ in what it reads")
                places = matrices.places_under(int(value[0]), size, k, width, rows_innermost == "1")
                bits = self.shared.read_by_product(places).view(f"u{width}")[:, :, 0]
                factors.append(matrices.floats(bits, kind))
                read.append(places)
            product = (factors[0] @ factors[1].T)[rows, columns]
            sums[:, threads] = np.where(kept[threads], sums[:, threads], 0) + product
        for register, values in zip(to, sums, strict=True):
            self._write(register, values, "f32")
        self.products.append((frozenset(to), read))
        self.untouchable |= set(to)

    def _exchange(self, one: Instruction, active: np.ndarray | None) -> None:
        """shfl: what another thread of the warp has."""
        to, since, by, *_ = one.operands
        values = self._read(since, "b32").reshape(-1, WARP)
        lane, by = np.arange(WARP), self._read(by, "u32")[0]
        other = {"bfly": lane ^ by, "idx": np.full(WARP, by), "up": lane - by, "down": lane + by}[one.opcode[2]]
        other = np.where((other >= 0) & (other < WARP), other, lane)
        self._write(to, values[:, other].reshape(-1), "b32")

    def _reduce(self, one: Instruction, active: np.ndarray | None) -> None:
        """redux: over the threads of a warp."""
        to, since, _ = one.operands
        kind, name = one.opcode[-1], one.opcode[2]
        values = self._read(since, kind).reshape(-1, WARP)
        function = {"min": np.min, "max": np.max, "add": np.sum}[name]
        self._write(to, np.repeat(function(values, axis=1).astype(values.dtype), WARP), kind)

    def _barrier(self, one: Instruction, active: np.ndarray | None) -> None:
        self.shared.barrier()

    def _fence(self, one: Instruction, active: np.ndarray | None) -> None:
        if "proxy" in one.opcode:
            self.shared.fence()


EFFECTS: dict[str, Callable[[Execution, Instruction, np.ndarray | None], None]] = {
    "ld": Execution._load,
    "st": Execution._store,
    "cp": Execution._async_copy,
    "ldmatrix": Execution._load_matrices,
    "stmatrix": Execution._store_matrices,
    "mma": Execution._multiply,
    "wgmma": Execution._multiply_groups,
    "shfl": Execution._exchange,
    "redux": Execution._reduce,
    "bar": Execution._barrier,
    "barrier": Execution._barrier,
    "fence": Execution._fence,
    "griddepcontrol": lambda *_: None,
}


def number(text: str, of: np.dtype) -> np.generic:
    """A number of PTX's as one of a type."""
    if text.startswith(("0f", "0F")):
        return np.uint32(int(text[2:], 16)).view(of)
    if of == np.bool_:
        return np.bool_(int(text, 0) != 0)
    text = text.rstrip("U")
    if of.kind == "f":
        return of.type(float(text))
    return np.array(int(text, 0) % (1 << (8 * of.itemsize)), f"u{of.itemsize}").view(of)[()]
