"""The launches of both designs: the bytes that a review counted, and operations that no tiling may lose."""

import itertools

import pytest

from benchmarks.designs import ENTER, FORWARD, RESET, Call
from benchmarks.launches import Device, Launch
from benchmarks.sizes import BYTES, Sizes
from benchmarks.tiling import Tile, by_line, by_short_line, by_tap, by_voxel, weight_gradient
from benchmarks.work import phases

H100 = Device(tflops=800, gbytes=3000)


def launches(cell: str, batch: int, second: bool, columns: int | None = None, **sizes: int) -> dict[str, Launch]:
    call = Call(cell, Sizes(batch, **({"steps": 1} | sizes)), "bf16", second, columns)
    return {launch.name: launch for launch in (*call.forward(), *call.backward())}


def megabytes(cell: str, batch: int) -> dict[str, int]:
    """From the L2 cache, of each launch of the first design."""
    return {name: round(one.tiles / 1e6) for name, one in launches(cell, batch, second=False).items()}


def test_the_first_designs_bytes_are_those_that_the_review_counted() -> None:
    """MB a launch, bf16, C = 128, G = 4, at B = 36 and 256."""
    gru, lstm = ([megabytes(cell, batch) for batch in (36, 256)] for cell in ("gru", "lstm"))
    assert [one["gates"] for one in gru] == [102, 262]
    assert [one["update"] for one in gru] == [70, 197]
    assert [one["reset"] for one in gru] == [70, 328]
    assert [one["enter"] for one in gru] == [139, 655]
    assert [one["step"] for one in lstm] == [135, 459]
    assert [one["enter"] for one in lstm] == [209, 786]


@pytest.mark.parametrize(
    ("batch", "forward", "both"),
    [(1, (9, 11), (65, 85)), (16, (26, 33), (120, 145)), (36, (28, 40), (110, 135)),
     (64, (35, 51), (140, 170)), (256, (66, 100), (250, 400))],
)  # fmt: skip
def test_the_first_designs_times_are_about_those_that_the_review_simulated(
    batch: int, forward: tuple[int, int], both: tuple[int, int]
) -> None:
    """Microseconds of a GRU's step; forward without the packing, which the review counts apart."""
    call = Call("gru", Sizes(batch, steps=1), "bf16", second=False)
    going, back = (
        sum(one.times * one.microseconds(H100) for one in part) for part in (call.forward(), call.backward())
    )
    assert forward[0] <= round(going - call.forward()[0].microseconds(H100)) <= forward[1]
    assert both[0] <= round(going + back) <= both[1]


def test_a_line_reads_as_much_less_as_the_design_says() -> None:
    """Beside the tile of 64 samples by 32 channels; and the weights of a launch of short lines, 65 MB by voxel."""
    first, second = (launches("gru", 64, is_second, columns=64)["gates"].tiles for is_second in (False, True))
    assert round(first / second, 1) == 2.9
    for share_out, weights in ((by_voxel, 65), (by_short_line, 20)):
        launch = Launch("", 1, share_out(Sizes(16), FORWARD["gru"][0].convolution, Tile(64, 32, 64)), 0)
        sources = 1000 * 16 * 4 * 128 * 2  # pairs, samples, blocks of channels, channels
        assert (launch.tiles - sources) / 1e6 == pytest.approx(weights, abs=0.6)


def test_nothing_is_stored_that_a_missing_mask_makes_zero() -> None:
    first, second = (launches("lstm", 256, is_second)["enter"].moved for is_second in (False, True))
    assert round((first - second) / 1e6) == 17


@pytest.mark.parametrize("grid", [1, 2, 4, 5, 8])
@pytest.mark.parametrize("share_out", [by_voxel, by_tap, by_line, by_short_line])
def test_no_way_to_share_out_loses_an_operation(share_out, grid: int) -> None:
    """Where no row, column or tap is masked all do the useful operations, each once; else more."""
    sizes = Sizes(batch=64, grid=grid)
    kernels = (*FORWARD["gru"], *FORWARD["lstm"], RESET, *ENTER.values())
    for convolution in {kernel.convolution for kernel in kernels}:
        done = Launch("", 1, share_out(sizes, convolution, Tile(64, 32, 64)), 0).operations
        useful = 2 * sizes.batch * sizes.pairs * sizes.channels**2 * convolution.gates
        masked = share_out is by_short_line  # along z
        assert done > useful if masked else done == useful


def test_the_weights_gradient_loses_none_either_and_rows_that_run_on_are_fewer() -> None:
    sizes, tile = Sizes(batch=64, steps=2), Tile(64, 128, 64)
    useful = 3 * 2 * sizes.batch * sizes.steps * sizes.pairs * sizes.channels**2
    for jointly in (False, True):
        assert Launch("", 1, weight_gradient(sizes, 3, tile, 1, jointly), 0).operations == useful
    one = Sizes(batch=1, steps=1)
    turns = [max(group.turns for group in weight_gradient(one, 3, tile, 1, jointly)) for jointly in (False, True)]
    assert turns == [64, 1]


def test_useful_operations_of_the_designs_are_those_of_the_phases() -> None:
    for cell in ("gru", "lstm"):
        sizes = Sizes(batch=128, steps=5)
        call = Call(cell, sizes, "bf16", second=True)
        counted = sum(one.times * one.operations for one in (*call.forward(), *call.backward()))
        assert counted == sum(phase.times * phase.useful for phase in phases(cell, sizes)[1:-2])


def test_launches_of_a_call_are_counted() -> None:
    """Besides two a step, forward and backward; of the first design those that the review says nobody counted."""

    def besides(second: bool, type_name: str = "bf16", batch: int = 36) -> tuple[int, int]:
        call = Call("gru", Sizes(batch, steps=5, element=BYTES[type_name]), type_name, second)
        forward, backward = (sum(one.times for one in part) - 10 for part in (call.forward(), call.backward()))
        return forward, backward

    assert besides(second=True) == (1, 4) and besides(second=False) == (1, 7)
    assert besides(second=True, type_name="tf32") == (2, 3) and besides(second=False, type_name="tf32") == (9, 10)
    assert besides(second=True, batch=4) == (11, 13)  # sums of what the taps left, and one share of the gradient


def test_any_sizes_are_counted() -> None:
    shapes = itertools.product((1, 17, 37, 300), (1, 3), (1, 2, 5), (5, 96), (1, 3))
    for (batch, steps, grid, channels, kernel_size), type_name in itertools.product(shapes, BYTES):
        sizes = Sizes(batch, steps, grid, channels, 0, kernel_size, BYTES[type_name])
        for cell, second in itertools.product(("gru", "lstm"), (False, True)):
            call = Call(cell, sizes, type_name, second)
            for launch in (*call.forward(), *call.backward()):
                assert launch.count > 0 and launch.moved > 0 and launch.microseconds(H100) > H100.gap


def test_rows_and_columns_that_do_not_exist_are_read_nowhere() -> None:
    """B = 3, C = 24: one program for each voxel, whose tiles are 64 by 32."""
    sizes, convolution = Sizes(batch=3, channels=24), FORWARD["gru"][0].convolution
    (by_voxels,) = {group.count for group in by_voxel(sizes, convolution, Tile(64, 32, 32))}
    assert by_voxels == 1
    launch = Launch("", 1, by_voxel(sizes, convolution, Tile(64, 32, 32)), 0)
    assert launch.tiles == 1000 * 24 * 2 * (3 + 2 * 24)
    assert launch.operations == 2 * 1000 * 64 * 2 * 32 * 32
