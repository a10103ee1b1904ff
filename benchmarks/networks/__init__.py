"""Whole networks beside a port of 2016's graph: their work, their measurement."""
