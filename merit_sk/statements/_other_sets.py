"""Phrases for the classes of CPSC2018, CSN and the Georgia set, as reports word them."""

from ._prompts import statement_prompts

# class: PTB-XL statements that mean the same
_STATEMENTS = {
    "cpsc2018": {
        "NORM": "NORM", "AFIB": "AFIB", "1AVB": "1AVB", "CLBBB": "CLBBB", "CRBBB": "CRBBB",
        "PAC": "PAC", "VPC": "PVC", "STD": "STD_", "STE": "STE_",
    },
    "csn": {
        "1AVB": "1AVB", "2AVB": "2AVB", "2AVB1": "2AVB", "AVB": "1AVB 2AVB 3AVB", "AF": "AFLT",
        "AFIB": "AFIB", "APB": "PAC", "AQW": "QWAVE", "AT": "SVTAC", "LBBB": "CLBBB",
        "RBBB": "CRBBB", "LVH": "LVH", "RVH": "RVH", "MI": "MI", "PRIE": "LPR", "QTIE": "LNGQT",
        "SA": "SARRH", "SR": "SR", "ST": "STACH", "STDD": "STD_", "STE": "STE_",
        "STTC": "NDT NST_", "STTU": "STE_", "SVT": "SVTAC", "TWC": "NT_ TAB_", "TWO": "INVT",
        "VB": "BIGU", "VPB": "PVC", "WPW": "WPW",
    },
    "georgia": {
        "AF": "AFIB", "AFL": "AFLT", "Brady": "SBRAD", "IAVB": "1AVB", "IRBBB": "IRBBB",
        "LAnFB": "LAFB", "LBBB": "CLBBB", "LPR": "LPR", "LQRSV": "LVOLT", "LQT": "LNGQT",
        "NSIVCB": "IVCD", "NSR": "SR", "PAC": "PAC", "PR": "PACE", "PVC": "PVC", "QAb": "QWAVE",
        "RBBB": "CRBBB", "SA": "SARRH", "SB": "SBRAD", "STach": "STACH", "TAb": "TAB_",
        "TInv": "INVT",
    },
}  # fmt: skip

# What PTB-XL has no statement for: English and German phrases.
_OTHER = {
    "ALS": ("left axis deviation; leftward axis", "überdrehter linkstyp; linkstyp"),
    "ARS": ("right axis deviation; rightward axis", "überdrehter rechtstyp; rechtstyp"),
    "CCR": ("counterclockwise rotation", "drehung gegen den uhrzeigersinn"),
    "CR": ("clockwise rotation", "drehung im uhrzeigersinn"),
    "ERV": ("early repolarization", "frühe repolarisation"),
    "JEB": ("junctional escape beat; junctional rhythm", "knotenersatzsystole; knotenrhythmus"),
    "PWC": ("abnormal P wave; unusual P axis", "p-wellen abnorm; p-verbreiterung"),
    "UW": ("prominent U wave; U waves present", "u-welle; u-wellen"),
    "VEB": ("ventricular escape beat", "ventrikuläre ersatzsystole"),
}
_SAME = {"LAD": "ALS", "RAD": "ARS"}


def class_prompts(name, classes, language):
    """Phrases for classes of another data set.

    Parameters
    ----------
    name : {"cpsc2018", "csn", "georgia"}
    classes : sequence of str
    language : {"en", "de"}

    Returns
    -------
    prompts : dict of str to list of str

    Examples
    --------
    >>> from merit_sk.statements import class_prompts
    >>> class_prompts("csn", ["ALS", "VPB"], "en")["ALS"]
    ['left axis deviation', 'leftward axis']
    """
    found = {}
    for label in classes:
        codes = _STATEMENTS[name].get(label)
        if codes is None:
            found[label] = _OTHER[_SAME.get(label, label)][language == "de"].split("; ")
        else:
            found[label] = [p for code in codes.split() for p in statement_prompts(code, language)]
    return found
