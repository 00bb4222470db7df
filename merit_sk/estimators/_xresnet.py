"""The supervised network of the PTB-XL benchmark, as a baseline."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, Options

from ..signals._filters import resample
from ..signals._windows import WindowSource, WindowSpec
from ._checks import model_leads
from ._network_classifier import NetworkClassifier

DEPTHS = (18, 34, 50, 101)


@dataclass(frozen=True)
class CropSpec(WindowSpec):
    """Crops as the benchmark makes them: not filtered, and standardized by the whole data set.

    Parameters
    ----------
    center, spread : float
        Mean and standard deviation of all training samples of all leads, in mV.
    """

    center: float = 0.0
    spread: float = 1.0

    def prepare(self, x, sampling_rate):
        x = resample(x, sampling_rate, self.sampling_rate)
        return ((x - self.center) / self.spread).astype(np.float32)

    def whole(self, x, sampling_rate):
        x = self.prepare(x, sampling_rate)
        return self._crop(x)

    def starts(self, n_times):
        """Crops that overlap by half; the last one ends with the recording."""
        last = n_times - self.n_times
        return [0] if last <= 0 else [*range(0, last, max(self.n_times // 2, 1)), last]

    def cut(self, x, start):
        return self._crop(x[..., start : start + self.n_times])

    def _crop(self, x):
        return self._pad(x), x.shape[-1], np.full(x.shape[:-1], self.spread, dtype=np.float32)


class XResNetClassifier(NetworkClassifier):
    """A one-dimensional xresnet trained on labels alone, after the PTB-XL benchmark [1]_.

    Recordings at 100 Hz are standardized by one mean and standard deviation, not filtered, and
    cut to random crops of 2.5 s. Training follows the one-cycle policy up to `lr`; of a
    recording, the highest score of crops that overlap by half counts. It shares data handling and
    training loop with :class:`~merit_sk.MeritClassifier`, so that the two differ in what they
    learn from, not in how they are fed.

    Parameters
    ----------
    depth : {18, 34, 50, 101}, default=101
        Layers. The benchmark's best is 101, with 1.9 million parameters; 18 has 0.36 million.
    max_epochs : int, default=50
        Passes over the training data.
    batch_size : int, default=128
    lr : float, default=0.01
        Highest learning rate of AdamW.
    weight_decay : float, default=0.01
    sampling_rate : float, default=100
        In Hz. Arrays must have it; ``ECGRecords`` are resampled.
    leads : sequence of str or None, default=None
        Leads of the model; None takes those of the ``ECGRecords``, and for arrays all.
    duration : float, default=2.5
        Crop in seconds.
    device : str, default="auto"
        ``"auto"`` takes an accelerator if there is one.
    n_jobs : int or None, default=None
        CPU threads; None is 1, -1 is all cores.
    random_state : int, RandomState instance or None, default=None
        Weights, crops and order of the batches.
    verbose : int, default=0
        1 prints a line per epoch, 2 adds progress bars.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, or numbers of the columns of an indicator matrix.
    multi_label_ : bool
    model_ : ClassifierModel
        The network.
    net_ : skorch.NeuralNet
        The net of the last ``fit``; not kept in pickles.
    history_ : list of dict
        Training loss of each epoch.
    window_ : CropSpec
    n_iter_ : int
        Epochs trained.
    n_features_in_ : int

    References
    ----------
    .. [1] N. Strodthoff, P. Wagner, T. Schaeffter, W. Samek, "Deep learning for ECG analysis:
       Benchmarks and insights from PTB-XL", IEEE Journal of Biomedical and Health Informatics
       25(5), 2021.

    Examples
    --------
    >>> from merit_sk.datasets import make_ecg
    >>> from merit_sk.estimators import XResNetClassifier
    >>> ecg = make_ecg(16, task="superclass", random_state=0)
    >>> network = XResNetClassifier(depth=18, max_epochs=1, random_state=0)
    >>> network.fit(ecg.data, ecg.target).predict_proba(ecg.data).shape
    (16, 5)
    """

    _parameter_constraints = NetworkClassifier._parameter_constraints | {
        "depth": [Options(Integral, set(DEPTHS))],
        "duration": [Interval(Real, 0, None, closed="neither")],
    }
    _window_type = CropSpec
    _aggregate = "max"

    def __init__(
        self,
        depth=101,
        *,
        max_epochs=50,
        batch_size=128,
        lr=0.01,
        weight_decay=0.01,
        sampling_rate=100,
        leads=None,
        duration=2.5,
        device="auto",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.depth = depth
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.sampling_rate = sampling_rate
        self.leads = leads
        self.duration = duration
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def _window(self, X):
        self._config = {"depth": int(self.depth)}
        shape = float(self.sampling_rate), model_leads(X, self.leads), float(self.duration)
        source = WindowSource(X, CropSpec(*shape))
        count, total, squares = 0, 0.0, 0.0
        for i in range(0, len(source), source.chunk):
            for x in source.signals(np.arange(i, min(i + source.chunk, len(source)))):
                count, total = count + x.size, total + x.sum(dtype=float)
                squares += np.square(x, dtype=float).sum()
        center = total / count
        spread = max(squares / count - center**2, 0) ** 0.5
        return CropSpec(*shape, center=float(center), spread=float(spread) or 1.0)

    def _network(self, weight):
        from ..nn.classifier import ClassifierModel
        from ..nn.xresnet import ConcatPoolHead, XResNet1d

        encoder = XResNet1d(len(self.window_.leads), self._config["depth"])
        head = ConcatPoolHead(encoder.n_features, len(self.classes_))
        return ClassifierModel(encoder, head, self.multi_label_, weight)

    def _net_settings(self, n_batches):
        from skorch.callbacks import LRScheduler
        from torch.optim.lr_scheduler import OneCycleLR

        policy = LRScheduler(
            OneCycleLR, step_every="batch", max_lr=self.lr, pct_start=0.3,
            total_steps=max(self.max_epochs * n_batches, 1),
        )  # fmt: skip
        return {"augment": False}, [("schedule", policy)]
