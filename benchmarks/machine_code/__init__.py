"""The machine code of every kernel, compiled for GPUs that need not be present."""
