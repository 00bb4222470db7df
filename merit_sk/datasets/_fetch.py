"""Published data sets from PhysioNet: downloaded once, then loaded."""

from ._cpsc2018 import load_cpsc2018
from ._csn import load_csn
from ._download import PHYSIONET, data_home_folder, download
from ._georgia import load_georgia
from ._mimic import load_mimic_iv_ecg
from ._ptbxl import load_ptbxl

_DOC = """Download {title} from PhysioNet, once, and load it.

    A download that was interrupted goes on where it was, and every file is verified by its
    published checksum.

    Parameters
    ----------
    data_home : str, path-like or None, default=None
        Folder for all data sets; by default the environment variable ``MERIT_SK_DATA_HOME``, or
        else ``~/merit_sk_data``.
    download_if_missing : bool, default=True
        If False, missing files are an error and the network is not used.
    mirror : str, default="https://physionet.org/files"
        Address of PhysioNet or of a mirror of it.
    **options
        Passed on to `{loader}`.

    Returns
    -------
    Bunch
        As returned by `{loader}`.

    Raises
    ------
    ConnectionError
        If the server cannot be reached; the message says what to do without a network.
    ValueError
        If a file does not match its checksum.

    Examples
    --------
    >>> from merit_sk.datasets import {fetcher}
    >>> ecg = {fetcher}()                                             # doctest: +SKIP
    """


def _fetcher(name, loader, *, title, project, pattern, inside=""):
    """Make a fetch function.

    Parameters
    ----------
    name : str
        Name of the function.
    loader : callable
    title : str
        For the documentation.
    project : str
        Project and version on PhysioNet.
    pattern : callable
        Takes the options of the loader, returns a regular expression of the files needed.
    inside : str
        Folder of the project that the loader takes.
    """

    def fetch(data_home=None, *, download_if_missing=True, mirror=PHYSIONET, **options):
        folder = data_home_folder(data_home) / project.replace("/", "-")
        download(
            project,
            folder,
            pattern=pattern(options),
            mirror=mirror,
            download_if_missing=download_if_missing,
        )
        return loader(folder / inside, **options)

    fetch.__name__ = fetch.__qualname__ = name
    fetch.__doc__ = _DOC.format(title=title, loader=loader.__name__, fetcher=name)
    return fetch


fetch_ptbxl = _fetcher(
    "fetch_ptbxl",
    load_ptbxl,
    title="PTB-XL",
    project="ptb-xl/1.0.3",
    pattern=lambda options: (
        r"(ptbxl_database\.csv|scp_statements\.csv|LICENSE\.txt|"
        rf"records{options.get('sampling_rate', 100)}/.*)"
    ),
)
fetch_cpsc2018 = _fetcher(
    "fetch_cpsc2018",
    load_cpsc2018,
    title="CPSC2018",
    project="challenge-2020/1.0.2",
    pattern=lambda options: r"training/cpsc_2018/.*",
    inside="training/cpsc_2018",
)
fetch_georgia = _fetcher(
    "fetch_georgia",
    load_georgia,
    title="the Georgia data set",
    project="challenge-2020/1.0.2",
    pattern=lambda options: r"training/georgia/.*",
    inside="training/georgia",
)
fetch_csn = _fetcher(
    "fetch_csn",
    load_csn,
    title="the Chapman-Shaoxing-Ningbo data set",
    project="ecg-arrhythmia/1.0.0",
    pattern=lambda options: r"(WFDBRecords/.*|ConditionNames_SNOMED-CT\.csv)",
)
fetch_mimic_iv_ecg = _fetcher(
    "fetch_mimic_iv_ecg",
    load_mimic_iv_ecg,
    title="MIMIC-IV-ECG",
    project="mimic-iv-ecg/1.0",
    pattern=lambda options: r"(record_list\.csv|machine_measurements\.csv|files/.*)",
)
