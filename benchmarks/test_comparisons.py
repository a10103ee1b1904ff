"""The recurrence against PyTorch's own convolutions, whole networks against a port, as `comparisons.plan` lists them.

pytest benchmarks/test_comparisons.py [-k "recurrence and lstm"] [--keep]
"""

import pytest

from benchmarks.comparisons.plan import Comparison, on_cpu, on_gpu
from benchmarks.comparisons.replay import DEVICE, Clock, replay, rows_of
from benchmarks.measuring.results import name_of
from benchmarks.measuring.tables import largest_error
from benchmarks.recurrence.problems import Problem

ON_GPU = 60  # comparisons, the most informative ones: `python -m benchmarks.gpu_run` measures all
PLAN = on_gpu()[:ON_GPU] if DEVICE.type == "cuda" else on_cpu()
RECURRENCES = [comparison for comparison in PLAN if isinstance(comparison.problem, Problem)]
NETWORKS = [comparison for comparison in PLAN if comparison not in RECURRENCES]
CLOCK = Clock()


def cases(comparisons: list[Comparison]) -> list:
    graphs = (False, True) if DEVICE.type == "cuda" else (False,)
    return [
        pytest.param(comparison, name, graph, id=f"{comparison} {name_of(name, graph)}")
        for comparison in comparisons
        for name in comparison.names(DEVICE)
        for graph in graphs
    ]


@pytest.mark.benchmark(timer=CLOCK.now)
@pytest.mark.parametrize(("comparison", "name", "graph"), cases(RECURRENCES))
def test_recurrence(benchmark, request: pytest.FixtureRequest, comparison: Comparison, name: str, graph: bool) -> None:
    measured(benchmark, request, comparison, name, graph)


@pytest.mark.benchmark(timer=CLOCK.now)
@pytest.mark.parametrize(("comparison", "name", "graph"), cases(NETWORKS))
def test_network(benchmark, request: pytest.FixtureRequest, comparison: Comparison, name: str, graph: bool) -> None:
    measured(benchmark, request, comparison, name, graph)


def measured(benchmark, request: pytest.FixtureRequest, comparison: Comparison, name: str, graph: bool) -> None:
    rows = rows_of(comparison, keep=request.config.getoption("--keep"))
    own = [row for row in rows if (row.contender, row.graph) == (name, graph)]
    assert own, f"{name} failed; its error is printed above"
    largest = largest_error(own[0].table, own[0].backward, [row.error for row in rows])
    assert own[0].error <= largest, f"{name} has a much larger error than the others"
    replay(benchmark, CLOCK, own[0])
