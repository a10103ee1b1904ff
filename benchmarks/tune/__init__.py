"""Tuning of the launch table: times candidates of every kernel in a training step, and writes down the fastest."""
