"""convrnn3d: the recurrent update of 3D convolutional GRUs and LSTMs, one call per sequence.

Notation and shapes (channels innermost, three gates):

    projection (B, T, 3, X, Y, Z, C)   input contributions of all T views, bias included; gates u, r, c or f, i, c
    weight     (3, C, C, K, K, K)      state kernels, out x in as PyTorch stores them; K is 1 or 3
    state      (B, X, Y, Z, C)         hidden grid h, zeros if not given; LSTM: the pair (h, s)
    mask       (B, T) bool             where False, the step leaves that sample's state as it was

The package knows nothing about images or any network. On CUDA and HIP tensors the calls run fused Triton kernels, on a
CPU oneDNN's products in PyTorch. Importing the package needs neither Triton nor a GPU.
"""

from convrnn3d.frozen import freeze, freezing
from convrnn3d.interface import conv_gru, conv_lstm
from convrnn3d.modules import ConvGRU, ConvLSTM
from convrnn3d.reference import gates

__all__ = ["ConvGRU", "ConvLSTM", "conv_gru", "conv_lstm", "freeze", "freezing", "gates"]
