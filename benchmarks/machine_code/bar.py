"""The bar: requirements for the machine code of every kernel.

- No spills in the main loop. Code that runs once after it may spill, as with wide tiles.
- Registers and shared memory leave room for the planned programs on a multiprocessor: eight warps, as two programs of
  four or one of eight; on sm_120, with its 99 KB, one program.
- The main loop has matrix instructions, or for ieee operands at least multiply-adds.
- On NVIDIA it has asynchronous copies, none of 4 bytes, and Hopper's products are not each waited for before the next.
- It has no comparisons except those of the loop and its pipeline, so that no tap is masked. Lines are an exception:
  their taps along x and y may leave the grid.

`conv_parts`, whose few turns may be unrolled, and the weight gradient, whose last rows are ragged, may compare. A
program of one turn has no loop, and no product that its copies could run alongside: it loads through registers. The
weight gradient's tf32 operands are copied 4 bytes at a time on sm_90 and sm_100, whose products read tf32 only along
the summed axis: that of the rows, which lie C apart in memory.
"""

from benchmarks.machine_code.compiled import CHANNELS, TARGETS, Kernel
from benchmarks.machine_code.disassembly import MachineCode

REGISTERS = 65536  # of a multiprocessor; a wave's lanes on AMD have 512 each
LANE_REGISTERS = 512
SHARED = {"sm_80": 163, "sm_90": 227, "sm_100": 227, "sm_120": 99, "gfx942": 64, "gfx950": 160}  # KiB
WARPS = 8  # planned to be resident on a multiprocessor
LINES_COMPARISONS = 8  # a line's rows may be at an end of the grid along x and along y
LOOP_COMPARISONS = {"cuda": 4, "hip": 8}  # gfx950 guards each copy to shared memory against the pipeline's end


def misses(kernel: Kernel, code: MachineCode) -> list[str]:
    """The requirements that this kernel misses, in words."""
    target, warps = kernel.target, kernel.options["num_warps"]
    programs = 1 if target in ("sm_120", "gfx942", "gfx950") else max(1, WARPS // warps)
    amd = target.startswith("gfx")
    loops = any(part in kernel.function for part in ("conv_parts", "weight_gradient")) or kernel.convolves
    comparisons = (
        LINES_COMPARISONS if kernel.convolves and kernel.tile.lines else LOOP_COMPARISONS[TARGETS[target].backend]
    )
    found = {
        f"{code.spills} spills in the loop": code.spills > 0,
        "registers": code.registers > (LANE_REGISTERS if amd else REGISTERS // (32 * warps * programs)),
        "shared memory": code.shared * programs > SHARED[target] * 1024,
        "no matrix instructions": loops and kernel.kind != "ieee" and code.matrix == 0,
        "no multiply-adds": loops and kernel.kind == "ieee" and code.matrix + code.products == 0,
        "products one by one": code.matrix > 1 and 2 * code.waits > code.matrix,  # ptxas: "serialized", C7510 and on
        "no asynchronous copies": loops and not amd and code.asynchronous == 0 and not _has_one_turn(kernel),
        "copies of 4 bytes": code.narrow > 0 and not _is_read_across(kernel),
        "masks": kernel.convolves and code.comparisons > comparisons,
    }
    return [miss for miss, is_missed in found.items() if is_missed]


def _is_read_across(kernel: Kernel) -> bool:
    return "weight_gradient" in kernel.function and kernel.kind == "tf32" and kernel.target in ("sm_90", "sm_100")


def _has_one_turn(kernel: Kernel) -> bool:
    """Whether this is a part of a single tap, or of lines' single (dx, dy), that sums all channels in one turn."""
    phase, tile = kernel.phase, kernel.tile
    if "conv_parts" not in kernel.function or (phase.transposed and phase.count > 1):
        return False
    return tile.shared == (2 if tile.lines else 3) and tile.inner >= CHANNELS
