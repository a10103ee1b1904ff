"""Judging: scores, tables of them, and the objects that came out worst."""
