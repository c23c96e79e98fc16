"""Long vectors are updated piece by piece, which must not change a bit of the result."""

import numpy as np
import pytest

from symdl.backends.module import load
from symdl.backends.numpy_source import module_source
from symdl.backends.numpy_update import LONG, PIECE, state_names, write_update
from symdl.catalog import optimizers
from symdl.program.update import lower_update

SIZE = 2 * PIECE + 3  # the last piece is shorter


def updated(formula, elements, steps=3):
    """The weights and states after some steps of the update that was written for so many."""
    update = lower_update(formula)
    source = module_source("Generated from:", [], [write_update(update, elements)])
    vectors, hyper, count = state_names(update)
    rng = np.random.default_rng(0)
    weights = rng.normal(size=SIZE).astype("float32")
    state = {name: np.zeros_like(weights) for name in vectors}
    state |= {count: 0, "units": (1.0,) * len(vectors)}
    gradient = np.empty_like(weights)
    words = dict(zip(hyper, (float(v) for _, v in formula.hyper), strict=True))
    step = load(source)["make_update"](weights, gradient, state, words)
    for _ in range(steps):
        gradient[...] = rng.normal(size=SIZE)
        step()
    return source, [weights, *(state[name] for name in vectors)]


@pytest.mark.parametrize("formula", optimizers.ALL, ids=lambda f: f.name)
def test_pieces_give_the_same_bits(formula):
    whole, expected = updated(formula, LONG - 1)
    pieces, found = updated(formula, LONG)
    assert "= pieces(" not in whole
    assert "= pieces(" in pieces
    for one, other in zip(found, expected, strict=True):
        assert one.tobytes() == other.tobytes()
