"""`pytest benchmarks`: an option that saves the figures, and the tables at the end."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1]))  # the benchmarks run from the checkout and are not installed


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--keep", action="store_true", help="append the measurements to benchmarks/results")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    from benchmarks.comparisons.replay import MEASURED
    from benchmarks.measuring.tables import printed

    for rows in MEASURED.values():
        terminalreporter.write_line(printed(rows))
