"""Which comparisons are made, the most informative first, and how `pytest benchmarks` shows them."""
