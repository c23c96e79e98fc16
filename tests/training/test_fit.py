"""``fit`` against a plain loop: its steps one by one, and its metrics worked out by hand.

The loop runs the layers in NumPy from the weights before each update: with the masks that dropout
is about to draw, and with the means and variances of the batch.
"""

import copy

import numpy as np
import pytest

import symdl as sd
from symdl.catalog import losses
from symdl.errors import InputError, Mismatch
from symdl.training import metrics
from symdl.training.progress import Reporter
from tests.backends.compiled_functions import needs_compiler

ROWS, WIDTH, BATCH, EPOCHS, SEED = 37, 4, 8, 2, 11
BACKENDS = ["numpy", "compiled"]


@pytest.fixture(params=BACKENDS)
def backend(request):
    if request.param == "compiled":
        needs_compiler()
    return request.param


def made(layers, loss, *, metric, backend, dtype="float64", optimizer=None):
    model = sd.Sequential([sd.Input(WIDTH), *layers])
    rng = np.random.default_rng(5)
    model.set_weights([a + rng.normal(size=a.shape) * 0.1 for a in model.get_weights()])
    model.compile(optimizer or sd.SGD(0.1), loss, metrics=metric, backend=backend, dtype=dtype)
    return model


def inputs(dtype="float64"):
    return np.random.default_rng(1).normal(size=(ROWS, WIDTH)).astype(dtype)


def labels(classes=3):
    return np.random.default_rng(2).integers(0, classes, ROWS)


def in_batches(model, x, t, outputs, measures, **words):
    """The history and the weights of a plain loop over shuffled batches."""
    generator = np.random.default_rng(SEED)
    weighted = words.get("sample_weight")
    history = {"loss": [], **{name: [] for name in measures}}
    model.step.generator = generator
    for _ in range(EPOCHS):
        order = generator.permutation(ROWS)
        sums = dict.fromkeys(history, 0.0)
        for start in range(0, ROWS, BATCH):
            places = order[start : start + BATCH]
            p = outputs(model.get_weights(), x[places], copy.deepcopy(generator))
            for name, measure in measures.items():
                sums[name] += len(places) * measure(t[places], p)
            if weighted is not None:
                words["sample_weight"] = weighted[places]
            sums["loss"] += len(places) * model.train_on_batch(x[places], t[places], **words)
        for name, found in sums.items():
            history[name].append(found / ROWS)
    return history, model.get_weights()


def agrees(build, data, outputs, measures, *, backend, dtype="float64", **words):
    """Compare ``fit`` on a backend with the plain loop; return its history."""
    x, t = data
    plain, weights = in_batches(build("numpy"), x, t, outputs, measures, **words)
    model = build(backend)
    found = model.fit(x, t, epochs=EPOCHS, batch_size=BATCH, seed=SEED, verbose=0, **words)
    close = 1e-11 if dtype == "float64" else 1e-4
    assert list(found.history) == list(plain)
    for name, numbers in plain.items():
        np.testing.assert_allclose(found.history[name], numbers, rtol=close, err_msg=name)
    for a, b in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=close, atol=close)
    assert getattr(model.step, "backend", "numpy") == backend
    return found.history


def relu(z):
    return np.maximum(z, 0)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def dense(last=lambda z: z):
    def outputs(weights, x, generator):
        w, b, v, c = weights
        return last(relu(x @ w + b) @ v + c)

    return outputs


def net(units, last=None):
    return [sd.Dense(6, "relu"), sd.Dense(units, last)]


def same_class(t, p):
    return (p.argmax(axis=1) == t.argmax(axis=1)).mean()


def distance(t, p):
    return np.abs(p - t).mean()


def square(t, p):
    return ((p - t) ** 2).mean()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_classes(backend, dtype):
    t = np.eye(3)[labels()].astype(dtype)
    measures = {"accuracy": same_class, "mse": square, "mean_squared_error": square,
                "mae": distance}  # fmt: skip

    def build(backend):
        return made(net(3, "softmax"), "categorical_crossentropy", metric=list(measures),
                    backend=backend, dtype=dtype, optimizer=sd.Adam(0.05))  # fmt: skip

    found = agrees(
        build, (inputs(dtype), t), dense(softmax), measures, backend=backend, dtype=dtype
    )
    assert 0 < found["accuracy"][0] < 1


def test_labels(backend):
    def build(backend):
        return made(net(3, "softmax"), "sparse_categorical_crossentropy", metric=["acc"],
                    backend=backend)  # fmt: skip

    measures = {"acc": lambda t, p: (p.argmax(axis=1) == t).mean()}
    agrees(build, (inputs(), labels()), dense(softmax), measures, backend=backend)


