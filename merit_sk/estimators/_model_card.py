"""The model card that is saved with a model."""

MARK = "<!-- written by merit_sk: remove this line to keep your own text -->"


def model_card(estimator):
    """Return a model card in Markdown, with metadata for the Hugging Face hub.

    Parameters
    ----------
    estimator : estimator with a network
        Fitted.

    Returns
    -------
    text : str
    """
    from .. import __version__

    name = type(estimator).__name__
    lines = [
        "---",
        "library_name: merit_sk",
        "license: other",
        "license_name: to-be-stated",
        "tags: [ecg, electrocardiogram, merit_sk]",
        "---",
        MARK,
        "",
        f"# {name}",
        "",
        f"A `{name}` of merit_sk {__version__}.",
        "",
        "```python",
        f"from merit_sk import {name}",
        "",
        f'model = {name}.from_pretrained("this folder, or its id on the hub")',
        "```",
        "",
        *_input(estimator.window_),
        "## Training",
        "",
        *_training(estimator),
        "",
        "## To be completed before you share it",
        "",
        "- Data: which recordings, of how many patients, from where, with whose consent.",
        "- License of the data, and of these weights.",
        "- Evaluation: on which recordings that training has not seen, beside which baselines.",
        "- Limits. This is research software and no medical device. Weights may tell something of",
        "  the recordings and reports that they were trained on.",
    ]
    return "\n".join(lines) + "\n"


def _input(window):
    low, high = window.band
    return [
        "## Input",
        "",
        f"- Leads: {', '.join(window.leads)}; others may be missing.",
        f"- Sampling rate: {window.sampling_rate:g} Hz; other rates are resampled.",
        "- Unit: mV.",
        f"- Preprocessing: {low:g} to {high:g} Hz, each lead standardized in windows of "
        f"{window.duration:g} s.",
        "",
    ]


def _training(estimator):
    trained = estimator if hasattr(estimator, "model_") else estimator.embedder_
    n_parameters = sum(p.numel() for p in trained.model_.parameters())
    lines = [f"- {n_parameters:,} parameters.", f"- {len(trained.history_)} epochs."]
    if trained.history_:
        last = trained.history_[-1]
        known = {k: v for k, v in last.items() if k not in ("epoch", "dur")}
        lines.append("- Last epoch: " + ", ".join(f"{k} {v:.4g}" for k, v in known.items()) + ".")
    return lines
