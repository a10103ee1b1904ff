"""How much memory a call takes at its peak, beyond what was allocated before it."""

import os
from collections.abc import Callable

import torch
from torch.autograd.profiler import profile


def peak_mib(function: Callable[[], object], device: torch.device) -> float:
    """The most MiB that PyTorch's allocator holds for `function` at once."""
    if device.type == "cuda":
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        function()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    os.environ.setdefault("KINETO_LOG_LEVEL", "10")  # torch 2.13's profiler otherwise logs its start and end
    with profile(profile_memory=True) as profiled:
        function()
    events = [event for event in profiled.kineto_results.events() if event.name() == "[memory]"]
    now = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak / 2**20