@pytest.mark.parametrize(
    ("loss", "last", "low", "middle"),
    [
        ("binary_crossentropy", "sigmoid", 0, (0.5, 0.5)),
        ("binary_crossentropy_from_logits", "linear", 0, (0, 0.5)),
        ("hinge", "linear", -1, (0, 0)),
    ],
)
def test_sides(loss, last, low, middle, backend):
    def build(backend):
        return made(net(2, last), loss, metric=["accuracy"], backend=backend)

    def same_side(t, p):
        return ((p > middle[0]) == (t > middle[1])).mean()

    t = np.where(np.random.default_rng(3).random((ROWS, 2)) < 0.5, float(low), 1.0)
    outputs = dense(sigmoid if last == "sigmoid" else lambda z: z)
    agrees(build, (inputs(), t), outputs, {"accuracy": same_side}, backend=backend)


def test_metrics_count_every_row_alike_and_losses_by_weight(backend):
    def build(backend):
        return made(net(3, "softmax"), "categorical_crossentropy", metric=["accuracy", "mae"],
                    backend=backend)  # fmt: skip

    agrees(build, (inputs(), np.eye(3)[labels()]), dense(softmax),
           {"accuracy": same_class, "mae": distance}, backend=backend,
           sample_weight=np.random.default_rng(4).random(ROWS),
           class_weight={0: 2.0, 2: 0.5})  # fmt: skip


def test_metrics_see_the_masks_of_dropout(backend):
    rate = 0.4

    def build(backend):
        layers = [sd.Dense(6, "relu"), sd.Dropout(rate), sd.Dense(2)]
        return made(layers, "mse", metric=["mae"], backend=backend)

    def outputs(weights, x, generator):
        w, b, v, c = weights
        kept = generator.random((len(x), 6)) >= rate
        return relu(x @ w + b) * kept / (1 - rate) @ v + c

    t = np.random.default_rng(3).normal(size=(ROWS, 2))
    agrees(build, (inputs(), t), outputs, {"mae": distance}, backend=backend)


def test_metrics_see_the_statistics_of_the_batch(backend):
    def build(backend):
        layers = [sd.Dense(6), sd.BatchNormalization(epsilon=0.001), sd.Dense(2)]
        return made(layers, "mse", metric=["mse", "mae"], backend=backend)

    def outputs(weights, x, generator):
        w, b, gamma, beta, _, _, v, c = weights
        z = x @ w + b
        h = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + 0.001)
        return (gamma * h + beta) @ v + c

    t = np.random.default_rng(3).normal(size=(ROWS, 2))
    found = agrees(build, (inputs(), t), outputs, {"mse": square, "mae": distance}, backend=backend)
    np.testing.assert_allclose(found["mse"], found["loss"], rtol=1e-12)


def test_a_last_dropout_is_seen_too(backend):
    """The outputs of training are not those of prediction, under another name."""

    def build(backend):
        return made([sd.Dense(2), sd.Dropout(0.5)], "mse", metric=["mae"], backend=backend)

    def outputs(weights, x, generator):
        w, b = weights
        return (x @ w + b) * (generator.random((len(x), 2)) >= 0.5) * 2

    t = np.random.default_rng(3).normal(size=(ROWS, 2))
    agrees(build, (inputs(), t), outputs, {"mae": distance}, backend=backend)
    model = build(backend)
    w, b = model.get_weights()
    assert model.evaluate(inputs(), t)[1] == pytest.approx(distance(t, inputs() @ w + b))


