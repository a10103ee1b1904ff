"""The GPU emulator: what it computes, what it rejects, and the kernels of the launch table run on it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.emulator import matrices
from benchmarks.emulator.machine import Execution, run_all
from benchmarks.emulator.memory import Global, MemoryFaultError
from benchmarks.emulator.ptx import parse

ROOT = Path(__file__).parents[3]
COMPILED = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
KERNEL = """
.version 8.4
.visible .entry kernel(
    .param .u64 .ptr .global .align 1 kernel_param_0,
    .param .u32 kernel_param_1
)
{{
    .reg .b32 %r<9>;
    ld.param.b64 %rd1, [kernel_param_0];
    ld.param.b32 %r8, [kernel_param_1];
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, %ctaid.x;
    mul.wide.u32 %rd2, %r1, 4;
    add.s64 %rd3, %rd1, %rd2; // each thread's own number
    {code}
    ret;
}}
"""


def run(code: str, x: torch.Tensor, value: int = 0, programs: int = 1, early: bool = False) -> None:
    program, memory = parse(KERNEL.format(code=code)), Global([x])
    values = {"kernel_param_0": x.data_ptr(), "kernel_param_1": value}
    run_all(program, values, programs, 32, 1024, memory, early)


def asked(code: str, a: object, b: object, dtype: torch.dtype = torch.int32) -> list:
    """Run `code` with a in %r3 and b in %r4, and return %r5 of every thread."""
    x = torch.stack([torch.as_tensor(one, dtype=dtype).expand(32).clone() for one in (a, b)])
    run(f"ld.global.b32 %r3, [%rd3]; ld.global.b32 %r4, [%rd3 + 128]; {code} st.global.b32 [%rd3], %r5;", x)
    return x[0].tolist()


@pytest.mark.parametrize(
    ("code", "a", "b", "expected"),
    [
        ("add.s32 %r5, %r3, %r4;", 2**31 - 1, 1, -(2**31)),
        ("div.s32 %r5, %r3, %r4;", -7, 2, -3),
        ("rem.s32 %r5, %r3, %r4;", -7, 2, -1),
        ("shr.s32 %r5, %r3, 40;", -8, 0, -1),
        ("shr.u32 %r5, %r3, 28;", -1, 0, 15),
        ("shl.b32 %r5, %r3, %r4;", 1, 32, 0),
        ("bfe.u32 %r5, %r3, 4, 15;", 0x7FFFFFF, 0, 0x7FFF),
        ("bfe.s32 %r5, %r3, 1, 2;", 4, 0, -2),
        ("mul.hi.u32 %r5, %r3, %r4;", -1, -1, -2),
        ("mul.wide.s32 %rd5, %r3, %r4; shr.u64 %rd6, %rd5, 32; cvt.u32.u64 %r5, %rd6;", -1, 5, -1),
        ("prmt.b32 %r5, %r3, %r4, 0x5410U;", 0x1111AAAA, 0x2222BBBB, 0xBBBBAAAA - 2**32),
        ("setp.lt.u32 %p1, %r3, %r4; selp.b32 %r5, 1, 2, %p1;", -1, 1, 2),
        ("setp.lt.s32 %p1, %r3, %r4; @%p1 mov.b32 %r3, 9; mov.b32 %r5, %r3;", -1, 1, 9),
        ("cvt.s8.s32 %r5, %r3;", 0xFF, 0, -1),
        ("mov.b32 {%rs1, %rs2}, %r3; mov.b32 %r5, {%rs2, %rs1};", 0x00010002, 0, 0x00020001),
    ],
)
def test_instructions_compute_what_ptx_says(code: str, a: int, b: int, expected: int) -> None:
    assert asked(code, a, b) == [expected] * 32


def test_numbers_round_as_a_gpu_rounds_them() -> None:
    x = torch.randn(32) * 100
    x[:3] = torch.tensor([1.00390625, 1.01171875, torch.inf])  # two ties, and infinity, which must not carry over
    halves = asked("cvt.rn.bf16.f32 %rs1, %r3; cvt.f32.bf16 %r5, %rs1;", x, 0, torch.float32)
    assert halves == x.bfloat16().float().tolist()
    power = asked("fma.rn.f32 %r6, %r3, 0f3C000000, %r4; ex2.approx.f32 %r5, %r6;", x, 1.0, torch.float32)
    torch.testing.assert_close(torch.tensor(power), torch.exp2(x / 128 + 1))


def test_threads_of_a_warp_exchange_numbers() -> None:
    lanes = list(range(32))
    assert asked("shfl.sync.bfly.b32 %r5, %r3, 1, 31, -1;", lanes, 0) == [lane ^ 1 for lane in lanes]
    assert asked("shfl.sync.idx.b32 %r5, %r3, 3, 31, -1;", lanes, 0) == [3] * 32
    others = [7 * lane % 32 for lane in lanes]
    assert asked("shfl.sync.idx.b32 %r5, %r3, %r4, 31, -1;", lanes, others) == others
    assert asked("redux.sync.max.s32 %r5, %r3, -1;", lanes, 0) == [31] * 32


@pytest.mark.parametrize(("capability", "kind"), [("mma", "bf16"), ("mma", "tf32")])
def test_mma_on_registers_equals_the_matrix_product(capability: str, kind: str) -> None:
    """The test fills the operands' registers by the same rules, value by value."""
    generator = np.random.default_rng(0)
    k = {"bf16": 16, "tf32": 8}[kind]
    a, b = generator.integers(-4, 5, (16, k)).astype(np.float32), generator.integers(-4, 5, (k, 8)).astype(np.float32)
    each = k // 8
    lane = np.arange(32)

    def register(numbers: list[np.ndarray]) -> np.ndarray:
        bits = [one.astype(np.float32).view(np.uint32) for one in numbers]
        return bits[0] if each == 1 else (bits[0] >> np.uint32(16)) | (bits[1] & np.uint32(0xFFFF0000))

    left = [
        register([a[lane // 4 + rows, lane % 4 * each + place + columns] for place in range(each)])
        for columns in (0, k // 2)
        for rows in (0, 8)
    ]
    right = [register([b[lane % 4 * each + place + rows, lane // 4] for place in range(each)]) for rows in (0, k // 2)]
    opcode = ("mma", "sync", "aligned", f"m16n8k{k}", "row", "col", "f32", kind, kind, "f32")
    found = matrices.multiplied(np.stack(left), np.stack(right), np.ones((4, 32), np.float32), opcode)
    expected = a @ b + 1
    for place in range(4):
        np.testing.assert_array_equal(found[place], expected[lane // 4 + place // 2 * 8, lane % 4 * 2 + place % 2])


@pytest.mark.parametrize(("line", "mode"), [(128, 1), (64, 2), (32, 3)])
def test_a_swizzle_gives_every_value_its_own_place(line: int, mode: int) -> None:
    descriptor = mode << 62 | (8 * line >> 4) << 32
    places = matrices.places_under(descriptor, 64, line // 2, 2, rows_innermost=False)
    assert len(np.unique(places)) == places.size == 64 * line and places.max() == 64 * line - 1
    assert (places[:8, 0, 0] // 16 % (line // 16) == np.arange(8) * line // 128 % (line // 16)).all()


ON_SHARED = "shl.b32 %r3, %r1, 4; cp.async.cg.shared.global [ %r3 + 0 ], [ %rd4 + 0 ], 0x10, 16;"
FAULTS: dict[str, tuple[str, str]] = {
    "beyond a tensor": ("ld.global.b32 %r3, [%rd3 + 4096];", "leaves the tensor|in no tensor"),
    "before a tensor": ("add.s64 %rd3, %rd3, -4; ld.global.b32 %r3, [%rd3];", "leaves the tensor|in no tensor"),
    "at an unaligned address": ("ld.global.b32 %r3, [%rd3 + 2];", "not aligned"),
    "read of another program's write": (
        "setp.eq.s32 %p1, %r2, 0; @%p1 st.global.b32 [%rd3], %r1; @!%p1 ld.global.b32 %r3, [%rd3];",
        "reads what another",
    ),
    "write over another program's write": ("st.global.b32 [%rd3], %r1;", "writes over what another"),
    "write to what another program reads": (
        "setp.eq.s32 %p1, %r2, 0; @%p1 ld.global.b32 %r3, [%rd3]; @!%p1 st.global.b32 [%rd3], %r1;",
        "launch read",
    ),
    "read of unwritten shared memory": ("ld.shared.b32 %r3, [global_smem];", "never written"),
    "beyond shared memory": ("st.shared.b32 [global_smem+1024], %r1;", "leaves shared memory"),
    "read before a copy arrives": (f"{ON_SHARED} cp.async.commit_group; ld.shared.b32 %r4, [%r3];", "not brought yet"),
    "read before a barrier": (
        f"{ON_SHARED} cp.async.commit_group; cp.async.wait_group 0; ld.shared.b32 %r4, [%r3];",
        "not brought yet",
    ),
    "write over a copy": (f"{ON_SHARED} st.shared.b32 [%r3], %r1;", "on its way"),
    "read of an unwritten register": ("mov.b32 %r3, %r7;", "register is read"),
    "packing of unwritten registers": ("mov.b32 %r3, {%rs1, %rs2};", "packed that were never written"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_an_illegal_access_is_a_memory_fault(what: str) -> None:
    code, words = FAULTS[what]
    x = torch.zeros(256, dtype=torch.int32)
    begin = "mul.wide.u32 %rd4, %r1, 16; add.s64 %rd4, %rd1, %rd4; " if "cp.async" in code else ""
    with pytest.raises(MemoryFaultError, match=words):
        run(begin + code, x, programs=2)


def test_an_asynchronous_copy_can_be_read_after_waiting_for_it() -> None:
    x = torch.arange(256, dtype=torch.int32)
    begin = "mul.wide.u32 %rd4, %r1, 16; add.s64 %rd4, %rd1, %rd4; "
    end = "cp.async.commit_group; cp.async.wait_group 0; bar.sync 0; ld.shared.b32 %r4, [%r3+8]; "
    run(begin + ON_SHARED + end + "st.global.b32 [%rd3 + 512], %r4;", x)
    assert x[128:160].tolist() == list(range(2, 130, 4))


@pytest.mark.parametrize("access", ["ld.global.b32 %r3, [%rd3];", "st.global.b32 [%rd3], %r1;"])
def test_an_early_launch_must_wait_before_it_accesses_memory(access: str) -> None:
    x, wait = torch.zeros(32, dtype=torch.int32), "griddepcontrol.launch_dependents; griddepcontrol.wait;"
    run(wait + access, x, early=True)
    run(access, x)
    for code in (access + wait, "griddepcontrol.launch_dependents;" + access):
        with pytest.raises(MemoryFaultError, match="before the launches before"):
            run(code, x, early=True)
    with pytest.raises(MemoryFaultError, match="no program waits"):
        run("griddepcontrol.launch_dependents;", x, programs=2, early=True)
    run(f"setp.eq.s32 %p1, %r2, 0; @!%p1 ret; {wait}", x, programs=2, early=True)  # one program that waits is enough
    with pytest.raises(NotImplementedError, match="threads part"):
        run("setp.eq.s32 %p1, %r1, 0; @%p1 griddepcontrol.wait;" + access, x, early=True)


PRODUCT = "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%r10,%r11,%r12,%r13}, %rd5, %rd6, %p1, 1, 1, 0, 0;"


def test_one_half_of_a_packed_register_may_be_unwritten() -> None:
    """LLVM packs halves that it never reads."""
    assert [one & 0xFFFF for one in asked("mov.b32 {%rs1, _}, %r3; mov.b32 %r5, {%rs1, %rs2};", 7, 0)] == [7] * 32


def multiplied(before: str, after: str, keep: int = -1) -> torch.Tensor:
    """Run a wgmma of A (64, 16) and, stored after it, B (8, 16): both ones, k innermost, swizzled by 32 bytes."""
    ones = 0x3F803F80
    fill = "".join(f"st.shared.b32 [%r20+{place}], {ones};" for place in range(0, 20, 4))
    x = torch.zeros(4 * 128, dtype=torch.int32)
    a, b = 3 << 62 | (256 >> 4) << 32, 3 << 62 | (256 >> 4) << 32 | 2048 >> 4
    code = (
        f"mul.lo.s32 %r20, %r1, 20; {fill} bar.sync 0; {before} mov.b64 %rd5, {a}; mov.b64 %rd6, {b};"
        f"mov.pred %p1, {keep}; {SUMS if keep else ''} wgmma.fence.sync.aligned; {PRODUCT}"
        f"wgmma.commit_group.sync.aligned; {after}"
        "st.global.b32 [%rd3], %r10; st.global.b32 [%rd3 + 512], %r11;"
    )
    program, memory = parse(KERNEL.format(code=code)), Global([x])
    Execution(program, {"kernel_param_0": x.data_ptr(), "kernel_param_1": 0}, 0, 128, 2560, memory).run()
    return x.view(torch.float32).reshape(4, 128)


SUMS = "mov.b32 %r10, 0f00000000; mov.b32 %r11, 0f3F800000; mov.b32 %r12, 0f00000000; mov.b32 %r13, 0f00000000;"
FENCE, WAIT = "fence.proxy.async.shared::cta;", "wgmma.wait_group.sync.aligned 0;"


def test_a_product_is_added_to_what_the_registers_hold() -> None:
    x = multiplied(FENCE, WAIT)
    assert x[0].eq(16).all() and x[1].eq(17).all()


def test_the_first_product_of_a_sum_may_find_unwritten_registers() -> None:
    assert multiplied(FENCE, WAIT, keep=0)[:2].eq(16).all()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("", WAIT, "no fence has shown"),
        (FENCE, "", "still writes a register"),
        (FENCE, f"st.shared.b32 [%r20], %r1; {WAIT}", "product still reads"),
        (FENCE, "ret;", "ends before its products"),
    ],
)
def test_a_product_without_its_fence_or_its_wait_is_an_error(before: str, after: str, words: str) -> None:
    with pytest.raises(MemoryFaultError, match=words):
        multiplied(before, after)


def test_diverging_threads_are_rejected() -> None:
    with pytest.raises(NotImplementedError, match="threads part"):
        run("setp.lt.u32 %p1, %r1, 5; @%p1 bra $L1; mov.b32 %r3, 1; $L1:", torch.zeros(64, dtype=torch.int32))


def command(*options: str) -> subprocess.CompletedProcess:
    words = [sys.executable, "-m", "benchmarks.emulator", *options]
    return subprocess.run(words, cwd=ROOT, env=COMPILED, capture_output=True, text=True)


@pytest.mark.parametrize("options", [(), ("--architecture", "sm_80", "--brackets", "8")], ids=" ".join)
def test_the_current_kernels_have_recorded_runs_without_faults(options: tuple[str, ...]) -> None:
    """If this fails, run python -m benchmarks.emulator --record with that version of Triton."""
    process = command("--recorded", "--triton", "3.9.0", *options)
    assert process.returncode == 0, process.stdout + process.stderr
    assert process.stdout.count("d weight") == process.stdout.count("launches for") >= 2


@pytest.mark.spare
@pytest.mark.long
@pytest.mark.parametrize(
    "options",
    [
        *(("--kinds", kind) for kind in ("half", "tf32", "ieee")),
        ("--architecture", "sm_80", "--brackets", "8"),
        ("--from-zeros", "--brackets", "8,36"),
    ],
    ids=" ".join,
)
def test_launch_table_kernels_compute_right_results_without_faults(options: tuple[str, ...]) -> None:
    process = command(*options)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "d weight" in process.stdout


def test_a_wrong_result_is_printed_and_exits_with_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from benchmarks.emulator import __main__ as main_module
    from benchmarks.emulator import check

    def found(problem: check.Problem, told: Callable) -> list[check.Distance]:
        return [check.Distance("states", ours, 0.001, 0) for ours in (0.002, 0.003)]

    monkeypatch.setattr(main_module, "distances", found)
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(sys, "argv", ["emulator", "--brackets", "1", "--cells", "gru"])
    assert main_module.main() == 1
    assert capsys.readouterr().out.count("WRONG") == 1
