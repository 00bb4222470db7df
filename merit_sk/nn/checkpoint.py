"""Weights and configuration on disk: safetensors and JSON, never code."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path, PurePosixPath

import numpy as np

FORMAT = 3  # 2: words of reports as hashes; 3: a checksum of the configuration
CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
PENDING = ".pending"
SAVING = ".saving."
AGAIN = "Save or download the model again."
PATTERNS = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
BUNDLED = Path(__file__).parents[1] / "pretrained"


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


def load_weights(model, data, source="the saved weights", optional=()):
    """Put safetensors bytes into ``model``, refusing anything that does not fit it exactly.

    Tensors named in `optional` may be missing: models of earlier versions do not have them.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        weights = load(data)
        own = model.state_dict()
        model.load_state_dict({k: own[k] for k in optional if k not in weights} | weights)
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{source} do not fit the model they claim to be: {error}") from error
    return model


def pack(config, weights, parts=None):
    """Return the files of a saved model, by name.

    Parameters
    ----------
    config : dict
        Of plain JSON types.
    weights : bytes or None
        None for a model that has no weights besides those of its parts.
    parts : dict of str to bytes or None, default=None
        Files of models that this one is made of, by path.

    Returns
    -------
    files : dict of str to bytes
    """
    parts = parts or {}
    config = {
        "format": "merit_sk", "format_version": FORMAT,
        "weights_sha256": None if weights is None else _digest(weights), **config,
    }  # fmt: skip
    if parts:
        config["parts"] = {path: _digest(data) for path, data in sorted(parts.items())}
    config["config_sha256"] = _config_digest(config)
    text = json.dumps(config, indent=1, ensure_ascii=False)
    own = {} if weights is None else {WEIGHTS_NAME: weights}
    return {**parts, **own, CONFIG_NAME: text.encode()}


def _digest(data):
    return hashlib.sha256(data).hexdigest()


def _config_digest(config):
    """Digest of what a configuration says, however it is laid out."""
    said = {k: v for k, v in config.items() if k != "config_sha256"}
    return _digest(json.dumps(said, sort_keys=True).encode())


