"""Linear heads on frozen features, with regularization chosen on the validation fold."""

import warnings

import numpy as np
from scipy.linalg import eigh, svd
from scipy.stats import rankdata
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from ..metrics._ranking import evaluable

RIDGE_PENALTIES = np.logspace(0, 6, 25)
LOGISTIC_C = np.logspace(-4, 0, 9)
DEFAULT_C = 0.01
MERL_EPOCHS, MERL_BATCH, MERL_LEARNING_RATE, MERL_WEIGHT_DECAY = 100, 16, 1e-3, 1e-4


def class_aucs(y, scores):
    """Compute the AUC of every class, NaN where it is undefined.

    Equal to scikit-learn's, but computed by ranks for all classes at once, as a regularization path
    needs thousands of AUCs.
    """
    keep, aucs = evaluable(y), np.full(y.shape[1], np.nan)
    positive, ranks = y[:, keep] == 1, rankdata(scores[:, keep], axis=0)
    n_positive = positive.sum(axis=0)
    wins = (ranks * positive).sum(axis=0) - n_positive * (n_positive + 1) / 2
    aucs[keep] = wins / (n_positive * (len(y) - n_positive))
    return aucs


def _mean_auc(y, scores):
    """Compute the macro AUC over the classes where it is defined; 0.5 if there is none."""
    aucs = class_aucs(y, scores)
    return 0.5 if np.isnan(aucs).all() else float(np.nanmean(aucs))


class RidgeProbe:
    """Ridge regression onto targets of -1 and 1, one penalty for all classes.

    The path over all penalties costs one eigendecomposition of the smaller Gram matrix. The
    penalty of the largest validation macro AUC is kept; without validation records the one of the
    smallest leave-one-out error, as scikit-learn's ``RidgeClassifierCV`` finds it more slowly.
    """

    def fit(self, X, y, X_valid=None, y_valid=None):
        mean, offset = X.mean(axis=0), 2.0 * y.mean(axis=0) - 1
        X, Y = X - mean, (2.0 * y - 1) - offset
        wide = X.shape[1] > len(X)
        values, vectors = eigh(X @ X.T if wide else X.T @ X)
        values = np.clip(values, 0, None)
        right = vectors.T @ (Y if wide else X.T @ Y)
        shrunk = [right / (values + penalty)[:, None] for penalty in RIDGE_PENALTIES]
        basis = X.T @ vectors if wide else vectors
        if X_valid is None:
            fitted = vectors * values if wide else X @ vectors
            leverage = fitted * (vectors if wide else fitted)
            quality = [
                -np.square(
                    (Y - fitted @ part) / (1 - 1 / len(X) - leverage @ weight)[:, None]
                ).mean()
                for part, weight in zip(
                    shrunk, 1 / (values + RIDGE_PENALTIES[:, None]), strict=True
                )
            ]
        else:
            seen = (X_valid - mean) @ basis
            quality = [_mean_auc(y_valid, seen @ part) for part in shrunk]
        best = int(np.argmax(quality))
        self.regularization_, self.coef_ = float(RIDGE_PENALTIES[best]), basis @ shrunk[best]
        self.intercept_ = offset - mean @ self.coef_
        return self

    def decision_function(self, X):
        return X @ self.coef_ + self.intercept_


class LogisticProbe:
    """One-vs-rest logistic regression, one C for all classes.

    The C of the largest validation macro AUC is kept; 0.01 without validation records. With fewer
    records than features the problem is solved in the span of the records, which is exact, since
    the penalty has no direction.
    """

    def fit(self, X, y, X_valid=None, y_valid=None):
        grid = LOGISTIC_C if X_valid is not None else [DEFAULT_C]
        span = svd(X, full_matrices=False)[2].T if X.shape[1] > len(X) else np.eye(X.shape[1])
        inner = X @ span
        paths = [_logistic_path(inner, labels, grid) for labels in y.T]
        models = [
            (span @ np.column_stack([c for c, _ in at_C]), np.array([bias for _, bias in at_C]))
            for at_C in zip(*paths, strict=True)
        ]
        best = 0
        if X_valid is not None:
            best = int(np.argmax([_mean_auc(y_valid, X_valid @ w + b) for w, b in models]))
        self.regularization_ = float(grid[best])
        self.coef_, self.intercept_ = models[best]
        return self

    def decision_function(self, X):
        return X @ self.coef_ + self.intercept_


