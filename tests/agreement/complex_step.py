"""Gradients of plain NumPy functions by complex steps: no difference is taken, so nothing cancels.

Source: Squire, Trapp (1998), Using Complex Variables to Estimate Derivatives of Real Functions.
"""

import numpy as np

STEP = 1e-200


def gradients(f, arrays, up=1.0, **words):
    """For each array, the sum of ``up`` times the derivative of f(*arrays) for its elements."""
    found = []
    for place, array in enumerate(arrays):
        gradient = np.empty(array.shape)
        for k in np.ndindex(array.shape):
            moved = array.astype(complex)
            moved[k] += 1j * STEP
            value = f(*arrays[:place], moved, *arrays[place + 1 :], **words)
            gradient[k] = np.sum(up * np.imag(value) / STEP)
        found.append(gradient)
    return found


def larger(a, b):
    """The larger one by its real part."""
    return np.where(np.real(a) >= np.real(b), a, b)


def magnitude(x):
    """|x|, which stays on its side of 0."""
    return np.where(np.real(x) >= 0, x, -x)
