"""How near two implementations must be, and random shapes and numbers to compare them at."""

import numpy as np

SEEDS = range(6)
RELATIVE = 1e-9


def close(found, wanted, relative=RELATIVE):
    """Assert agreement, element by element; next to 0 beside the largest element."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype == np.float64
    floor = 1e-3 * relative * np.abs(wanted).max(initial=0)
    np.testing.assert_allclose(found, wanted, rtol=relative, atol=floor)


def shape(rng, axes):
    """A random shape of so many axes."""
    return tuple(int(n) for n in rng.integers(1, 9, axes))


def numbers(rng, shape):
    """Normal numbers of a random scale from 0.1 to 10; none of them lies on a kink."""
    return rng.standard_normal(shape) * 10 ** rng.uniform(-1, 1)
