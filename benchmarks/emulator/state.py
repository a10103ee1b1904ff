"""The state of a running program: registers of all threads, shared memory, the launch's tensors, products in flight."""

import re
from collections import deque

import numpy as np

from benchmarks.emulator.arithmetic import TYPES
from benchmarks.emulator.matrices import WARP
from benchmarks.emulator.memory import Global, MemoryFaultError, Shared
from benchmarks.emulator.ptx import Address, Instruction, Operand, Program

WIDTHS = {"%p": "pred", "%rs": "b16", "%r": "b32", "%f": "b32", "%rd": "b64", "%fd": "b64"}  # of registers, by name


class State:
    """The state of one program of a launch; registers hold a number for each thread.

    early: the program begins before the previous launches have ended, and has to wait for them.
    """

    def __init__(
        self, program: Program, values: dict[str, int], number: int, threads: int, shared: int, memory: Global,
        early: bool = False,
    ):  # fmt: skip
        self.program, self.threads, self.number, self._memory = program, threads, number, memory
        self.waited = not early  # for the previous launches
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
        self.untouchable: set[str] = set()  # registers that products in flight write
        self.executed = 0

    @property
    def memory(self) -> Global:
        if not self.waited:
            raise MemoryFaultError("memory is touched before the launches before this one have ended")
        return self._memory

    def read(self, operand: Operand, kind: str) -> np.ndarray:
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

    def write(self, operand: Operand, value: np.ndarray, kind: str, active: np.ndarray | None = None) -> None:
        register = np.dtype(TYPES[WIDTHS[re.match(r"%[a-z]+", operand)[0]]])
        if register != np.bool_:
            if value.itemsize != register.itemsize:  # a signed number keeps its sign
                value = value.astype(f"{value.dtype.kind}{register.itemsize}")
            value = value.view(register)
        if active is not None:
            before = self.registers.get(operand)
            value = np.where(active, value, np.zeros_like(value) if before is None else before)
        self.registers[operand] = value

    def repack(self, one: Instruction) -> None:
        """Unpack a register's halves or quarters into registers of their own, or pack them, the lowest first."""
        to, since = one.operands
        kind = one.opcode[-1]
        if isinstance(to, tuple):
            parts = np.ascontiguousarray(self.read(since, kind)).view(f"u{TYPES[kind]().itemsize // len(to)}")
            for register, values in zip(to, parts.reshape(self.threads, len(to)).T.copy(), strict=True):
                if register != "_":
                    self.write(register, values, f"b{8 * values.itemsize}")
        else:
            part = f"b{8 * TYPES[kind]().itemsize // len(since)}"
            # LLVM may pack a half that it does not use from a register that was never written.
            anything = np.frombuffer(b"\xa5" * (self.threads * TYPES[part]().itemsize), TYPES[part])
            known = [one in self.registers or one[0] != "%" for one in since]
            if not any(known):
                raise MemoryFaultError("registers are packed that were never written")
            given = zip(since, known, strict=True)
            parts = np.stack([self.read(one, part) if there else anything for one, there in given], axis=1)
            self.write(to, parts.view(TYPES[kind])[:, 0].copy(), kind)

    def addresses(self, address: Address) -> np.ndarray:
        if address.base in self.symbols:
            return np.full(self.threads, self.symbols[address.base] + address.offset, np.int64)
        base = self.read(address.base, WIDTHS[re.match(r"%[a-z]+", address.base)[0]])
        return base.astype(np.int64) + address.offset


def number(text: str, of: np.dtype) -> np.generic:
    """A number in PTX as one of a type."""
    if text.startswith(("0f", "0F")):
        return np.uint32(int(text[2:], 16)).view(of)
    if of == np.bool_:
        return np.bool_(int(text, 0) != 0)
    text = text.rstrip("U")
    if of.kind == "f":
        return of.type(float(text))
    return np.array(int(text, 0) % (1 << (8 * of.itemsize)), f"u{of.itemsize}").view(of)[()]
