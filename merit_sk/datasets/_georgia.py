"""Georgia 12-lead ECG Challenge Database."""

from ..statements._other_sets import code_classes
from ._bunch import data_set_folder, indicator
from ._snomed import load_by_dx

_DESCR = """
Georgia 12-lead ECG Challenge Database: 10,344 ECGs of 5 to 10 s at 500 Hz from the south-eastern
United States, published for the PhysioNet/Computing in Cardiology Challenge 2020, with diagnoses
as SNOMED CT codes. License: CC BY 4.0.
Perez Alday et al., Physiological Measurement 41:124003 (2020), doi:10.1088/1361-6579/abc960;
https://physionet.org/content/challenge-2020/1.0.2/
"""

# Scored diagnoses of the challenge; codes that it scores as the same diagnosis share a name.
CHALLENGE_2020_CLASSES = code_classes("georgia")


def load_georgia(path, *, errors="raise"):
    """Load the Georgia data set, or any other set of the PhysioNet challenges 2020 and 2021.

    Headers are read eagerly, signals lazily.

    Parameters
    ----------
    path : str or path-like
        Folder with ``.hea`` and ``.mat`` files, possibly in folders inside it.
    errors : {"raise", "skip"}, default="raise"
        Whether a record that cannot be used is an error, or every record is read now and faulty
        ones are left out and listed in ``skipped``.

    Returns
    -------
    Bunch
        With the attributes

        - ``data`` : :class:`~merit_sk.ECGRecords`; lengths differ
        - ``target`` : ndarray of shape (n, 24), the diagnoses scored by the challenge of 2020,
          1 where one applies; those it scores as the same are one class
        - ``target_names`` : list of str, abbreviations in alphabetical order
        - ``reports`` : None
        - ``groups`` : ndarray of shape (n,), record names: patients are not published
        - ``folds`` : None
        - ``frame`` : DataFrame by record name, the comments of the headers
        - ``DESCR`` : str

    References
    ----------
    .. [1] Perez Alday et al., "Classification of 12-lead ECGs: the PhysioNet/Computing in
       Cardiology Challenge 2020", Physiological Measurement 41:124003 (2020).

    Examples
    --------
    >>> from merit_sk.datasets import load_georgia
    >>> ecg = load_georgia("georgia/")                                         # doctest: +SKIP
    """
    folder = data_set_folder(path, name="the Georgia data set")
    return load_by_dx(folder, _label, descr=_DESCR, errors=errors)


def _label(codes):
    names = sorted(set(CHALLENGE_2020_CLASSES.values()))
    rows = [[CHALLENGE_2020_CLASSES.get(code) for code in row] for row in codes]
    return indicator(rows, names), names