def write_files(folder, files):
    """Write the files of a saved model; at every moment the folder holds the old or the new one.

    All is written to a folder inside before it takes its name, which is the moment of change; then
    the files move to their places. `read_files` finds them on either side of the move.

    Parameters
    ----------
    folder : path-like
        Made if missing; an older model in it is replaced, other files stay.
    files : dict of str to bytes
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _move_in(folder)
    for leftover in folder.glob(f"{SAVING}*"):
        with _held(leftover) as free:  # not while another process saves
            if free:
                shutil.rmtree(leftover, ignore_errors=True)
    new = Path(tempfile.mkdtemp(dir=folder, prefix=SAVING))
    with _held(new):
        try:
            for path, data in files.items():
                (new / path).parent.mkdir(parents=True, exist_ok=True)
                write_bytes(new / path, data)
            new.chmod(0o755)
            os.rename(new, folder / PENDING)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        _move_in(folder)


@contextlib.contextmanager
def _held(folder):
    """Hold the lock on a folder; the value is whether it could be had."""
    try:
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
    except (ImportError, FileNotFoundError):  # no such locks on this system; moved meanwhile
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        except OSError:
            held = False
        yield held
    finally:
        os.close(handle)


def _move_in(folder):
    """Put files that were written, but have not reached their places, there."""
    pending = folder / PENDING
    if not pending.is_dir():
        return
    for path in sorted(p for p in pending.rglob("*") if p.is_file()):
        target = folder / path.relative_to(pending)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
    shutil.rmtree(pending)


def read_files(folder):
    """Read the files of a saved model.

    Returns
    -------
    files : dict of str to bytes

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged, foreign, or of a newer format; the message names it.
    """
    folder = Path(folder)

    def read(path):
        for place in (folder / PENDING / path, folder / path, folder / PENDING / path):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                return place.read_bytes()
        raise FileNotFoundError(f"{folder} is not a saved model: it has no {path}")

    config = _parse(read(CONFIG_NAME), folder)
    return {path: read(path) for path in (*_digests(config, folder), CONFIG_NAME)}


def _digests(config, folder):
    """Return the checksums of the files of a model, by path."""
    parts = config.get("parts", {})
    if not isinstance(parts, dict):
        raise ValueError(f"{Path(folder) / CONFIG_NAME} is damaged: parts are {parts!r}. {AGAIN}")
    digests = {WEIGHTS_NAME: config.get("weights_sha256"), **parts}
    if digests[WEIGHTS_NAME] is None:
        del digests[WEIGHTS_NAME]
    return {path: digest for path, digest in digests.items() if _is_inside(path)}


def _is_inside(path):
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError(f"a part of a model must lie inside its folder, got {path!r}")
    return True


def unpack(files, folder):
    """Take apart the files of a saved model.

    Parameters
    ----------
    files : dict of str to bytes
    folder : path-like or str
        What messages call the place.

    Returns
    -------
    config : dict
    weights : bytes or None
    parts : dict of str to dict of str to bytes
        Files of the models that this one is made of, by the name of the model.

    Raises
    ------
    ValueError
        If a file is damaged, foreign, or of a newer format; the message names it.
    """
    config = _parse(files[CONFIG_NAME], folder)
    parts = {}
    for path, digest in _digests(config, folder).items():
        if _digest(files[path]) != digest:
            raise ValueError(
                f"{Path(folder) / path} is damaged or belongs to another {CONFIG_NAME}: its "
                f"checksum differs. {AGAIN}"
            )
        name, _, inner = path.partition("/")
        if inner:
            parts.setdefault(name, {})[inner] = files[path]
    return config, files.get(WEIGHTS_NAME), parts


def _parse(data, folder):
    path = Path(folder) / CONFIG_NAME
    try:
        config = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}. {AGAIN}") from error
    if not isinstance(config, dict) or config.get("format") != "merit_sk":
        raise ValueError(f"{path} does not describe a merit_sk model")
    version, checksum = config.get("format_version"), config.get("config_sha256")
    if isinstance(version, int) and version > FORMAT and checksum in (None, _config_digest(config)):
        raise ValueError(
            f"{path} has format {version}, this version of merit_sk reads up to {FORMAT}: upgrade "
            "merit_sk"
        )
    older = version in (1, 2) and checksum is None
    if not older and checksum != _config_digest(config):
        raise ValueError(f"{path} is damaged or was edited: its checksum differs. {AGAIN}")
    return config


def bundled_weights():
    """Return the names of the weights that come with the package."""
    return sorted(path.parent.name for path in BUNDLED.glob(f"*/{CONFIG_NAME}"))


def find_folder(name, *, revision=None, local_files_only=False, **hub):
    """Return the folder of a saved model: in the package, a local one, or downloaded from the hub.

    Parameters
    ----------
    name : str or path-like
    revision : str or None, default=None
    local_files_only : bool, default=False
    **hub
        Further arguments of ``huggingface_hub.snapshot_download``.

    Raises
    ------
    OSError
        If none is found; the message says where was looked.
    """
    if str(name) in bundled_weights():
        return BUNDLED / str(name)
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(
                str(name), revision=revision, local_files_only=local_files_only,
                allow_patterns=list(PATTERNS), **hub,
            )
        )  # fmt: skip
    except Exception as error:
        raise OSError(
            f"no model {str(name)!r}: it is not among those that come with merit_sk "
            f"({', '.join(bundled_weights()) or 'none'}), there is no such folder "
            f"({Path(name).absolute()}), and the Hugging Face hub did not give one "
            f"({type(error).__name__}). Check the name, or download the repository where there is "
            "a network (`hf download`) and pass its folder."
        ) from error


@contextlib.contextmanager
def whole(path, mode="w"):
    """Open a file that takes its name only when it has been written to the disk.

    Raises
    ------
    OSError
        If it cannot be written; it names the file, and what had its name is as it was.
    """
    path = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _cannot_write(path, error) from None
    try:
        with os.fdopen(handle, mode, encoding=None if "b" in mode else "utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, temporary):
            raise _cannot_write(path, error) from None
        raise


def _cannot_write(path, error):
    """Return an error that names the file in place of the temporary one."""
    if error.errno is None:
        return OSError(f"cannot write {path}: {error}")
    return OSError(error.errno, f"cannot write: {error.strerror}", str(path))


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
