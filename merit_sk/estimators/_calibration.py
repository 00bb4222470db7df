"""Probabilities of statements and their operating points, as they are saved with weights."""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit, logit

LANGUAGES = ("en", "de")
NORMAL = "NORM"


@dataclass(frozen=True)
class ZeroShotCalibration:
    """Turn cosines of recordings and phrases into probabilities.

    Parameters
    ----------
    phrase : tuple of float
        Slope, intercept and operating point for phrases that are none of our statements.
    statements : dict of str to dict of str to sequence of float, default={}
        For a statement and a language, four numbers: the log-odds are slope times the cosine with
        its phrases, plus contrast times the cosine with those of a normal ECG, plus intercept;
        the fourth is the operating point, a probability.
    unions : dict of str to dict of str to float, default={}
        Operating points of classes that unite several statements, by their sorted codes and
        language.
    learned_on : dict, default={}
        Counts and corrections, for the record.

    Examples
    --------
    >>> from merit_sk.estimators._calibration import ZeroShotCalibration
    >>> calibration = ZeroShotCalibration(
    ...     (10.0, -2.0, 0.2), {"AFIB": {"en": (12.0, -1.0, -2.0, 0.3)}})
    >>> calibration.languages("AFIB"), calibration.operating_point(["AFIB"], ["en"])
    (['en'], 0.3)
    """

    phrase: tuple
    statements: dict = field(default_factory=dict)
    unions: dict = field(default_factory=dict)
    learned_on: dict = field(default_factory=dict)

    @classmethod
    def from_dict(cls, saved):
        """Rebuild what ``to_dict`` gave."""
        try:
            return cls(
                tuple(saved["phrase"]), saved["statements"], saved["unions"], saved["learned_on"]
            )
        except (KeyError, TypeError) as error:
            message = f"the zero-shot calibration of the weights is damaged: {error!r}"
            raise ValueError(message) from error

    def to_dict(self):
        """Return plain JSON types, rounded to five significant digits."""
        return {
            "phrase": _rounded(self.phrase),
            "statements": {
                code: {language: _rounded(curve) for language, curve in curves.items()}
                for code, curves in self.statements.items()
            },
            "unions": {
                name: {language: _rounded([t])[0] for language, t in points.items()}
                for name, points in self.unions.items()
            },
            "learned_on": self.learned_on,
        }

    def languages(self, code):
        """Return the languages in which a statement has a curve."""
        return sorted(self.statements.get(code, ()), reverse=True)

    def line(self, code, vectors):
        """Return direction and intercept of a statement's log-odds in the embedding.

        Parameters
        ----------
        code : str
        vectors : dict of str to tuple of ndarray
            By language, unit vectors of the statement and of a normal ECG. The log-odds are
            averaged over languages.
        """
        directions, intercepts = [], []
        for language, (own, normal) in vectors.items():
            slope, contrast, intercept, _ = self._curve(code, language)
            directions.append(slope * own + contrast * normal)
            intercepts.append(intercept)
        return np.mean(directions, axis=0), float(np.mean(intercepts))

    def _curve(self, code, language):
        slope, intercept, point = self.phrase
        return self.statements.get(code, {}).get(language, (slope, 0.0, intercept, point))

    def operating_point(self, codes, languages):
        """Return the probability from which a statement, or a union of several, counts as found.

        That of a union without one of its own is the highest among its statements.
        """
        points = self.unions.get(union_key(codes)) if len(codes) > 1 else None
        if points is not None:
            points = [points[language] for language in languages]
        elif len(codes) > 1:
            return max(self.operating_point([code], languages) for code in codes)
        else:
            points = [self._curve(codes[0], language)[3] for language in languages]
        return float(expit(np.mean(logit(points)))) if len(set(points)) > 1 else float(points[0])


def union_key(codes):
    """Return the name under which the operating point of several statements is kept."""
    return " ".join(sorted(codes))


def union_log_odds(log_odds):
    """Return the log-odds that at least one of several independent statements holds.

    Parameters
    ----------
    log_odds : ndarray of shape (n_samples, n_statements)

    Returns
    -------
    log_odds : ndarray of shape (n_samples,)

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.special import expit, logit
    >>> from merit_sk.estimators._calibration import union_log_odds
    >>> float(expit(union_log_odds(logit([[0.5, 0.2]])))[0].round(3))
    0.6
    """
    if log_odds.shape[1] == 1:
        return log_odds[:, 0]
    rows = np.ascontiguousarray(log_odds)  # of columns that are not, sums round by their number
    none = np.logaddexp(0, rows).sum(axis=1)  # minus the logarithm of its probability
    return none + np.log(-np.expm1(-none))


def _rounded(numbers):
    return [float(f"{number:.5g}") for number in numbers]
