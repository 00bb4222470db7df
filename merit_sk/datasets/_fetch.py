"""Published data sets from PhysioNet: downloaded once, then loaded."""

from ._cpsc2018 import load_cpsc2018
from ._csn import load_csn
from ._download import PHYSIONET, data_home_folder, download
from ._georgia import load_georgia
from ._mimic import load_mimic_iv_ecg
from ._ptbxl import load_ptbxl

# Of the 1.6 million files of MIMIC-IV-ECG.
MIMIC_ARCHIVE = (
    "static/published-projects/mimic-iv-ecg/"
    "mimic-iv-ecg-diagnostic-electrocardiogram-matched-subset-1.0.zip"
)

_SHARED = """A download that was interrupted goes on where it was, and every file is verified by its
    published checksum. Files that are there and differ are not lost: they get the ending
    ``.replaced-1``.

    Parameters
    ----------
    data_home : str, path-like or None, default=None
        Folder for all data sets; by default the environment variable ``MERIT_SK_DATA_HOME``, or
        else ``~/merit_sk_data``.
    download_if_missing : bool, default=True
        If False, missing files are an error and the network is not used.
    mirror : str, default="https://physionet.org/files"
        Address of PhysioNet or of a mirror of it.
"""
_RAISES = """Raises
    ------
    ConnectionError
        If the server cannot be reached; the message says what to do without a network.
    OSError
        If the files cannot be written, for example because the disk is full.
    ValueError
        If a file does not match its checksum.
"""


def _documented(function):
    """Put what all fetchers share into a docstring."""
    function.__doc__ = function.__doc__.format(shared=_SHARED.rstrip(), raises=_RAISES.rstrip())
    return function


def _fetched(project, pattern, data_home, mirror, download_if_missing, archive=None):
    folder = data_home_folder(data_home) / project.replace("/", "-")
    download(
        project,
        folder,
        pattern=pattern,
        mirror=mirror,
        archive=archive,
        download_if_missing=download_if_missing,
    )
    return folder


@_documented
def fetch_ptbxl(
    data_home=None,
    *,
    download_if_missing=True,
    mirror=PHYSIONET,
    task="superclass",
    sampling_rate=100,
    min_likelihood=0,
    reports="report",
    errors="raise",
):
    """Download PTB-XL from PhysioNet, once, and load it.

    {shared}
    task, sampling_rate, min_likelihood, reports, errors
        As in `load_ptbxl`. Only the signals of one sampling rate are downloaded.

    Returns
    -------
    Bunch
        As returned by `load_ptbxl`.

    {raises}

    Examples
    --------
    >>> from merit_sk.datasets import fetch_ptbxl
    >>> ecg = fetch_ptbxl(task="rhythm")                              # doctest: +SKIP
    """
    if sampling_rate not in (100, 500):
        raise ValueError(f"sampling_rate must be 100 or 500, got {sampling_rate!r}")
    wanted = r"(ptbxl_database\.csv|scp_statements\.csv|LICENSE\.txt|"
    wanted += rf"records{sampling_rate}/.*)"
    folder = _fetched("ptb-xl/1.0.3", wanted, data_home, mirror, download_if_missing)
    return load_ptbxl(
        folder,
        task=task,
        sampling_rate=sampling_rate,
        min_likelihood=min_likelihood,
        reports=reports,
        errors=errors,
    )


@_documented
def fetch_cpsc2018(data_home=None, *, download_if_missing=True, mirror=PHYSIONET, errors="raise"):
    """Download CPSC2018 from PhysioNet, once, and load it.

    {shared}
    errors
        As in `load_cpsc2018`.

    Returns
    -------
    Bunch
        As returned by `load_cpsc2018`.

    {raises}

    Examples
    --------
    >>> from merit_sk.datasets import fetch_cpsc2018
    >>> ecg = fetch_cpsc2018()                                        # doctest: +SKIP
    """
    inside = "training/cpsc_2018"
    folder = _fetched(
        "challenge-2020/1.0.2", f"{inside}/.*", data_home, mirror, download_if_missing
    )
    return load_cpsc2018(folder / inside, errors=errors)


@_documented
def fetch_georgia(data_home=None, *, download_if_missing=True, mirror=PHYSIONET, errors="raise"):
    """Download the Georgia data set from PhysioNet, once, and load it.

    {shared}
    errors
        As in `load_georgia`.

    Returns
    -------
    Bunch
        As returned by `load_georgia`.

    {raises}

    Examples
    --------
    >>> from merit_sk.datasets import fetch_georgia
    >>> ecg = fetch_georgia()                                         # doctest: +SKIP
    """
    inside = "training/georgia"
    folder = _fetched(
        "challenge-2020/1.0.2", f"{inside}/.*", data_home, mirror, download_if_missing
    )
    return load_georgia(folder / inside, errors=errors)


@_documented
def fetch_csn(
    data_home=None,
    *,
    download_if_missing=True,
    mirror=PHYSIONET,
    labels="correct",
    errors="raise",
):
    """Download the Chapman-Shaoxing-Ningbo data set from PhysioNet, once, and load it.

    {shared}
    labels, errors
        As in `load_csn`.

    Returns
    -------
    Bunch
        As returned by `load_csn`.

    {raises}

    Examples
    --------
    >>> from merit_sk.datasets import fetch_csn
    >>> ecg = fetch_csn()                                             # doctest: +SKIP
    """
    wanted = r"(WFDBRecords/.*|ConditionNames_SNOMED-CT\.csv)"
    folder = _fetched("ecg-arrhythmia/1.0.0", wanted, data_home, mirror, download_if_missing)
    return load_csn(folder, labels=labels, errors=errors)


@_documented
def fetch_mimic_iv_ecg(
    data_home=None, *, download_if_missing=True, mirror=PHYSIONET, min_words=4, errors="raise"
):
    """Download MIMIC-IV-ECG from PhysioNet, once, and load it.

    PhysioNet's zip file of the whole set is downloaded, not 1.6 million files. It is unpacked and
    then removed: until then both need room.

    {shared}
    min_words, errors
        As in `load_mimic_iv_ecg`.

    Returns
    -------
    Bunch
        As returned by `load_mimic_iv_ecg`.

    {raises}

    Examples
    --------
    >>> from merit_sk.datasets import fetch_mimic_iv_ecg
    >>> ecg = fetch_mimic_iv_ecg()                                    # doctest: +SKIP
    """
    wanted = r"(record_list\.csv|machine_measurements\.csv|files/.*)"
    folder = _fetched(
        "mimic-iv-ecg/1.0", wanted, data_home, mirror, download_if_missing, MIMIC_ARCHIVE
    )
    return load_mimic_iv_ecg(folder, min_words=min_words, errors=errors)
