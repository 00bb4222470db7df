"""Files with one recording each, recognized by their content."""

import hashlib
import importlib
import os
import stat

import numpy as np

from . import _wfdb_reader, _xml
from ._edf_reader import edf_patient
from ._recording import MAX_SAMPLES, with_limb_leads

WFDB, EDF, ISHNE = "WFDB", "EDF", "ISHNE"
BY_PART = (WFDB, EDF, ISHNE)  # can be read without reading all of it
_HEAD = 8192
_XML = {
    "restingecg": ("GE MUSE XML", "_ge_muse_reader"),
    "restingecgdata": ("Philips XML", "_philips_reader"),
    "annotatedecg": ("HL7 aECG", "_aecg_reader"),
    "ecg": ("Mortara XML", "_mortara_reader"),
}
_XML_READERS = dict(_XML.values())
_NEEDS = {"DICOM": "pydicom", "SCP-ECG": "ecgdatakit"}
_NEEDS |= dict.fromkeys(_XML_READERS, "defusedxml")
FORMATS = (WFDB, EDF, *_XML_READERS, "DICOM", "SCP-ECG", ISHNE)
SUFFIXES = (".hea", ".edf", ".xml", ".dcm", ".scp", ".ecg")


def recognize(path):
    """Return the format of a file, None if it is none of `FORMATS`.

    Parameters
    ----------
    path : str

    Returns
    -------
    str or None
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        return None
    with open(path, "rb") as stream:
        head = stream.read(_HEAD)
    if head[128:132] == b"DICM":
        return "DICOM"
    if head.startswith(b"ISHNE1.0"):
        return ISHNE
    if head.startswith(b"0       ") and head[252:256].strip().isdigit():
        return EDF
    if _is_scp(head):
        return "SCP-ECG"
    root = _xml.root_name(head)
    if root is None:
        return WFDB if path.endswith(".hea") else None
    return _XML.get(root.lower(), (None,))[0]


def _is_scp(head):
    """Whether a file begins with a section 0 that points to itself."""
    return head[8:10] == b"\0\0" and head[22:24] == b"\0\0" and head[28:32] == b"\7\0\0\0"


def read_header(path, format):
    """Read what is known of a recording but for its signal.

    Parameters
    ----------
    path : str
        WFDB records without extension.
    format : str

    Returns
    -------
    Header
    """
    if format == EDF:
        header = _wfdb_reader.read_header(path, format)
        facts, identity = edf_patient(path)
        return header._replace(facts=facts, identity=identity)
    if format in BY_PART:
        return _wfdb_reader.read_header(path, format)
    return _header(path, format, _read(path, format))


def _header(path, format, recording):
    return _wfdb_reader.Header(
        path,
        recording.rate,
        recording.signal.shape[-1],
        recording.lead_names,
        (),
        format=format,
        report=recording.report,
        facts=recording.facts,
        identity=recording.identity,
        notes=recording.notes,
    )


def read_record(path, format, lead_names=None, out=None):
    """Read one recording, as `_wfdb_reader.read_record` does."""
    if format in BY_PART:
        return _wfdb_reader.read_record(path, lead_names, out, format)
    recording = _read(path, format)
    header = _header(path, format, recording)
    leads = _wfdb_reader.find_leads(header, lead_names)
    signal = recording.signal if leads is None else recording.signal[leads]
    if out is None:
        out = np.empty(signal.shape, dtype=np.float32)
    elif out.shape != signal.shape:
        raise ValueError(f"record {path} has {header.n_times} samples, expected {out.shape[-1]}")
    with np.errstate(over="ignore"):
        out[...] = signal
    return header, out, False


def content_digest(path, format):
    """Return a digest of what a record holds, wherever it lies."""
    if format in BY_PART:
        return _wfdb_reader.content_digest(path, format)
    header, signal, _ = read_record(path, format)
    digest = hashlib.sha256(repr((header.rate, header.lead_names)).encode())
    digest.update(signal)
    return digest.digest()


def _read(path, format):
    """Read a file of which the header cannot be had without the rest."""
    try:
        recording = with_limb_leads(_read_whole(path, format))
    except FileNotFoundError:
        raise FileNotFoundError(f"record {path}: there is no such file") from None
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{format} is read with {error.name or _NEEDS[format]}, which is not installed: "
            "pip install merit_sk[formats]"
        ) from None
    except Exception as error:  # whatever a library says of a damaged file
        text = str(error) or type(error).__name__
        raise ValueError(f"record {path} ({format}) cannot be read: {text}") from None
    n_leads, n_times = recording.signal.shape
    if not n_times or n_leads * n_times > MAX_SAMPLES:
        raise ValueError(f"record {path} ({format}) has {n_leads} leads of {n_times} samples")
    return recording


def _read_whole(path, format):
    size = os.path.getsize(path)
    if format in _XML_READERS:
        with open(path, "rb") as stream:
            root = _xml.parse(stream.read(_xml.MAX_BYTES + 1))
        return importlib.import_module(f".{_XML_READERS[format]}", __package__).read(root)
    if format == "DICOM":
        from . import _dicom_reader

        return _dicom_reader.read(path, size)
    from . import _scp_reader

    return _scp_reader.read(path, size)
