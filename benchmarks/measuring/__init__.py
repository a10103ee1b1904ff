"""The floor: how a function is timed side by side with others, what a device can do, and how results are kept."""
