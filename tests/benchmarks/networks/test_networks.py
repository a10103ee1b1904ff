"""Whole networks: a port computes the same, its gradients have the same names, and operations are counted right."""

import pytest
import torch
from small import small_network
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.networks.measure import NetworkProblem, able, contender, errors, measure, runner
from benchmarks.networks.port import Port
from benchmarks.networks.work import network_work, pairs
from r2n2.config import NETWORKS
from r2n2.network import R2N2

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
OF_2016 = [name for name in NETWORKS if name.startswith(("3d", "res3d"))]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", OF_2016)
def test_the_port_gives_the_same_logits_and_gradients(name: str, training: bool) -> None:
    problem = NetworkProblem(small_network(name), batch=2, views=2, type_name="fp64", training=training)
    model = problem.model(DEVICE).double()
    views, voxels = problem.inputs(DEVICE, seed=0)
    models = {"port": contender("port", model)}
    assert errors(models, model, problem, (views.double(), voxels))["port"] < 1e-12


def test_the_port_of_a_normalised_network_agrees_in_evaluation_only() -> None:
    problem = NetworkProblem(small_network("compact"), views=2, type_name="fp64")
    model, views = problem.model(DEVICE).double(), torch.rand(2, 2, 3, 127, 127, dtype=torch.float64, device=DEVICE)
    torch.testing.assert_close(Port(model).eval()(views), model(views).logits)
    training = NetworkProblem(small_network("compact"), training=True)
    assert "port" in able(DEVICE, problem, compilers=True) and "port" not in able(DEVICE, training, compilers=True)


def test_network_and_training_rows_carry_error_memory_and_efficiency() -> None:
    for training in (False, True):
        problem = NetworkProblem(small_network("3d-gru-3"), views=2, training=training)
        rows = measure(problem, ["port", "reference"], DEVICE, seconds=0.01)
        assert {row.contender for row in rows} == {"port", "reference"}
        assert all(0 < row.error < 1e-3 and row.peak_mib > 0 and row.efficiency > 0 for row in rows)
        assert {row.backward for row in rows} == {training}


def test_a_training_step_changes_the_weights() -> None:
    problem = NetworkProblem(small_network("3d-lstm-1"), batch=2, views=1, training=True)
    model = contender("reference", problem.model(DEVICE))
    before = model.decoder.out.weight.detach().clone()
    runner(model, problem, [problem.inputs(DEVICE, seed=0)])(0)
    assert not torch.equal(model.decoder.out.weight, before)


@pytest.mark.parametrize("name", NETWORKS)
def test_nominal_operations_are_those_that_pytorch_counts_for_the_port(name: str) -> None:
    model = R2N2(small_network(name))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        Port(model)(torch.rand(2, 3, 3, 127, 127))
    work = network_work(model, batch=2, views=3, training=False)
    assert work.nominal == counter.get_total_flops()
    assert 0.2 < work.useful / work.nominal < 1


def test_useful_pairs_exclude_the_outside_and_inserted_zeros() -> None:
    assert [pairs(4, 3, 1), pairs(8, 3, 2), pairs(8, 1, 2)] == [10, 11, 4]
    assert pairs(4, 3, 1, stride=2, source_side=8) == 11  # of twelve, one is past the end
    assert pairs(64, 3, 1, stride=2, source_side=127) == 64 * 3 - 2


def test_a_training_step_is_3_forward_passes_less_the_pictures_gradient() -> None:
    model = R2N2(small_network("3d-gru-3"))
    forward, step = (network_work(model, batch=2, views=3, training=training) for training in (False, True))
    first = 2 * 2 * 3 * 4 * 3 * (7 * 127) ** 2  # 7x7 from 3 to 4 channels, for six pictures
    assert step.nominal == 3 * forward.nominal - first
    parameters = sum(parameter.numel() for parameter in model.parameters())
    assert step.bytes - forward.bytes == 5 * 4 * parameters - 2 * 2 * 32**3 * 4


def test_the_floor_of_a_networks_row_is_the_larger_of_its_two_limits() -> None:
    problem = NetworkProblem(small_network("3d-gru-1"), views=2)
    (row,) = measure(problem, ["reference"], DEVICE, seconds=0.01)
    floor = max(row.useful_mflop / row.peak_tflops, row.bytes / row.peak_gbytes / 1e3)
    assert row.efficiency == pytest.approx(floor / row.timing.median)
