"""Packed weights: their order, their rounding, and for how long they are cached."""

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import torch
from convrnn3d import conv_gru, freeze, freezing, packing
from convrnn3d.launcher import launch
from convrnn3d.places import Shape
from parity import DEVICE, tf32
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

CHANNELS = 3


def weight(side: int = 1) -> Tensor:
    return torch.randn(3, CHANNELS, CHANNELS, side, side, side, device=DEVICE)


def shape(side: int = 1) -> Shape:
    return Shape(1, 1, 1, CHANNELS, side)


def packed_by_hand(w: Tensor) -> Tensor:
    """The weight in the forward order, (1, taps, 3, C, C)."""
    return w.flatten(3).movedim(-1, 0)[None]


def kept(w: Tensor) -> Tensor:
    return packing.kept_or_packed(w, shape(), torch.float32, "ieee", launch)


@pytest.mark.parametrize("side", [1, 3])
@pytest.mark.parametrize(("operand", "precision"), [(torch.bfloat16, "ieee"), (torch.float32, "tf32")])
def test_weights_are_packed_for_both_passes_and_rounded_to_nearest(
    side: int, operand: torch.dtype, precision: str
) -> None:
    w = weight(side).transpose(1, 2)  # not contiguous
    forward, backward = packing.pack(w, shape(side), operand, precision, 2, launch)
    rounded = tf32(w) if precision == "tf32" else w.to(operand)
    assert torch.equal(forward, packed_by_hand(rounded)[0])
    assert torch.equal(backward, packed_by_hand(rounded)[0].mT)


def test_a_frozen_weight_is_packed_once(packings: list[Tensor]) -> None:
    w = freeze(weight())
    first, again = kept(w), kept(w)
    assert again is first and len(packings) == 1
    assert torch.equal(first, packed_by_hand(w))


