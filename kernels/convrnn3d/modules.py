"""The recurrences as modules over sequences of grids: parameters, an input convolution for all steps, and one call.

    p_g,t = W_in,g * x_t + b_g        g: u, r, c of the GRU; f, i, c of the LSTM

Gates, and channels within a gate, are in the same order as everywhere in the package.
"""

import math
from numbers import Integral
from typing import Any

import torch
from torch import Tensor, nn

from convrnn3d.backend import check_backend
from convrnn3d.checks import check_mask, require_tensor, require_type
from convrnn3d.interface import check_precision, conv_gru, conv_lstm, mask_of
from convrnn3d.reference import conv, only_seen

GATES = 3


class ConvRNN(nn.Module):
    """What both recurrences have in common: their parameters and the gates' projections.

    in_channels: of the input grids; channels: of the state; kernel_size: of the input's convolution, odd;
    state_kernel_size: of the state's, 1 or 3. Parameters: input_weight (3, C, in_channels, K, K, K), bias (3, C),
    weight (3, C, C, K, K, K). Weights are initialised as in nn.Conv3d, uniform within +-1 / sqrt(fan in), the bias to
    zero. backend, precision, recompute: as in `conv_gru`; attributes that may be changed at any time.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel_size: int = 3,
        state_kernel_size: int = 3,
        *,
        backend: str = "auto",
        precision: str | None = None,
        recompute: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        numbers = in_channels, channels, kernel_size, state_kernel_size
        if not all(isinstance(number, Integral) and not isinstance(number, bool) for number in numbers):
            raise TypeError(f"channels and kernel sizes, one number for all axes, must be integers, got {numbers}")
        # torch.compile would turn NumPy integers into tensors.
        in_channels, channels, kernel_size, state_kernel_size = map(int, numbers)
        if min(in_channels, channels) < 1:
            raise ValueError(f"channels must be positive, got {in_channels} and {channels}")
        if kernel_size < 1 or kernel_size % 2 == 0 or state_kernel_size not in (1, 3):
            sizes = f"{kernel_size} and {state_kernel_size}"
            raise ValueError(f"kernel_size must be odd and positive, state_kernel_size 1 or 3, got {sizes}")
        check_backend(backend)
        check_precision(precision)
        self.in_channels, self.channels = in_channels, channels
        self.backend, self.precision, self.recompute = backend, precision, recompute
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        self.input_weight = nn.Parameter(torch.empty(GATES, channels, in_channels, *[kernel_size] * 3, **made))
        self.bias = nn.Parameter(torch.empty(GATES, channels, **made))
        self.weight = nn.Parameter(torch.empty(GATES, channels, channels, *[state_kernel_size] * 3, **made))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise the parameters again."""
        for weight in (self.input_weight, self.weight):
            bound = 1 / math.sqrt(weight[0, 0].numel())
            nn.init.uniform_(weight, -bound, bound)
        nn.init.zeros_(self.bias)

    def project(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map grids (B, T, X, Y, Z, in_channels) to the gates' projections (B, T, 3, X, Y, Z, C), bias included.

        mask (B, T) bool: False where a grid is absent; it may hold anything and is read as zeros.
        """
        self._check(x)
        check_mask(mask, *x.shape[:2])
        x = only_seen(x, mask)
        projected = conv(x.flatten(0, 1), self.input_weight, self.bias)  # (B T, X, Y, Z, 3 C)
        return projected.unflatten(-1, (GATES, -1)).movedim(-2, 1).unflatten(0, x.shape[:2])

    def _check(self, x: Tensor) -> None:
        require_tensor("x", x)
        shape, dtype = tuple(x.shape), self.input_weight.dtype
        if x.ndim != 6 or shape[-1] != self.in_channels or min(shape[1:]) < 1:
            raise ValueError(f"x must be (B, T, X, Y, Z, {self.in_channels}), all but B at least 1, got {shape}")
        require_type("x", x, dtype, "the parameters are")

    def _projected(self, x: Tensor, mask: Tensor | None, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The projections, and the mask of each sample's present steps."""
        self._check(x)
        mask = mask_of(mask, lengths, x)
        return self.project(x, mask), mask

    def extra_repr(self) -> str:
        sizes = f"kernel_size={self.input_weight.shape[-1]}, state_kernel_size={self.weight.shape[-1]}"
        return f"{self.in_channels}, {self.channels}, {sizes}"

    @property
    def _how(self) -> dict[str, Any]:
        return {"backend": self.backend, "precision": self.precision, "recompute": self.recompute}


class ConvGRU(ConvRNN):
    """`conv_gru` over grids."""

    def forward(
        self, x: Tensor, state: Tensor | None = None, mask: Tensor | None = None, *, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map x (B, T, X, Y, Z, in_channels) to all states (B, T, X, Y, Z, C) and the last one (B, X, Y, Z, C).

        state, mask, lengths and errors are those of `conv_gru`.
        """
        projection, mask = self._projected(x, mask, lengths)
        return conv_gru(projection, self.weight, state, mask, **self._how)


class ConvLSTM(ConvRNN):
    """`conv_lstm` over grids. The forget gate's bias is initialised to 1, so that at first the state is kept."""

    def reset_parameters(self) -> None:
        super().reset_parameters()
        nn.init.ones_(self.bias[0])

    def forward(
        self,
        x: Tensor,
        state: tuple[Tensor, Tensor] | None = None,
        mask: Tensor | None = None,
        *,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Map x (B, T, X, Y, Z, in_channels) to all states (B, T, X, Y, Z, C) and the last pair (h, s)."""
        projection, mask = self._projected(x, mask, lengths)
        return conv_lstm(projection, self.weight, state, mask, **self._how)