def _logistic_path(X, y, grid):
    """Return (coefficients, intercept) of one class for each C."""
    model, path = LogisticRegression(warm_start=True, max_iter=300), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for C in grid:
            model.set_params(C=C).fit(X, y)
            path.append((model.coef_[0].copy(), float(model.intercept_[0])))
    return path


class MerlProbe:
    """Linear layer trained on frozen features as in the ECG-text literature [1]_.

    AdamW at 1e-3 for 100 epochs with batches of 16. Keeps the weights of the epoch with the best
    validation macro AUC, not the best test one; without validation records those of the last epoch.

    References
    ----------
    .. [1] C. Liu et al., "Zero-Shot ECG Classification with Multimodal Learning and Test-time
           Clinical Knowledge Enhancement", ICML 2024.
    """

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y, X_valid=None, y_valid=None):
        import torch

        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        generator = torch.Generator().manual_seed(seed)
        X, y = torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(y, dtype=torch.float32)
        weight = torch.zeros(X.shape[1], y.shape[1], requires_grad=True)
        bias = torch.zeros(y.shape[1], requires_grad=True)
        optimizer = torch.optim.AdamW(
            [weight, bias], lr=MERL_LEARNING_RATE, weight_decay=MERL_WEIGHT_DECAY, fused=True
        )
        best = -1.0
        for epoch in range(1, MERL_EPOCHS + 1):
            for rows in torch.randperm(len(X), generator=generator).split(MERL_BATCH):
                optimizer.zero_grad()
                logits = torch.addmm(bias, X[rows], weight)
                torch.nn.functional.binary_cross_entropy_with_logits(logits, y[rows]).backward()
                optimizer.step()
            coef, intercept = weight.detach().numpy(), bias.detach().numpy()
            auc = epoch if X_valid is None else _mean_auc(y_valid, X_valid @ coef + intercept)
            if auc > best:
                best, self.regularization_ = auc, epoch
                self.coef_, self.intercept_ = coef.copy(), intercept.copy()
        return self

    def decision_function(self, X):
        return X @ self.coef_ + self.intercept_


def fit_head(head, train, valid, random_state=None):
    """Fit a linear head to standardized features.

    Parameters
    ----------
    head : {"ridge", "logistic", "merl"}
    train, valid : tuple (Z, y)
        Features and labels; ``valid`` may hold no record.
    random_state : int, RandomState instance or None, default=None
        Order of the batches of "merl".

    Returns
    -------
    score : callable
        Maps features to decision values of shape (n_samples, n_classes); zero for classes whose
        training labels are all equal.
    regularization : float
        Penalty, C or epoch that was chosen; NaN if no class could be learned.
    """
    heads = {"ridge": RidgeProbe, "logistic": LogisticProbe, "merl": MerlProbe}
    if head not in heads:
        raise ValueError(f'head must be "ridge", "logistic" or "merl"; got {head!r}.')
    Z, y = train
    varies = y.min(axis=0) < y.max(axis=0)
    if not varies.any():
        return lambda Z: np.zeros((len(Z), len(varies))), float("nan")
    probe = MerlProbe(random_state) if head == "merl" else heads[head]()
    scaler = StandardScaler().fit(np.asarray(Z, dtype=np.float64))
    held_out = (scaler.transform(valid[0]), valid[1][:, varies]) if len(valid[0]) else ()
    probe.fit(scaler.transform(Z), y[:, varies], *held_out)

    def score(Z):
        values = np.zeros((len(Z), len(varies)))
        values[:, varies] = probe.decision_function(scaler.transform(Z))
        return values

    return score, probe.regularization_
