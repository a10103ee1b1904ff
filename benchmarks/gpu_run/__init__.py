"""Everything that is to be measured on a GPU, in one run."""
