"""The recurrence, as convrnn3d and PyTorch's own layers compute it: problems, contenders, their measurement."""
