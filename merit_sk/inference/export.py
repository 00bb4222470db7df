"""A trained encoder as an ONNX model, from millivolts to embeddings."""

import contextlib
import copy
import json
import logging
import math
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from .. import __version__
from ..nn.checkpoint import write_bytes
from ..nn.model import FEATURE_SIZE
from ..signals._amplitudes import N_QUARTILES
from ..signals._filters import FLAT_POWER, bandpass

INPUT, OUTPUT = "signal", "embedding"
PRODUCER = "merit_sk"
MOST_TIMES = 10_000  # the filter is a matrix of so many rows and columns: 400 MB


def export_onnx(model, spec, readout, path):
    """Write what `MeritEmbedder.transform` computes of one window as an ONNX model.

    Parameters
    ----------
    model : MeritModel
    spec : WindowSpec
    readout : {"all", "stages", "last", "projected"}
    path : path-like
        An ONNX model of merit_sk there is replaced.

    Raises
    ------
    ImportError
        If onnx or onnxscript is missing.
    FileExistsError
        If there is another file at `path`.
    ValueError
        If a window has too many samples.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401, the exporter of PyTorch needs it
    except ImportError as error:
        raise ImportError(
            "to_onnx needs onnx and onnxscript: pip install 'merit_sk[onnx]'"
        ) from error

    path = Path(path)
    if path.exists() and not _is_ours(path):
        raise FileExistsError(
            f"{path} was not written by to_onnx, and is not overwritten: give another name"
        )
    if spec.n_times > MOST_TIMES:
        raise ValueError(
            f"a window of {spec.n_times} samples cannot be exported: the filter is a matrix in the "
            f"graph, of at most {MOST_TIMES} samples. Train a model with a shorter duration or a "
            "lower sampling_rate"
        )
    proto = _graph(model, spec, readout)
    _forget_source(proto)
    proto.producer_name, proto.producer_version = PRODUCER, __version__
    proto.doc_string = (
        f"Embeds ECGs. {INPUT}: float32 (n, {len(spec.leads)}, {spec.n_times}), "
        f"mV at {spec.sampling_rate:g} Hz, leads {', '.join(spec.leads)}; a missing lead is zeros. "
        f"{OUTPUT}: float32 (n, n_features)."
    )
    onnx.helper.set_model_props(proto, _metadata(spec, readout))
    onnx.checker.check_model(proto, full_check=True)
    write_bytes(path, proto.SerializeToString())


def _is_ours(path):
    import onnx
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(path, load_external_data=False).producer_name == PRODUCER
    except (DecodeError, OSError, ValueError):
        return False


def _forget_source(proto):
    """Take out the stack traces that the exporter writes, with paths of this machine."""
    graph = proto.graph
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output,
                 *graph.initializer):  # fmt: skip
        del part.metadata_props[:]


def _metadata(spec, readout):
    return {
        "merit_sk_version": __version__,
        "leads": json.dumps(list(spec.leads)),
        "sampling_rate": f"{spec.sampling_rate:g}",
        "unit": "mV",
        "n_times": str(spec.n_times),
        "duration": f"{spec.duration:g}",
        "band": json.dumps(list(spec.band)),
        "readout": readout,
    }


def _graph(model, spec, readout):
    network = _FromMillivolts(model, spec, readout).eval()
    example = torch.zeros(2, len(spec.leads), spec.n_times)
    with _quietly():
        return torch.onnx.export(
            network, (example,), dynamo=True, verbose=False, input_names=[INPUT],
            output_names=[OUTPUT], dynamic_shapes=({0: torch.export.Dim("n")},),
            optimize=False,  # onnxscript 0.7 would leave out the 1e-8 that pooling adds to squares
        ).model_proto  # fmt: skip


@contextlib.contextmanager
def _quietly():
    """Keep what the exporter says of itself from the user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", (FutureWarning, DeprecationWarning))
            yield
    finally:
        logger.setLevel(level)


class _FromMillivolts(nn.Module):
    """Filter, standardization, encoder, read-out and scale of features in one."""

    def __init__(self, model, spec, readout):
        super().__init__()
        self.model = copy.deepcopy(model).cpu()
        self.readout = readout
        self.second = min(max(round(spec.sampling_rate), 1), spec.n_times)
        line = np.linspace(-1, 1, spec.n_times) if spec.band[0] else np.zeros(spec.n_times)
        line /= max(np.linalg.norm(line), 1.0)
        impulses = np.eye(spec.n_times, dtype=np.float32)
        constants = {
            "line": line, "filter": bandpass(impulses, spec.sampling_rate, *spec.band),
            "quartiles": _quartiles(spec.n_times // self.second),
        }  # fmt: skip
        statistics = self.model.feature_statistics(readout)
        if statistics is not None:
            mean, std = statistics
            constants |= {"center": mean, "scale": FEATURE_SIZE / math.sqrt(len(mean)) / std}
        self.is_scaled = statistics is not None
        for name, value in constants.items():
            self.register_buffer(name, torch.as_tensor(value, dtype=torch.float32))

    def forward(self, signal):
        filtered, deviation = self.standardized(signal)
        maps = self.model.encoder(filtered, None)
        voltages = (
            self.voltages(filtered, deviation) if self.readout in ("all", "projected") else None
        )
        features = self.model.read_out(maps, self.readout, voltages)
        return (features - self.center) * self.scale if self.is_scaled else features

    def standardized(self, x):
        """As `WindowSpec.whole`; level and slope, which the filter removes, are subtracted first,
        so that large ones leave no rounding.
        """
        before = x.square().sum(dim=2, keepdim=True)
        x = x - x.mean(dim=2, keepdim=True)
        x = x - (x * self.line).sum(dim=2, keepdim=True) * self.line
        x = x @ self.filter
        x = x - x.mean(dim=2, keepdim=True)
        power = x.square().sum(dim=2, keepdim=True)
        flat = power <= FLAT_POWER * before
        deviation = torch.where(flat, 0.0, power / x.shape[2]).sqrt()
        return torch.where(flat, 0.0, x / torch.where(flat, 1.0, deviation)), deviation

    def voltages(self, x, deviation):
        """As `peak_voltages`."""
        n_seconds = x.shape[2] // self.second
        seconds = x[..., : n_seconds * self.second].unflatten(2, (n_seconds, self.second))
        peaks = torch.stack([seconds.amax(dim=3), seconds.amin(dim=3)], dim=2)
        quartiles = peaks.sort(dim=3).values @ self.quartiles
        return (quartiles * deviation[..., None]).flatten(1)


def _quartiles(n):
    """Matrix (n, 5) from sorted values to their extremes and quartiles."""
    at = np.linspace(0, n - 1, N_QUARTILES)
    return np.array([np.interp(at, np.arange(n), one) for one in np.eye(n)])
