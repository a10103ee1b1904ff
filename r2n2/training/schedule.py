"""The learning rate schedule: the rate of each step as a share of the largest rate.

    rate(i) = learning_rate * rise(i) * 10^-drops(i) * fall(i)          i: iterations done before the step

    rise   min(1, (i + 1) / warmup)
    drops  how many of the iterations of `drops` are at most i
    fall   1 until the last `cooldown` iterations; with a share s of these left: s, or (1 - cos(pi s)) / 2

So "constant", "warm-up, then cosine to zero" (a cooldown over all that remains), "steps" and "hold, then down" are the
same schedule with different numbers.
"""

import math

FALLS = {"linear": lambda share: share, "cosine": lambda share: (1 - math.cos(math.pi * share)) / 2}


def share_of_rate(
    iteration: int,
    iterations: int,
    warmup: int = 0,
    drops: tuple[int, ...] = (),
    cooldown: int = 0,
    fall: str = "linear",
) -> float:
    """The share of the learning rate used by the step after `iteration` of `iterations`. fall: a name in FALLS."""
    rise = min(1.0, (iteration + 1) / warmup) if warmup else 1.0
    left = min(1.0, (iterations - iteration) / cooldown) if cooldown else 1.0
    return rise * FALLS[fall](left) * 0.1 ** sum(iteration >= drop for drop in drops)
