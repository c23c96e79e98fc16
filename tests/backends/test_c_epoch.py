"""The rows of a batch are those that the order names, whether they are brought together or not."""

import numpy as np
import pytest

import symdl as sd
from symdl.backends import c_epoch, compiled

ROWS, BATCH = 23, 5
ORDERS = {
    "shuffled": np.random.default_rng(0).permutation(ROWS),
    "as they lie": np.arange(ROWS),
    "backwards": np.arange(ROWS)[::-1],
    "some in a row": [*range(10, 15), 4, 3, 2, 1, 0, *range(18, 23), 9, 8, 7, 6, 5, 1, 2, 3],
    "the ends follow alone": [0, 9, 2, 3, 4, 5, 6, 17, 8, 9, 10, 11, 12, 20, 14, 7, 8, 9],
    "the same again": [3, 3, 3, 3, 3, 4, 4, 5, 6, 7],
}


@pytest.fixture(params=["known batch", "any batch", "two threads"])
def kind(request, monkeypatch):
    if request.param != "known batch":
        monkeypatch.setattr(compiled, "_SMALL", 0)
    if request.param == "two threads":
        monkeypatch.setattr(compiled, "_MUCH", 0)
        monkeypatch.setattr(compiled, "two_threads", lambda: True)


def trained(x, t, order=None):
    """Losses and weights of an epoch."""
    model = sd.Sequential([sd.Input(7), sd.Dense(12, activation="tanh"), sd.Dense(3)])
    model.compile("adam", "mse", backend="compiled")
    losses = model.step.epoch(x, t, batch=BATCH, order=order)
    assert model.step.backend == "compiled"
    return [losses, *model.get_weights()]


def data():
    rng = np.random.default_rng(1)
    return rng.normal(size=(ROWS, 7)), rng.normal(size=(ROWS, 3))


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize("name", ORDERS)
def test_an_order_is_the_rows_in_that_order(name):
    x, t = data()
    order = np.array(ORDERS[name])
    expected = trained(x[order], t[order])
    for found, right in zip(trained(x, t, order), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-14)


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize("name", ORDERS)
def test_rows_that_follow_at_the_ends_alone_would_be_found_out(name, monkeypatch):
    """The planted error: of the rows of a batch only the first and the last are looked at."""
    right = "for (long n = 1; n < rows; n++)"
    assert right in c_epoch._GATHER
    wrong = c_epoch._GATHER.replace(right, "for (long n = rows - 1; n < rows; n++)")
    monkeypatch.setattr(c_epoch, "_GATHER", wrong)
    x, t = data()
    order = np.array(ORDERS[name])
    found, expected = trained(x, t, order)[0], trained(x[order], t[order])[0]
    assert np.allclose(found, expected, rtol=1e-12) == (name != "the ends follow alone")
