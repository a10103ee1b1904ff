"""The recurrence, as convrnn3d and as PyTorch's own layers compute it: problems, contenders, their measurement."""
