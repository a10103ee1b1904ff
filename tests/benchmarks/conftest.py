"""The benchmarks are run from the checkout and not installed: let the tests import them."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
