"""Results of the program of 2016, and the weights and pictures that it computed them from.

`golden.npz` holds outputs of the original Theano code, run on a CPU (Theano 1.0.5), reduced to what the tests need:
occupancy probabilities as fractions of 65535, losses, gradient norms and projections, three optimiser steps. Weights
and pictures are not stored: both come from integer seeds, whose streams NumPy keeps frozen.
"""

from pathlib import Path

import numpy as np

from r2n2.config import NETWORKS
from r2n2.network import R2N2
from r2n2.network.original import entries, to_arrays, to_tensors

GOLDEN = np.load(Path(__file__).with_name("golden.npz"))
# Gains that keep random networks from saturating, by array name or layer; 1 for all others.
GAINS = {
    "res3d-gru-3": {
        "fc7": 0.2,
        "t_x_s_update.Wx": 0.6,
        "t_x_s_reset.Wx": 0.6,
        "t_x_rs.Wx": 0.5,
        "conv7a": 2.0,
        "conv8a": 2.0,
        "conv9a": 2.0,
        "conv9c": 1.5,
    },
    "3d-gru-3": {
        "t_x_s_update.Wx": 0.5,
        "t_x_s_reset.Wx": 0.5,
        "t_x_rs.Wx": 0.4,
        "conv7": 2.8,
        "conv8": 2.8,
        "conv9": 2.8,
        "conv11": 1.5,
    },
}


def golden_arrays(name: str, seed: int = 0) -> list[np.ndarray]:
    """The arrays of a weight file, drawn array by array: biases 0.1 z, weights gain sqrt(2 / fan_in) z."""
    config = NETWORKS[name]
    shapes = [array.shape for array in to_arrays(R2N2(config).state_dict(), config)]
    rng = np.random.RandomState(seed)
    arrays = []
    for entry, shape in zip(entries(config), shapes, strict=True):
        z = rng.standard_normal(shape)
        if entry.name.endswith(".b"):
            arrays.append((0.1 * z).astype(np.float32))
            continue
        fan_in = shape[0] if len(shape) == 2 else np.prod(shape[1:])
        gain = GAINS[name].get(entry.name, GAINS[name].get(entry.name.split(".")[0], 1.0))
        arrays.append((gain * np.sqrt(2.0 / fan_in) * z).astype(np.float32))
    return arrays


def golden_network(name: str) -> R2N2:
    """A network with the golden weights, in evaluation mode, float32."""
    model = R2N2(NETWORKS[name])
    model.load_state_dict(to_tensors(golden_arrays(name), NETWORKS[name]))
    return model.eval()


def golden_views(views: int = 5, batch: int = 2, seed: int = 202) -> np.ndarray:
    """Noise in [0, 1): views (B, T, 3, 127, 127) float32."""
    noise = np.random.RandomState(seed).random_sample((views, batch, 3, 127, 127)).astype(np.float32)
    return noise.transpose(1, 0, 2, 3, 4)


def golden_voxels(batch: int = 2, seed: int = 203) -> np.ndarray:
    """Random classes (B, 32, 32, 32), 3 of 10 occupied."""
    return (np.random.RandomState(seed).random_sample((batch, 32, 32, 32)) < 0.3).astype(np.int64)
