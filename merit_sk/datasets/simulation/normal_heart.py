"""Dipole moments of normal hearts, and how they vary together in real recordings.

Fitted to the average beats of 152 normal PTB-XL recordings in sinus rhythm, by the procedure of
``benchmarks/fit_simulated_heart.py``: mean, and principal components times their standard
deviation. The mean of the atria was fitted again, by least squares to the P waves and PR segments
of the mean normal beat of folds 1 to 8, with a recovery of another course than they have here.
Figures only, no recordings.
"""

import numpy as np

# In microvolts, x y z for each of nine ventricular walls ; indented: right and left
# atrium, ST segment, first and second half of the T wave.
_FIGURES = """
-24 -59 157 235 207 -50 260 12 145 404 -192 -28 103 -64 80 315 470 -517 -203 -30 -438 -106 168
145 -9 -27 -104
  59 56 4 59 25 -88 -31 -26 44 223 91 188 271 158 111
12 -0 70 132 166 -2 288 124 -89 -162 82 -23 -44 -32 -12 -120 -87 -118 20 -66 219 -198 42 -43 22
20 59
  -2 1 -1 -3 0 1 -1 -1 8 24 29 31 -2 20 0
-40 -12 -18 -131 38 -56 73 -72 43 18 -26 33 -125 -9 -3 115 -3 67 108 1 204 105 5 -25 -13 2 25
  -1 -3 1 -2 -2 2 -4 1 -10 -36 -6 -35 -2 1 7
11 12 19 167 37 -39 -126 3 17 -81 -20 -19 -1 -12 -18 -85 -66 89 39 23 83 116 -33 10 -22 -7 -29
  1 0 -1 -0 -1 -2 -2 -1 -8 4 -6 -13 0 -11 5
-1 -21 -18 -67 -48 64 -74 -28 -7 -52 145 18 66 53 27 -42 -23 14 46 22 58 -64 -23 -49 -17 -10 2
  -1 1 -2 2 3 1 -3 -5 -11 -58 -11 -76 62 39 26
14 10 -16 9 -4 38 -42 -37 -4 -27 -109 10 -17 -18 75 -55 80 -55 80 -16 12 -44 6 -37 15 2 17
  0 -0 -0 0 -1 1 -1 1 -2 -46 -7 -19 -52 -12 -21
-10 6 8 27 -10 5 -19 49 -25 28 -37 -15 -23 -24 21 19 13 -38 -42 -46 20 26 13 28 18 1 29
  -0 -0 -1 0 1 2 -3 -1 -5 -69 -25 -43 108 42 59
12 15 -5 19 -21 -36 -26 28 76 -6 10 49 -58 -38 34 42 -58 -41 5 40 -9 -65 -6 24 -15 -12 -49
  -1 -1 2 -1 -2 2 -4 1 -9 -18 2 -12 -14 -4 21
-1 3 16 -11 21 -2 56 -31 10 -34 -43 6 -1 -1 -51 -28 -9 46 41 13 -66 -19 -13 -7 -15 -6 -47
  1 0 1 1 1 0 -6 -3 -3 -56 -22 4 45 16 41
1 9 17 23 12 60 -8 15 -53 23 2 23 -4 -6 26 45 3 7 71 4 -4 0 14 5 -37 -19 -33
  1 0 -1 -1 -2 -3 2 1 6 54 21 32 36 9 18
-41 1 -2 -18 14 26 15 45 43 -24 9 40 13 -9 58 -14 -18 17 -5 -39 -28 46 -19 -38 16 -7 15
  -0 0 -0 -1 -0 -0 -3 2 -1 -8 12 35 -13 2 24
21 6 -0 0 25 -81 -16 -24 -7 0 5 22 16 9 31 1 14 6 12 7 -13 -16 3 -20 24 9 31
  1 -1 0 -3 -1 -1 9 4 9 24 10 24 35 17 21
-31 0 -38 -16 -13 -7 13 -9 7 3 -28 -3 22 -23 22 -31 -22 24 2 -16 9 -22 -6 50 -14 -9 6
  1 -0 -1 1 -0 -1 -0 1 2 41 9 -24 20 0 -5
"""

_MEAN, *_COMPONENTS = np.array(_FIGURES.split(), float).reshape(13, 42) / 1000


def draw_moments(draws):
    """Draw the moments of normal hearts in mV.

    Returns
    -------
    walls, atria, st, t : ndarrays of shape (n, 9, 3), (n, 2, 3), (n, 3) and (n, 2, 3)
    """
    scores = draws.normal(0, 1, -2.5, 2.5, size=len(_COMPONENTS))
    moments = (_MEAN + scores @ np.array(_COMPONENTS)).reshape(-1, 14, 3)
    return moments[:, :9], moments[:, 9:11], moments[:, 11], moments[:, 12:]
