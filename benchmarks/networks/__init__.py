"""Whole networks next to a port of the 2016 graph: their work, their measurement."""
