"""CPSC2018: China Physiological Signal Challenge 2018, 6,877 ECGs."""

import hashlib
from pathlib import Path

import numpy as np

from ..records import ECGRecords
from ..records._sources import FileSource
from ..signals._leads import STANDARD_LEADS
from ..statements._other_sets import code_classes
from ._bunch import check_errors, data_set_folder, indicator, make_bunch, read_table
from ._mat_reader import read_struct
from ._snomed import load_by_dx

_DESCR = """
China Physiological Signal Challenge 2018: 6,877 published 12-lead ECGs of 6 to 60 s (a few are
longer) at 500 Hz from 11 hospitals, with up to three of nine classes each. License: CC BY 4.0.
Liu et al., Journal of Medical Imaging and Health Informatics 8(7):1368-1373 (2018),
doi:10.1166/jmihi.2018.2442; in WFDB format: https://physionet.org/content/challenge-2020/1.0.2/
"""

_CLASS_OF_CODE = code_classes("cpsc2018")
_NAMES = sorted(_CLASS_OF_CODE.values())
# REFERENCE.csv numbers the classes from 1.
_NUMBERED = "NORM AFIB 1AVB CLBBB CRBBB PAC VPC STD STE".split()


def load_cpsc2018(path, *, errors="raise"):
    """Load the China Physiological Signal Challenge 2018 from a local copy.

    Parameters
    ----------
    path : str or path-like
        Folder in either published form: WFDB records with ``#Dx`` in their headers (PhysioNet),
        or the original ``.mat`` files with ``REFERENCE.csv`` among or above them. Where there are
        both, WFDB is read. Of original files the whole signals are read to know their lengths.
    errors : {"raise", "skip"}, default="raise"
        Whether a record that cannot be used is an error, or every record is read now and faulty
        ones are left out and listed in ``skipped``.

    Returns
    -------
    Bunch
        With the attributes

        - ``data`` : :class:`~merit_sk.ECGRecords`; lengths differ
        - ``target`` : ndarray of shape (n, 9), 1 where a class applies
        - ``target_names`` : list of str, the nine classes in alphabetical order
        - ``reports`` : None
        - ``groups`` : ndarray of shape (n,), record names: patients are not published
        - ``folds`` : None
        - ``frame`` : DataFrame by record name: age, sex and labels as published
        - ``DESCR`` : str

    References
    ----------
    .. [1] Liu et al., "An open access database for evaluating the algorithms of
       electrocardiogram rhythm and morphology abnormality detection", Journal of Medical Imaging
       and Health Informatics 8(7) (2018).

    Examples
    --------
    >>> from merit_sk.datasets import load_cpsc2018
    >>> ecg = load_cpsc2018("cpsc2018/")                                       # doctest: +SKIP
    """
    check_errors(errors)
    folder = data_set_folder(path, name="CPSC2018")
    if next(folder.rglob("*.hea"), None) is not None:
        return load_by_dx(folder, _label, descr=_DESCR, errors=errors)
    return _load_original(folder, errors)


def _label(codes):
    rows = [[_CLASS_OF_CODE.get(code) for code in row] for row in codes]
    return indicator(rows, _NAMES), _NAMES


def _load_original(folder, errors):
    import pandas as pd

    files = sorted(folder.rglob("*.mat"))
    tables = sorted(folder.rglob("REFERENCE.csv")) or [folder.parent / "REFERENCE.csv"]
    if not files or not tables[0].exists():
        raise FileNotFoundError(
            f"{folder} does not look like CPSC2018: there are neither WFDB headers nor .mat files "
            "with a REFERENCE.csv among or above them"
        )
    reference = pd.concat([read_table(table, ["Recording"]) for table in tables])
    reference = reference.drop_duplicates("Recording").set_index("Recording")
    rows, faults = {}, {}
    for file in files:
        try:
            ecg = read_original(file)
            rows[file] = {"Age": ecg["age"], "Sex": ecg["sex"], "n_times": ecg["data"].shape[1]}
            rows[file] |= reference.loc[file.stem].to_dict()
        except (OSError, ValueError, KeyError) as error:
            reason = f"{file.stem} is not in {tables[0]}" if isinstance(error, KeyError) else error
            if errors == "raise":
                raise ValueError(str(reason)) from None
            faults[file.stem] = str(reason)
    names = [file.stem for file in rows]
    frame = pd.DataFrame(list(rows.values()), index=pd.Index(names, name="record"))
    records = ECGRecords(
        OriginalSource(
            str(folder),
            np.array([str(file.relative_to(folder)) for file in rows], dtype=object),
            np.full(len(rows), 500.0),
            np.array([row["n_times"] for row in rows.values()], dtype=np.int64),
            STANDARD_LEADS,
        ),
        record_names=names,
        sampling_rate=500.0,
    )
    class_of = dict(enumerate(_NUMBERED, start=1))
    labels = frame.filter(regex="_label$").to_numpy(dtype=float)
    target = indicator([[class_of.get(number) for number in row] for row in labels], _NAMES)
    return make_bunch(
        records,
        target,
        _NAMES,
        groups=np.array(names, dtype=str),
        frame=frame.drop(columns="n_times"),
        descr=_DESCR,
        errors=errors,
        faults=faults,
    )


def read_original(file):
    """Read an original ``.mat`` file.

    Returns
    -------
    dict
        ``data``, an array of shape (12, n_times) in mV; ``age`` and ``sex``.
    """
    try:
        ecg = read_struct(file, "ECG")
        with np.errstate(over="ignore"):
            data = np.asarray(ecg["data"]).astype(np.float32)
        age, sex = int(ecg["age"].item()), str(ecg["sex"])
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {file}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from None
    if data.ndim != 2 or data.shape[0] != 12 or not data.shape[1]:
        raise ValueError(f"{file} holds an array of shape {data.shape} instead of 12 leads")
    return {"data": data, "age": age, "sex": sex}


class OriginalSource(FileSource):
    """Original ``.mat`` files; see `merit_sk.records._sources` for what a source is."""

    def read(self, i, lead_names, out=None):
        file = Path(self.describe(i))
        signal = read_original(file)["data"]
        if signal.shape[1] != self.n_times[i]:
            raise ValueError(f"{file} has changed: it has {signal.shape[1]} samples")
        if lead_names != STANDARD_LEADS:
            signal = signal[[STANDARD_LEADS.index(name) for name in lead_names]]
        if out is None:
            return signal, False
        out[...] = signal
        return out, False

    def content(self, i):
        with open(self.describe(i), "rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()

    def read_digital(self, i, lead_names):
        return None

    def adc_step(self, i):
        return 0.0

    def wrong_checksums(self):
        return {}
