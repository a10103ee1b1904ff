"""Which launches are worth timing."""

from convrnn3d.tuning import table

from benchmarks.machine_code.compiled import OPERANDS
from benchmarks.tune.choices import BATCHES
from benchmarks.work.candidates import candidates


def test_every_kernel_kind_and_batch_has_candidates_without_duplicates() -> None:
    for kernel in table():
        for kind in OPERANDS:
            for batch in BATCHES:
                found = candidates(kernel, kind, batch)
                assert found and len(found) == len(set(found))


def test_a_device_with_more_shared_memory_has_more_candidates() -> None:
    small, large = (candidates("gru_gates_back", "half", 256, shared << 10) for shared in (99, 227))
    assert set(small) < set(large)
    assert any(launch.lines and launch.inner == 64 for launch in set(large) - set(small))
