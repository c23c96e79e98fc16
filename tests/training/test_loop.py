"""Rows come in the shuffled order, however few of them are gathered or trained on at a time."""

import numpy as np
import pytest

import symdl as sd
from symdl.training import epochs
from symdl.training.progress import Reporter

ROWS, WIDTH, BATCH = 50, 3, 8


def data():
    rng = np.random.default_rng(4)
    return rng.normal(size=(ROWS, WIDTH)), rng.normal(size=(ROWS, 2))


def model(metrics=("mae",)):
    made = sd.Sequential([sd.Input(WIDTH), sd.Dense(4, activation="tanh"), sd.Dense(2)])
    rng = np.random.default_rng(5)
    made.set_weights([rng.normal(size=a.shape) for a in made.get_weights()])
    made.compile(optimizer=sd.SGD(0.05, momentum=0.9), loss="mse", metrics=metrics)
    return made


@pytest.mark.parametrize("near", [1, 500, 2**18])
@pytest.mark.parametrize("shuffle", [True, False])
def test_fit_takes_the_steps_of_its_shuffled_batches(near, shuffle, monkeypatch):
    monkeypatch.setattr(epochs, "_NEAR", near)
    x, y = data()
    fitted, by_hand = model(), model()
    found = fitted.fit(x, y, epochs=2, batch_size=BATCH, seed=7, shuffle=shuffle, verbose=0)
    generator = np.random.default_rng(7)
    for epoch in range(2):
        order = generator.permutation(ROWS) if shuffle else np.arange(ROWS)
        losses, distance = [], 0.0
        for start in range(0, ROWS, BATCH):
            places = order[start : start + BATCH]
            distance += np.abs(by_hand.predict(x[places]) - y[places]).sum()
            losses.append(len(places) * by_hand.train_on_batch(x[places], y[places]))
        assert found.history["loss"][epoch] == pytest.approx(sum(losses) / ROWS, rel=1e-14)
        assert found.history["mae"][epoch] == pytest.approx(distance / (2 * ROWS), rel=1e-14)
    for a, b in zip(fitted.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


class Counted(Reporter):
    """Keeps what it is told."""

    def __init__(self):
        self.told = []

    def batch_done(self, done, loss):
        self.told.append((done, loss))


class Seen:
    """A step that keeps copies of what it is given."""

    dtype, metrics = np.dtype(np.float64), np.zeros(0)

    def __init__(self):
        self.batches = []

    def steps_on(self, *given):
        def take(*arrays):
            assert [a.shape for a in arrays] == [a.shape for a in given]
            self.batches.append([a.copy() for a in arrays])
            return 0.0

        return take


@pytest.mark.parametrize("near", [1, 500, 2**18])
@pytest.mark.parametrize("rows", [5, 48, ROWS])
def test_each_batch_holds_its_rows(near, rows, monkeypatch):
    monkeypatch.setattr(epochs, "_NEAR", near)
    given = [a[:rows] for a in data()]
    step, order = Seen(), np.random.default_rng(1).permutation(rows)
    steps = epochs.OneByOne(step, tuple(given), BATCH)
    for places in (order, None, order):  # always in the same memory
        step.batches.clear()
        steps.run(places, Reporter())
        assert [len(x) for x, _ in step.batches] == list(steps.found.rows)
        for found, right in zip(zip(*step.batches, strict=True), given, strict=True):
            expected = right if places is None else right[places]
            np.testing.assert_array_equal(np.concatenate(found), expected)


def test_the_reporter_hears_of_each_batch_and_its_loss():
    reporter, trained = Counted(), model()
    steps = epochs.OneByOne(trained.step, data(), BATCH)
    steps.run(None, reporter)
    assert reporter.told == list(enumerate(steps.found.losses, 1))


class Slow:
    """A step whose epochs take so long a step, by a clock that it moves itself."""

    dtype, metrics = np.dtype(np.float64), np.zeros(1)

    def __init__(self, seconds):
        self.seconds, self.now, self.calls = seconds, 0.0, []

    def perf_counter(self):
        return self.now

    def epoch(self, *given, batch, order, metrics):
        count = len(metrics)
        self.now += count * self.seconds
        self.calls.append(count)
        metrics[:, 0] = order[::batch]
        return np.asarray(order[::batch], float)


@pytest.mark.parametrize(
    ("seconds", "first", "later"), [(1e-6, [1, 8, 64, 512, 415], [1000]), (0.2, [1] * 5, [1] * 5)]
)
def test_calls_take_as_many_steps_as_last_a_moment(seconds, first, later, monkeypatch):
    step, reporter = Slow(seconds), Counted()
    monkeypatch.setattr(epochs, "time", step)
    rows = 3 * sum(first)
    steps = epochs.ManyInACall(step, (np.zeros((rows, 2)),), 3)
    steps.run(np.arange(rows), reporter)
    assert step.calls == first
    assert [done for done, _ in reporter.told] == list(np.cumsum(first))
    np.testing.assert_array_equal(steps.found.losses, np.arange(0, rows, 3))
    np.testing.assert_array_equal(steps.found.metrics[:, 0], np.arange(0, rows, 3))
    steps.run(np.arange(rows), reporter)
    assert step.calls[len(first) :] == later


def test_means_count_each_batch_by_its_rows():
    found = epochs.Batches(np.array([3, 1]), np.array([2.0, 6.0]), np.array([[1.0, 0], [0, 4]]))
    assert found.means() == [0.75, 1.0]
