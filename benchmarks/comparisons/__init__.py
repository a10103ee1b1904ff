"""Which comparisons are made, most telling first, and how `pytest benchmarks` shows them."""
