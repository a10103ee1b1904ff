"""The launch tables are complete, and their choices steady."""

import json
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from convrnn3d import tuning
from convrnn3d.tuning import SMALL_BATCH, choose, has_special_unit, kind_of, overlaps, supported, table, table_file

KERNELS = {"gru_gates", "gru_update", "gru_update_back", "gru_gates_back", "lstm_step", "lstm_step_back"}
KERNELS.add("weight_gradient")


WITH_TABLES = (None, "sm_80", "sm_90")


@pytest.mark.parametrize("architecture", WITH_TABLES)
def test_every_kernel_has_a_choice_for_every_kind_and_batch(architecture: str | None) -> None:
    assert set(table(architecture)) == KERNELS
    for kinds in table(architecture).values():
        assert set(kinds) == {"half", "tf32", "ieee"}
        for launches in kinds.values():
            ends = [launch.batch for launch in launches]
            assert ends[-1] is None and ends[:-1] == sorted(end for end in ends if end is not None)


@pytest.mark.parametrize("architecture", WITH_TABLES)
def test_a_choice_changes_only_with_the_bracket(architecture: str | None) -> None:
    for kernel, kinds in table(architecture).items():
        for kind, launches in kinds.items():
            ends = [0, *(launch.batch or 1000 for launch in launches)]
            for last_before, last in pairwise(ends):
                found = {choose(kernel, kind, batch, 128, architecture) for batch in range(last_before + 1, last + 1)}
                assert len(found) == 1, (kernel, kind, last)


@pytest.mark.parametrize("architecture", WITH_TABLES)
def test_a_bracket_ends_with_its_largest_batch(architecture: str | None) -> None:
    for kernel, kinds in table(architecture).items():
        for kind, launches in kinds.items():
            for launch in launches[:-1]:
                assert choose(kernel, kind, launch.batch, 128, architecture) == launch.fitted(128)


@pytest.mark.parametrize(
    ("architecture", "name"),
    [
        (None, "launches.json"), ("gfx942", "launches.json"), ("sm_75", "launches.json"),
        ("sm_80", "launches.99KB.json"), ("sm_89", "launches.99KB.json"), ("sm_90", "launches.sm_90.json"),
        ("sm_100", "launches.sm_90.json"), ("sm_120", "launches.99KB.json"),
    ],
)  # fmt: skip
def test_a_gpu_uses_the_table_for_its_amount_of_shared_memory(architecture: str | None, name: str) -> None:
    assert table_file(architecture).name == name


@pytest.mark.parametrize(
    ("architecture", "able"), [(None, False), ("sm_80", False), ("sm_90", True), ("sm_120", True), ("gfx942", False)]
)
def test_launches_overlap_from_compute_capability_9_on(architecture: str | None, able: bool) -> None:
    assert overlaps(architecture) == able


@pytest.mark.parametrize(
    ("architecture", "able"), [("sm_70", False), ("sm_75", True), ("sm_120", True), ("gfx942", False), (None, False)]
)
def test_tanh_is_an_instruction_from_compute_capability_7_5_on(architecture: str | None, able: bool) -> None:
    assert has_special_unit(architecture) == able


@pytest.mark.parametrize(
    ("asked", "batch", "driver", "overlap"),
    [
        (None, SMALL_BATCH, 12030, True),
        (None, SMALL_BATCH + 1, 12030, False),
        ("1", SMALL_BATCH + 1, 13000, True),
        ("0", 1, 13000, False),
        (None, 1, 12020, False),
        ("1", 1, None, False),
    ],
)
def test_launches_of_small_batches_overlap_if_the_driver_can_capture_them(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, batch: int, driver: int | None, overlap: bool
) -> None:
    """driver: the CUDA version that the driver reports; None if there is no driver."""

    def library(name: str) -> SimpleNamespace:
        if driver is None:
            raise OSError(name)
        return SimpleNamespace(cuDriverGetVersion=lambda version: setattr(version._obj, "value", driver))

    monkeypatch.delenv(tuning.DEPENDENT, raising=False) if asked is None else monkeypatch.setenv(
        tuning.DEPENDENT, asked
    )
    monkeypatch.setattr(tuning, "architecture_of", lambda device: "sm_90")
    monkeypatch.setattr(tuning.ctypes, "CDLL", library)
    tuning._captures_overlap.cache_clear()
    assert tuning.dependent_launch(torch.device("cuda"), batch) == overlap
    tuning._captures_overlap.cache_clear()


def test_tiles_are_no_larger_than_the_channels_need() -> None:
    small = choose("lstm_step", "half", 1000, 5)
    assert (small.channels, small.inner) == (16, 16)
    assert choose("lstm_step", "half", 1000, 128).inner == 64


@pytest.mark.parametrize(
    ("dtype", "precision", "kind"),
    [(torch.float32, "ieee", "ieee"), (torch.float32, "tf32", "tf32"), (torch.bfloat16, "ieee", "half")],
)
def test_the_kind_of_operands_follows_from_dtype_and_precision(dtype: torch.dtype, precision: str, kind: str) -> None:
    assert kind_of(dtype, precision) == kind


@pytest.mark.parametrize(
    ("architecture", "precision"),
    [("sm_75", "ieee"), ("sm_80", "tf32"), ("sm_120", "tf32"), ("gfx942", "tf32"), ("gfx950", "ieee")],
)
def test_tf32_is_computed_as_ieee_where_matrix_units_lack_it(architecture: str, precision: str) -> None:
    assert supported("tf32", architecture) == precision
    assert supported("ieee", architecture) == "ieee"


def test_the_environment_variable_selects_another_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = json.loads(table_file(None).read_text(encoding="utf-8"))
    for launch in stored["launches"]["gru_gates"]["half"]:
        launch["warps"] = 2
    (tmp_path / "mine.json").write_text(json.dumps(stored), encoding="utf-8")
    monkeypatch.setenv("CONVRNN3D_LAUNCHES", str(tmp_path / "mine.json"))
    table.cache_clear()
    choose.cache_clear()
    try:
        assert choose("gru_gates", "half", 36, 128).warps == 2
    finally:
        table.cache_clear()
        choose.cache_clear()
