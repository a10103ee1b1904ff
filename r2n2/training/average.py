"""A running mean of the weights, smoother than those of any one iteration; this mean is what is saved for use.

    mean <- decay_i mean + (1 - decay_i) weights        decay_i = min(decay, i / (i + 10)) after iteration i

so that the weights of the first iterations, which are far off, are soon forgotten. Integers, such as a count of
batches, are copied.
"""

import torch
from torch import Tensor, nn

WARMING = 10  # early on, the mean reaches back over (i + WARMING) / WARMING iterations


class WeightAverage:
    """The running mean of a model's tensors by name, initialised with their values."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors: dict[str, Tensor] = {}
        self.begin(model)

    def begin(self, model: nn.Module) -> None:
        """Restart the mean from the model's current tensors."""
        self.tensors = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, iteration: int) -> None:
        decay = min(self.decay, iteration / (iteration + WARMING))
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                self.tensors[name].lerp_(tensor, 1 - decay)
            else:
                self.tensors[name].copy_(tensor)
