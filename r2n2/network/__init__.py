"""From views to occupancy: the networks of the family, and the files that hold their weights."""

from r2n2.network.model import R2N2, Output, count_parameters

__all__ = ["R2N2", "Output", "count_parameters"]
