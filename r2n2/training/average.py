"""A running mean of the weights, smoother than any one iteration's: what is saved to be used.

    mean <- decay_i mean + (1 - decay_i) weights        decay_i = min(decay, i / (i + 10)) after iteration i

so that the first iterations' weights, which are far off, are soon forgotten. Whole numbers, such as a count of batches,
are copied.
"""

import torch
from torch import Tensor, nn

WARMING = 10  # iterations that the mean looks back at the beginning


class WeightAverage:
    """The mean of a model's tensors by name, begun with what they are."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors: dict[str, Tensor] = {}
        self.begin(model)

    def begin(self, model: nn.Module) -> None:
        """Forget the past: the mean is the model."""
        self.tensors = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, iteration: int) -> None:
        decay = min(self.decay, iteration / (iteration + WARMING))
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                self.tensors[name].lerp_(tensor, 1 - decay)
            else:
                self.tensors[name].copy_(tensor)
