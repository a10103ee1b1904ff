"""A GPU that is not there: PTX as Triton compiles it, executed in NumPy, with every access checked."""
