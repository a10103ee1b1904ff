"""Learning: the loop, the state of a run, and the recipes that choose its numbers."""
