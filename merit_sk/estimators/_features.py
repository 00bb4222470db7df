"""Names of the features of an embedding."""

POOLS = ("mean", "max", "std")
QUARTILES = ("min", "q1", "median", "q3", "max")


def feature_names(readout, stage_dims, leads, projection):
    """Return the names of the features of a read-out.

    Parameters
    ----------
    readout : {"all", "stages", "last", "projected"}
    stage_dims : sequence of int
        Channels of every stage's map.
    leads : sequence of str
    projection : int
        Dimensions of the space shared with text.

    Returns
    -------
    names : list of str

    Examples
    --------
    >>> from merit_sk.estimators._features import feature_names
    >>> feature_names("last", [2, 1], ("I",), 4)
    ['stage2_mean_0', 'stage2_max_0', 'stage2_std_0']
    >>> feature_names("all", [1], ("I",), 4)[3:6]
    ['I_r_min', 'I_r_q1', 'I_r_median']
    """
    if readout == "projected":
        return [f"projected_{i}" for i in range(projection)]
    numbered = list(enumerate(stage_dims, start=1))
    stages = numbered[-1:] if readout == "last" else numbered
    names = [f"stage{k}_{pool}_{i}" for k, dim in stages for pool in POOLS for i in range(dim)]
    if readout == "all":
        names += [
            f"{lead}_{wave}_{quartile}".replace(" ", "_")
            for lead in leads
            for wave in ("r", "s")
            for quartile in QUARTILES
        ]
    return names
