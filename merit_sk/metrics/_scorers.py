"""Metrics for the `scoring` of scikit-learn's searches and cross-validation."""

from sklearn.metrics import make_scorer

from ._ranking import macro_auc, macro_average_precision, macro_f1
from ._retrieval import macro_retrieval
from ._text import rouge

_RESPONSE = ("decision_function", "predict_proba")


def mean_rouge_l(reports, generated):
    """Compute the mean ROUGE-L F-measure over records."""
    return float(rouge(reports, generated)["rouge_l"].mean())


macro_auc_scorer = make_scorer(macro_auc, response_method=_RESPONSE)
macro_average_precision_scorer = make_scorer(macro_average_precision, response_method=_RESPONSE)
macro_f1_scorer = make_scorer(macro_f1, response_method="predict", threshold=0.5)
macro_f1_oracle_scorer = make_scorer(macro_f1, response_method=_RESPONSE, threshold="oracle")
macro_retrieval_scorer = make_scorer(macro_retrieval, response_method="predict_proba")
rouge_l_scorer = make_scorer(mean_rouge_l, response_method="predict")
