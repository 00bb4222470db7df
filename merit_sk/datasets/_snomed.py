"""Diagnoses that WFDB headers carry as SNOMED CT codes in a ``#Dx:`` comment."""

from ..records import ECGRecords
from ._bunch import check_errors, make_bunch
from ._wfdb import find_records, header_frame, scan


def load_by_dx(folder, label, *, descr, errors, keep=None):
    """Load a folder of WFDB records whose headers carry diagnoses.

    Parameters
    ----------
    folder : Path
    label : callable
        Takes the list of codes of every record, returns a label matrix and the class names.
    descr : str
    errors : {"raise", "skip"}
    keep : callable or None
        Takes the list of codes of every record and the label matrix, returns a mask of those to
        keep.

    Returns
    -------
    Bunch
    """
    check_errors(errors)
    root, paths = find_records(folder)
    headers, paths, faults = scan(root, paths, errors)
    frame = header_frame(headers, paths)
    codes = [dx_codes(header.comments) for header in headers]
    target, target_names = label(codes)
    records = ECGRecords._from_headers(headers, root, paths)
    if keep is not None:
        kept = keep(codes, target)
        records, target, frame = records[kept], target[kept], frame[kept]
    return make_bunch(
        records,
        target,
        target_names,
        groups=records.record_names.astype(str),
        frame=frame,
        descr=descr,
        errors=errors,
        faults=faults,
    )


def dx_codes(comments):
    """Return the codes of the ``Dx`` comment of a header, as strings.

    Examples
    --------
    >>> from merit_sk.datasets._snomed import dx_codes
    >>> dx_codes(("Age: 74", "Dx: 59118001,164889003"))
    ['59118001', '164889003']
    """
    for comment in comments:
        key, _, value = comment.partition(":")
        if key.strip().lower() == "dx":
            return [code.strip() for code in value.split(",") if code.strip()]
    return []
