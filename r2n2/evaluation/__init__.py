"""Evaluation: scores, tables of scores, and the objects with the worst results."""
