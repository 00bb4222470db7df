"""Lines through embeddings that give measurements, and when there is nothing to measure."""

import base64
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import RidgeCV

ALPHAS = (0.1, 1.0, 10.0, 100.0)
ANGLE = "qrs_axis"  # in degrees: its cosine and sine are regressed


class Lines(NamedTuple):
    """What is learned of measurements.

    Attributes
    ----------
    readout : str
        Of the embedder.
    names : tuple of str
    parts : list of (str, str)
        What each line gives: a measurement, and of it ``"value"``, ``"cosine"``, ``"sine"`` or
        ``"there"``, above one half where it can be measured.
    directions : ndarray of shape (n_lines, n_features), float32
    intercepts : ndarray of shape (n_lines,)
    """

    readout: str
    names: tuple
    parts: list
    directions: np.ndarray
    intercepts: np.ndarray

    @classmethod
    def learn(cls, Z, y, names, readout):
        """Fit ridge regressions, with the penalty that leaving one out finds best.

        Parameters
        ----------
        Z : ndarray of shape (n_samples, n_features)
        y : ndarray of shape (n_samples, n_measurements)
            NaN where there is nothing to measure.
        names : sequence of str
        readout : str
        """
        targets = {}
        for name, column in zip(names, y.T, strict=True):
            there = np.isfinite(column)
            if not there.any():
                raise ValueError(f"y has no value of {name!r}: leave it out")
            if name == ANGLE:
                angle = np.radians(column)
                targets |= {(name, "cosine"): np.cos(angle), (name, "sine"): np.sin(angle)}
            else:
                targets[name, "value"] = column
            if not there.all():
                targets[name, "there"] = there.astype(float)
        directions = np.empty((len(targets), Z.shape[1]), np.float32)
        intercepts, columns = np.empty(len(targets)), np.stack(list(targets.values()), axis=1)
        known, group = np.unique(np.isfinite(columns), axis=1, return_inverse=True)
        for k, rows in enumerate(known.T):
            lines = np.flatnonzero(group.ravel() == k)
            ridge = RidgeCV(ALPHAS, alpha_per_target=True)
            ridge.fit(Z[rows].astype(float), columns[np.ix_(rows, lines)])
            directions[lines], intercepts[lines] = ridge.coef_, ridge.intercept_
        for k, (_, part) in enumerate(targets):
            if part == "there":
                intercepts[k] += 0.5 - _midway(Z @ directions[k] + intercepts[k], columns[:, k])
        return cls(readout, tuple(names), list(targets), directions, intercepts)

    def __call__(self, Z):
        """Measurements (n_samples, n_measurements) of embeddings, NaN where there are none."""
        # einsum without BLAS: a row's values do not depend on how many rows there are
        values = np.einsum("nd,kd->kn", Z.astype(float), self.directions.astype(float))
        found = dict(zip(self.parts, values + self.intercepts[:, None], strict=True))
        out = np.empty((len(Z), len(self.names)))
        for k, name in enumerate(self.names):
            if name == ANGLE:
                out[:, k] = np.degrees(np.arctan2(found[name, "sine"], found[name, "cosine"]))
            else:
                out[:, k] = found[name, "value"]
            out[found.get((name, "there"), np.ones(len(Z))) < 0.5, k] = np.nan
        return out

    def to_dict(self):
        """Return the lines as plain JSON types."""
        packed = base64.b64encode(self.directions.astype("<f4").tobytes()).decode()
        return {
            "readout": self.readout, "names": list(self.names),
            "parts": [list(part) for part in self.parts],
            "directions": packed, "intercepts": self.intercepts.tolist(),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, saved):
        """Rebuild what ``to_dict`` described."""
        directions = np.frombuffer(base64.b64decode(saved["directions"]), "<f4")
        return cls(
            saved["readout"], tuple(saved["names"]), [tuple(part) for part in saved["parts"]],
            directions.reshape(len(saved["parts"]), -1), np.array(saved["intercepts"]),
        )  # fmt: skip


def _midway(values, there):
    """Return what lies midway between the means of both groups, as one may be much rarer."""
    return (values[there == 1].mean() + values[there == 0].mean()) / 2
