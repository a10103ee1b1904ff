"""Execution of a program: all of its threads go through the kernel side by side.

All threads take every branch alike, as in the code that Triton compiles; a diverging branch is an error. Asynchronous
products are computed where they begin, but until they are waited for, what they read must not be written, and what they
write must not be used. See `memory` for the other errors.
"""

import numpy as np

from benchmarks.emulator.arithmetic import computed
from benchmarks.emulator.effects import EFFECTS
from benchmarks.emulator.memory import Global, MemoryFaultError
from benchmarks.emulator.ptx import Instruction, Program
from benchmarks.emulator.state import State


def run_all(
    program: Program, values: dict[str, int], blocks: int, threads: int, shared: int, memory: Global, early: bool
) -> int:
    """Run all programs of a launch, one after the other; return the number of instructions. Arguments as for State."""
    executed, waited = 0, not blocks
    for number in range(blocks):
        one = Execution(program, values, number, threads, shared, memory, early)
        executed += one.run()
        waited |= one.waited
    if not waited:  # those that wait for this launch would not wait for the ones before it
        raise MemoryFaultError("no program waits until the launches before this one have ended")
    return executed


class Execution(State):
    """One program of a launch, from its first instruction to its last."""

    def run(self) -> int:
        """Run to the end; return the number of instructions."""
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
        """The threads that execute an instruction, None for all."""
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
            return self.repack(one)
        found = computed(one.opcode) if name not in EFFECTS else None
        if found is not None:
            function, kinds, kind = found
            result, *given = one.operands
            with np.errstate(all="ignore"):
                self.write(result, function(*map(self.read, given, kinds)), kind, active)
        elif name in EFFECTS:
            EFFECTS[name](self, one, active)
        else:
            raise NotImplementedError(one.text)
