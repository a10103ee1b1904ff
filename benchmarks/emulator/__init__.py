"""A GPU emulator: PTX as Triton compiles it, executed in NumPy with every access checked."""
