"""The launch table, timed: candidates of every kernel as a training step launches it, the fastest written down."""
