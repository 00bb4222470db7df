"""How much a recording is like those of pretraining: a Gaussian of few directions."""

import numpy as np
import torch
from torch import nn

N_DIRECTIONS = 64
MIN_RECORDINGS = 16
SHARE_BELOW = 0.01


class Familiarity(nn.Module):
    """Probabilistic principal components of standardized features [1]_.

    Parameters
    ----------
    n_features : int

    Attributes
    ----------
    directions : tensor of shape (64, n_features)
        Orthonormal rows, zero beyond those that the recordings suffice for.
    variances : tensor of shape (64,)
        Of the features along them.
    noise : tensor of shape ()
        Variance along any other direction; zero if nothing was learned.
    threshold : tensor of shape ()
        Log-likelihood that 1 % of recordings left out of the directions are below.

    References
    ----------
    .. [1] M. Tipping and C. Bishop, "Mixtures of Probabilistic Principal Component Analysers",
           Neural Computation 11, 1999.

    Examples
    --------
    >>> import numpy as np
    >>> from merit_sk.nn.familiarity import Familiarity
    >>> z = np.random.default_rng(0).normal(size=(200, 8))
    >>> found = Familiarity(8)
    >>> found.learn(z[:150], z[150:])
    >>> bool(found.scores(z[:1])[0] > found.scores(9 + z[:1])[0])
    True
    """

    def __init__(self, n_features):
        super().__init__()
        self.register_buffer("directions", torch.zeros(N_DIRECTIONS, n_features))
        self.register_buffer("variances", torch.zeros(N_DIRECTIONS))
        self.register_buffer("noise", torch.zeros(()))
        self.register_buffer("threshold", torch.zeros(()))

    def learn(self, z, held_out):
        """Learn from standardized features of recordings, and the threshold from others.

        Parameters
        ----------
        z, held_out : ndarray of shape (n, n_features)
            Fewer than 16 recordings teach nothing.
        """
        from sklearn.decomposition import PCA

        self.noise.zero_()
        if len(z) < MIN_RECORDINGS:
            return
        n = min(N_DIRECTIONS, len(z) // 4, z.shape[1] - 1)
        found = PCA(n, svd_solver="full").fit(z.astype(float))
        self.directions.zero_()[:n] = torch.from_numpy(found.components_)
        self.variances.fill_(found.noise_variance_)
        self.variances[:n] = torch.from_numpy(found.explained_variance_)
        self.noise.fill_(max(found.noise_variance_, 1e-6))
        self.threshold.fill_(np.quantile(self.scores(held_out), SHARE_BELOW))

    def scores(self, z):
        """Return the log-likelihood of standardized features, shape (n,), in nats.

        A row's does not depend on the others.
        """
        directions, variances = (
            t.cpu().double().numpy() for t in (self.directions, self.variances)
        )
        noise, z = float(self.noise), np.asarray(z, dtype=float)
        along = np.einsum("nd,kd->nk", z, directions)
        learned = directions.any(axis=1)
        distance = (z**2).sum(axis=1) / noise
        distance -= (along**2 * (1 / noise - 1 / np.maximum(variances, noise))).sum(axis=1)
        spread = np.log(np.maximum(variances, noise)[learned]).sum()
        spread += (z.shape[1] - learned.sum()) * np.log(noise)
        return -0.5 * (distance + spread + z.shape[1] * np.log(2 * np.pi))
