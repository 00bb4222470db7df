"""The one shape of answer of every loader."""

from pathlib import Path

import numpy as np
from sklearn.utils import Bunch


def make_bunch(records, target, target_names, *, groups, frame, descr, folds=None):
    """Put a loaded data set together.

    Parameters
    ----------
    records : ECGRecords
    target : ndarray of shape (n_samples, n_classes)
    target_names : list of str
    groups : array-like of shape (n_samples,)
        Patient of every record.
    frame : DataFrame
        Metadata, one row a record.
    descr : str
        Source, licence and citation.
    folds : array-like of shape (n_samples,) or None

    Returns
    -------
    Bunch
    """
    return Bunch(
        data=records,
        target=np.asarray(target, dtype=np.int64).reshape(len(records), len(target_names)),
        target_names=list(target_names),
        reports=records.reports,
        groups=np.asarray(groups),
        folds=None if folds is None else np.asarray(folds),
        frame=frame,
        DESCR=descr.strip(),
    )


def data_set_folder(path, *needed, name):
    """Check that `path` is a folder that holds the files `needed`, and return it as a Path."""
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder: give the folder of {name}")
    missing = [file for file in needed if not (folder / file).exists()]
    if missing:
        raise FileNotFoundError(
            f"{folder} does not look like {name}: there is no {' and no '.join(missing)}"
        )
    return folder


def indicator(rows, classes):
    """Make a label matrix.

    Parameters
    ----------
    rows : sequence of collections of str
        Classes of every record; names not in `classes` are passed over.
    classes : sequence of str

    Returns
    -------
    ndarray of shape (len(rows), len(classes)), int64
    """
    column = {name: j for j, name in enumerate(classes)}
    target = np.zeros((len(rows), len(column)), dtype=np.int64)
    for i, names in enumerate(rows):
        for name in names:
            if name in column:
                target[i, column[name]] = 1
    return target
