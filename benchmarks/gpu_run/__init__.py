"""Everything to be measured on a GPU, in one run."""