def test_validation_is_done_in_prediction_after_the_epoch(backend):
    layers = [sd.Dense(6, "relu"), sd.Dropout(0.4), sd.Dense(3, "softmax")]
    model = made(layers, "categorical_crossentropy", metric=["accuracy"], backend=backend)
    x, t = inputs(), np.eye(3)[labels()]
    found = model.fit(x, t, epochs=1, batch_size=BATCH, validation_data=(x, t), verbose=0)
    assert list(found.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    p = model.predict(x)
    assert found.history["val_accuracy"] == [pytest.approx(same_class(t, p))]
    assert found.history["val_loss"] == [pytest.approx(-np.log(p[t == 1]).mean())]


def test_the_first_of_equal_outputs_is_meant(backend):
    """All outputs are equal before the first step; in plain floats, in arrays and compiled."""
    for rows, dtype in ((1, "float64"), (8, "float32")):
        model = sd.Sequential([sd.Input(2), sd.Dense(3, "sigmoid", use_bias=False)])
        model.set_weights([np.zeros((2, 3))])
        model.compile("sgd", "mse", metrics=["accuracy"], backend=backend, dtype=dtype)
        for column in range(3):
            t = np.zeros((rows, 3))
            t[:, column] = 1
            found = model.fit(np.zeros((rows, 2)), t, verbose=0).history["accuracy"]
            assert found == [float(column == 0)]


@pytest.mark.parametrize("rows", [1, 3])
def test_steps_in_plain_floats_leave_the_metrics_of_arrays(rows):
    """One network runs in plain floats for a few rows, and in arrays as float32."""
    rng = np.random.default_rng(6)
    x, t = rng.normal(size=(rows, 2)), rng.random((rows, 2))
    left = {}
    for dtype in ("float64", "float32"):
        model = sd.Sequential([sd.Input(2), sd.Dense(2, "tanh"), sd.Dense(2)])
        model.set_weights([a + 0.25 for a in model.get_weights()])
        model.compile("sgd", "mse", metrics=["accuracy", "mae"], dtype=dtype)
        model.train_on_batch(x, t)
        left[dtype] = model.step.metrics
        assert ("scalar_step" in model.step.source) == (dtype == "float64")
    np.testing.assert_allclose(left["float32"], left["float64"], rtol=1e-5)


def test_a_metric_follows_its_formula(monkeypatch):
    """Nothing but the formula says what a metric is."""
    monkeypatch.setitem(metrics.METRICS, "mae", losses.MSE)
    model = made(net(2), "mse", metric=["mae", "mse"], backend="numpy")
    found = model.fit(inputs(), np.ones((ROWS, 2)), verbose=0).history
    assert found["mae"] == found["mse"]


def test_same_seed_same_bits(backend):
    def run():
        layers = [sd.Dense(6, "relu"), sd.Dropout(0.4), sd.Dense(3, "softmax")]
        model = made(layers, "categorical_crossentropy", metric=["accuracy"], backend=backend)
        found = model.fit(inputs(), np.eye(3)[labels()], epochs=3, batch_size=BATCH, verbose=0)
        return found.history, model.get_weights()

    (one, first), (two, second) = run(), run()
    assert one == two
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


class Interrupting(Reporter):
    """Presses Ctrl-C after some batches."""

    def __init__(self, after):
        self.after, self.done = after, 0

    def batch_done(self, done, loss):
        self.done = done
        if done >= self.after:
            raise KeyboardInterrupt


def test_an_interrupt_leaves_the_weights_of_the_steps_so_far(backend, monkeypatch):
    reporter = Interrupting(3)
    monkeypatch.setattr("symdl.training.progress.reporter", lambda *_: reporter)
    x, t = inputs(), np.ones((ROWS, 2))
    model = made(net(2), "mse", metric=["mae"], backend=backend)
    other = made(net(2), "mse", metric=["mae"], backend="numpy")
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, t, batch_size=4, shuffle=False)
    assert reporter.done == 3 or (backend == "compiled" and reporter.done > 3)
    for start in range(0, 4 * reporter.done, 4):
        other.train_on_batch(x[start : start + 4], t[start : start + 4])
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    reporter.after = 100
    first, *_, last = model.fit(x, t, epochs=20, batch_size=4).history["loss"]
    assert last < first


def test_bound_steps_are_the_steps():
    model = made(net(2), "mse", metric=["mae"], backend="numpy")
    other = made(net(2), "mse", metric=["mae"], backend="numpy")
    x, t = inputs(), np.ones((ROWS, 2))
    take = model.step.steps_on(x, t)
    for _ in range(3):
        assert take(x, t) == other.train_on_batch(x, t)
    model.compile(None, "mse")
    with pytest.raises(InputError, match="no optimizer"):
        model.step.steps_on(x, t)


def test_room_for_the_metrics_of_an_epoch_is_checked():
    needs_compiler()
    model = made(net(2), "mse", metric=["mae"], backend="compiled")
    x, t = inputs(), np.ones((ROWS, 2))
    kept = np.empty((5, 1))
    model.step.epoch(x, t, batch=8, metrics=kept)
    assert (kept > 0).all()
    for wrong in (np.empty((5, 2)), np.empty((4, 1)), np.empty((5, 1), np.float32)):
        with pytest.raises(Mismatch, match="metrics must be an array"):
            model.step.epoch(x, t, batch=8, metrics=wrong)
