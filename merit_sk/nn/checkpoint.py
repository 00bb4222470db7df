"""Weights and configuration on disk: safetensors and JSON, never code."""

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path

import numpy as np

FORMAT = 1
CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
BOX = Path(__file__).parents[1] / "pretrained"


def weights_to_bytes(model, dtype="float32"):
    """The model's weights as safetensors bytes, on the CPU.

    Parameters
    ----------
    model : nn.Module
    dtype : {"float32", "float16"}, default="float32"
        Of matrices and kernels; biases, statistics and scalars stay as they are.
    """
    from safetensors.torch import save

    if dtype not in ("float32", "float16"):
        raise ValueError(f"dtype must be 'float32' or 'float16', got {dtype!r}")
    weights = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    if dtype == "float16":
        weights = {k: v.half() if v.ndim > 1 else v for k, v in weights.items()}
    return save(weights)


def load_weights(model, data, source="the saved weights"):
    """Put safetensors bytes into ``model``, refusing anything that does not fit it exactly."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        model.load_state_dict(load(data))
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{source} do not fit the model they claim to be: {error}") from error
    return model


def write_checkpoint(folder, config, weights):
    """Write a model folder; each file appears whole or not at all.

    Parameters
    ----------
    folder : path-like
        Made if missing; an older model in it is replaced.
    config : dict
        Of plain JSON types.
    weights : bytes
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "format": "merit_sk", "format_version": FORMAT,
        "weights_sha256": hashlib.sha256(weights).hexdigest(), **config,
    }  # fmt: skip
    write_bytes(folder / WEIGHTS_NAME, weights)
    write_bytes(folder / CONFIG_NAME, json.dumps(config, indent=1, ensure_ascii=False).encode())


def read_checkpoint(folder):
    """Read a model folder.

    Returns
    -------
    config : dict
    weights : bytes

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged, foreign, or of a newer format; the message names it.
    """
    folder = Path(folder)
    for name in (CONFIG_NAME, WEIGHTS_NAME):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} is not a saved model: it has no {name}")
    path = folder / CONFIG_NAME
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if not isinstance(config, dict) or config.get("format") != "merit_sk":
        raise ValueError(f"{path} does not describe a merit_sk model")
    if config["format_version"] > FORMAT:
        raise ValueError(
            f"{path} has format {config['format_version']}, this version of merit_sk reads up to "
            f"{FORMAT}: upgrade merit_sk"
        )
    weights = (folder / WEIGHTS_NAME).read_bytes()
    if hashlib.sha256(weights).hexdigest() != config["weights_sha256"]:
        raise ValueError(
            f"{folder / WEIGHTS_NAME} is damaged or belongs to another {CONFIG_NAME}: its checksum "
            "differs. Save or download the model again."
        )
    return config, weights


def models_in_box():
    """Names of the models that come with the package."""
    return sorted(path.parent.name for path in BOX.glob(f"*/{CONFIG_NAME}"))


def find_checkpoint(name, *, revision=None, local_files_only=False):
    """Folder of a saved model: in the package, a local one, or a snapshot of a hub repository.

    Raises
    ------
    OSError
        If none is found; the message says where was looked.
    """
    if str(name) in models_in_box():
        return BOX / str(name)
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                str(name), revision=revision, local_files_only=local_files_only,
                allow_patterns=[CONFIG_NAME, WEIGHTS_NAME],
            )
        )  # fmt: skip
    except Exception as error:
        raise OSError(
            f"no model {str(name)!r}: it is not among those that come with merit_sk "
            f"({', '.join(models_in_box()) or 'none'}), there is no such folder "
            f"({Path(name).absolute()}), and the Hugging Face hub did not give one "
            f"({type(error).__name__}). Check the name, or download the repository where there is "
            "a network (`hf download`) and pass its folder."
        ) from error


@contextlib.contextmanager
def whole(path, mode="w"):
    """Open a file that takes its name only when it has been written to the disk."""
    path = Path(path)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, mode, encoding=None if "b" in mode else "utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_bytes(path, data):
    """Write bytes; the file appears whole or not at all."""
    with whole(path, "wb") as file:
        file.write(data)


def write_text(path, text):
    """Write a text; the file appears whole or not at all."""
    with whole(path) as file:
        file.write(text)


def write_arrays(path, content):
    """Write an array as ``.npy`` or a dict of them as ``.npz``; whole or not at all."""
    with whole(path, "wb") as file:
        if isinstance(content, dict):
            np.savez(file, **content)
        else:
            np.save(file, content)
