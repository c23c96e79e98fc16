"""Rows come in the shuffled order, however few of them are gathered at a time."""

import numpy as np
import pytest

import symdl as sd
from symdl.training import loop

ROWS, WIDTH, BATCH = 50, 3, 8


def data():
    rng = np.random.default_rng(4)
    return rng.normal(size=(ROWS, WIDTH)), rng.normal(size=(ROWS, 2))


def model():
    made = sd.Sequential([sd.Input(WIDTH), sd.Dense(4, activation="tanh"), sd.Dense(2)])
    rng = np.random.default_rng(5)
    made.set_weights([rng.normal(size=a.shape) for a in made.get_weights()])
    made.compile(optimizer=sd.SGD(0.05, momentum=0.9), loss="mse", metrics=["mae"])
    return made


@pytest.mark.parametrize("near", [1, 500, 2**18])
@pytest.mark.parametrize("shuffle", [True, False])
def test_fit_takes_the_steps_of_its_shuffled_batches(near, shuffle, monkeypatch):
    monkeypatch.setattr(loop, "_NEAR", near)
    x, y = data()
    fitted, by_hand = model(), model()
    found = fitted.fit(x, y, epochs=2, batch_size=BATCH, seed=7, shuffle=shuffle, verbose=0)
    generator = np.random.default_rng(7)
    for epoch in range(2):
        order = generator.permutation(ROWS) if shuffle else np.arange(ROWS)
        losses = []
        for start in range(0, ROWS, BATCH):
            places = order[start : start + BATCH]
            losses.append(len(places) * by_hand.train_on_batch(x[places], y[places]))
        assert found.history["loss"][epoch] == pytest.approx(sum(losses) / ROWS, rel=1e-14)
    for a, b in zip(fitted.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert found.history["mae"][-1] == pytest.approx(np.abs(fitted.predict(x) - y).mean())


def test_gathered_parts_are_whole_batches():
    x, y = data()
    order = np.random.default_rng(1).permutation(ROWS)
    parts = [(a.copy(), b.copy()) for a, b in loop._gathered((x, y), order, BATCH)]
    assert all(len(a) % BATCH == 0 for a, _ in parts[:-1])
    np.testing.assert_array_equal(np.concatenate([a for a, _ in parts]), x[order])
    np.testing.assert_array_equal(np.concatenate([b for _, b in parts]), y[order])
