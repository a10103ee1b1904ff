"""The networks of the family, from views to occupancy, and the files that hold their weights."""

from r2n2.network.model import R2N2, Output, count_parameters

__all__ = ["R2N2", "Output", "count_parameters"]