def test_each_stream_packs_its_own_frozen_weight(packings: list[Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    """Another stream may not read yet what one has packed."""
    w = freeze(weight())
    first = kept(w)
    monkeypatch.setattr(packing, "_stream", lambda device: 1)
    assert kept(w) is not first and len(packings) == 2
    monkeypatch.undo()
    assert kept(w) is first


def test_threads_that_pack_at_once_both_use_what_the_first_one_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    w = freeze(weight())
    pack, first = packing.pack, []

    def overtaken(*arguments: object) -> Tensor:
        monkeypatch.setattr(packing, "pack", pack)
        first.append(kept(w))  # by another thread, while this one packs
        return pack(*arguments)

    monkeypatch.setattr(packing, "pack", overtaken)
    assert kept(w) is first[0] and kept(w) is first[0]


def test_a_frozen_weights_memory_goes_to_no_other_weight() -> None:
    w = freeze(weight())
    before = StorageWeakRef(w.untyped_storage())
    w.data = weight()
    gc.collect()  # frees what only reference cycles keep
    assert not before.expired()
    freeze(w)
    gc.collect()
    assert before.expired()


def test_nan_stays_nan_in_tf32() -> None:
    """Including the NaN that GPUs produce, with all bits set: rounded up, it would be a zero."""
    w = torch.full((3, 1, 1, 1, 1, 1), 0x7FFFFFFF, dtype=torch.int32, device=DEVICE).view(torch.float32)
    assert packing.pack(w, Shape(1, 1, 1, 1, 1), torch.float32, "tf32", 2, launch).isnan().all()


@pytest.mark.parametrize("trained", [True, False])
def test_a_weight_that_is_not_frozen_is_packed_in_every_call(packings: list[Tensor], trained: bool) -> None:
    w = weight().requires_grad_(trained)
    with torch.no_grad():
        kept(w)
        w.data.mul_(2)  # does not change the version
        assert torch.equal(kept(w), packed_by_hand(w))
    assert len(packings) == 2


def test_a_weight_without_a_version_counter_can_be_frozen(packings: list[Tensor]) -> None:
    with torch.inference_mode():
        w = freeze(weight())
        assert kept(w) is kept(w) and len(packings) == 1


def test_a_packed_weight_is_freed_with_the_weight() -> None:
    w = freeze(weight())
    packed = weakref.ref(kept(w))
    del w
    gc.collect()
    assert packed() is None


@pytest.mark.parametrize("promise", [freeze, lambda w: w], ids=["frozen", "not frozen"])
def test_calls_pack_a_weight_again_unless_it_is_frozen(packings: list[Tensor], promise: Callable) -> None:
    projection = torch.randn(1, 2, 3, 1, 1, 1, CHANNELS, device=DEVICE)
    w = promise(weight())
    for calls in (1, 2):
        ours, truth = (conv_gru(projection, w, backend=name)[1] for name in ("triton", "reference"))
        torch.testing.assert_close(ours, truth)
        if promise is freeze:
            assert len(packings) == 1
        else:
            assert len(packings) == calls
            w.data.neg_()  # does not change the version


@pytest.fixture
def capturing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """Whether a graph is being captured: the last item."""
    states = [False]
    monkeypatch.setattr(packing, "_capturing", lambda device: states[-1])
    return states


def test_a_capture_reuses_a_frozen_weight_only_if_packed_in_the_same_type(
    packings: list[Tensor], capturing: list[bool]
) -> None:
    w = freeze(weight())
    half = torch.bfloat16, "ieee", launch
    capturing.append(True)
    kept(w)  # not used before: packed in the graph and not cached, because a capture computes nothing
    capturing.append(False)
    before = kept(w)
    assert len(packings) == 2
    capturing.append(True)
    assert kept(w) is before and len(packings) == 2
    assert packing.kept_or_packed(w, shape(), *half).dtype == torch.bfloat16 and len(packings) == 3
    capturing.append(False)
    packing.kept_or_packed(w, shape(), *half)  # another type replaces nothing that a graph reads
    assert kept(w) is before and len(packings) == 4


CHANGES = {
    "values": lambda w: w.neg_(),
    "data": lambda w: setattr(w, "data", weight()),
    "order": lambda w: setattr(w, "data", w.data.transpose(1, 2)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_frozen_weight_that_changes_is_refused_until_it_is_frozen_again(change: Callable[[Tensor], object]) -> None:
    w = freeze(weight())
    kept(w)
    change(w)
    with pytest.raises(RuntimeError, match=r"changed since convrnn3d\.freeze"):
        kept(w)
    assert torch.equal(kept(freeze(w)), packed_by_hand(w))


def fused_step(w: Tensor) -> None:
    w.grad = torch.ones_like(w)
    torch.optim.SGD([w], lr=1, fused=True).step()


@pytest.mark.parametrize(
    "change", [*CHANGES.values(), lambda w: w.data.neg_(), fused_step], ids=[*CHANGES, "unseen", "fused"]
)
def test_a_weight_may_change_after_a_freezing_block(packings: list[Tensor], change: Callable[[Tensor], object]) -> None:
    w = torch.nn.Parameter(weight())
    with torch.no_grad():
        with freezing(w):
            assert kept(w) is kept(w) and len(packings) == 1
        change(w)
        assert torch.equal(kept(w), packed_by_hand(w))
        with freezing(w):
            assert torch.equal(kept(w), packed_by_hand(w))


def test_a_change_within_a_freezing_block_is_refused() -> None:
    w = weight()
    with pytest.raises(RuntimeError, match=r"changed within convrnn3d\.freezing"), freezing(w):
        kept(w)
        kept(w.neg_())
    assert torch.equal(kept(w), packed_by_hand(w))


@pytest.mark.parametrize("within", [True, False])
def test_a_weight_frozen_by_freeze_stays_frozen_after_a_freezing_block(packings: list[Tensor], within: bool) -> None:
    w = weight()
    if not within:
        freeze(w)
    with freezing(w):
        before = kept(freeze(w) if within else w)
    assert kept(w) is before and len(packings) == 1


def test_an_inner_freezing_block_leaves_what_the_outer_one_packed(packings: list[Tensor]) -> None:
    w = weight()
    with freezing(w):
        before = kept(w)
        with freezing(w):
            assert kept(w) is before
        assert kept(w) is before and len(packings) == 1


def test_overlapping_freezing_blocks_end_with_the_first_one(packings: list[Tensor]) -> None:
    w, (first, second) = weight(), (ExitStack(), ExitStack())
    first.enter_context(freezing(w))
    second.enter_context(freezing(w))
    kept(w)
    first.close()
    w.data.neg_()  # allowed once the first block has ended
    assert torch.equal(kept(w), packed_by_hand(w))
    second.close()
    assert kept(w) is not kept(w)


def test_a_capture_does_not_reuse_what_a_freezing_block_packed(packings: list[Tensor], capturing: list[bool]) -> None:
    """The graph may be replayed after the block has ended."""
    w = weight()
    with freezing(w):
        before = kept(w)
        capturing.append(True)
        assert kept(w) is not before
        capturing.append(False)
        assert kept(w) is before and len(packings) == 2
