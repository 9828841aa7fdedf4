"""Prints kTanhTable of kernels/cpu/tanh.hpp: tanh(centre + t) as a polynomial in t around every multiple of kSpacing.

The largest relative error over a piece is made small (Lawson's reweighted least squares); coefficients are rounded to
float from the lowest on, those above fitted anew after each, so that they make up for its rounding. Needs NumPy.
"""
import textwrap

import numpy as np

SPACING, PIECES, DEGREE = 37 / 128, 32, 5


def fit(columns, wanted, weight):
    share = np.full(len(wanted), 1 / len(wanted))
    best, least = None, np.inf
    for _ in range(400):
        root = np.sqrt(share) * weight
        x = np.linalg.lstsq(columns * root[:, None], wanted * root, rcond=None)[0]
        error = np.abs(weight * (columns @ x - wanted))
        if error.max() < least:
            best, least = x, error.max()
        share *= error + 1e-30
        share /= share.sum()
    return best


def piece(k):
    centre, reach = k * SPACING, SPACING / 2
    low = 0 if k == 0 else -reach  # only magnitudes are looked up
    t = (low + reach) / 2 - (reach - low) / 2 * np.cos(np.pi * np.arange(1, 601) / 600)
    wanted = np.tanh(centre + t)
    found = [np.float32(np.tanh(centre))]
    for degree in range(1, DEGREE + 1):
        rest = wanted - sum(np.float64(c) * t**d for d, c in enumerate(found))
        columns = np.stack([(t / reach) ** d for d in range(degree, DEGREE + 1)], 1)
        found.append(np.float32(fit(columns, rest, 1 / wanted)[0] / reach**degree))
    return found


def literal(number):
    text = f"{number:.9g}"
    return text + ("f" if "." in text or "e" in text else ".0f")


for row in np.transpose([piece(k) for k in range(PIECES)]):
    body = "{" + ", ".join(literal(number) for number in row) + "},"
    print(textwrap.fill(body, 118, initial_indent="    ", subsequent_indent="     "))
