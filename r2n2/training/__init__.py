"""Training: the loop, the state of a run, and the recipes that set its options."""
