"""Models that are written to files, run where symdl is not, and compared with symdl's own step."""

import subprocess

import numpy as np

import symdl as sd
from symdl.training.sequential import Sequential

LAYERS = "5:relu,4:tanh,3:softmax"
STEPS, ROWS, BATCH = 10, 35, 8
TOLERANCE = {"float64": 1e-12, "float32": 2e-5}


# ------------------------------------------------------------------------ in a bare environment


ABSENT = """
import sys
sys.path.insert(0, {folder!r})
for name in ("symdl", "sympy"):
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise SystemExit(name + " is there")
import numpy as np
given = np.load({data!r})
x, t = given["x"], given["t"]
"""
TRAIN = """
from step import Step, load_weights
step = Step(load_weights({model!r}))
losses = [step(x, t) for _ in range(10)]
"""
CHANGE = """
from step import Step, load_weights
step = Step(load_weights({model!r}))
losses = [step(x, t) for _ in range(4)]
step.hyper.update(learning_rate=0.03, beta_1=0.5)
losses += [step(x, t) for _ in range(4)]
"""
EPOCH = """
from step import Step, load_weights
step = Step(load_weights({model!r}))
losses = step.epoch(x, t, batch=8, order=given["order"])
"""
KEEP = """
held = getattr(step, "statistics", {{}}) | step.parameters
kept = {{"evaluate": step.evaluate(x, t), "forward": step.forward(x), **held}}
np.savez({out!r}, losses=losses, **kept)
"""


def run_bare(bare, folder, program, **words):
    """Run a program in the bare environment, and return the arrays that it keeps."""
    places = {"folder": folder, "data": folder / "data.npz", "model": folder / "model.npz"}
    places |= {"out": folder / "out.npz", **words}
    text = (ABSENT + program + KEEP).format(**{k: str(v) for k, v in places.items()})
    command = [bare, "-I", "-W", "error", "-c", text]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "out.npz") as arrays:
        return dict(arrays)


# --------------------------------------------------------------------- the models, and by symdl


def plain():
    return [sd.Dense(6, "relu"), sd.Dense(3, "softmax")], sd.Adam(0.01), "categorical_crossentropy"


def noisy():
    layers = [
        sd.Dense(6, "tanh"),
        sd.BatchNormalization(),
        sd.Dropout(0.3),
        sd.GaussianNoise(0.1),
        sd.Dense(3, "softmax"),
    ]
    return layers, sd.Adam(0.01), "categorical_crossentropy"


def labelled():
    layers = [sd.Dense(6, "sigmoid", kernel_regularizer="l2"), sd.Dense(3, "softmax")]
    return layers, sd.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy"


def bounded():
    layers = [sd.Dense(6, "relu", kernel_constraint="max_norm"), sd.Dense(3)]
    return layers, sd.RMSprop(0.01, clipvalue=0.01), "mse"


def joined():
    return [sd.Dense(3, "softplus")], sd.SGD(0.1, clipnorm=0.05), "huber"


MODELS = {"plain": plain, "noisy": noisy, "labelled": labelled, "bounded": bounded}


def saved(folder, made, dtype, seed=3):
    """A model of four columns in a file, and data of its kind beside it."""
    layers, optimizer, loss = made()
    model = Sequential([sd.Input(4), *layers], seed=seed)
    model.compile(optimizer, loss, dtype=dtype, metrics=["accuracy"] if "cross" in loss else [])
    model.save(folder / "model.npz")
    rng = np.random.default_rng(5)
    labels = rng.integers(3, size=ROWS)
    given = {"x": rng.standard_normal((ROWS, 4)), "order": rng.permutation(ROWS)}
    given["t"] = labels if loss.startswith("sparse") else np.eye(3)[labels]
    np.savez(folder / "data.npz", **given)
    return given


def by_symdl(folder, rows=None):
    """What symdl's own step makes of the same model and data."""
    model = Sequential.load(folder / "model.npz")
    with np.load(folder / "data.npz") as given:
        x, t, order = given["x"], given["t"], given["order"]
    step = model.step
    batches = [np.arange(ROWS)] * STEPS
    if rows is not None:
        batches = [order[k : k + rows] for k in range(0, ROWS, rows)]
    losses = [step(x[rows], t[rows]) for rows in batches]
    held = {**step.parameters, **step.statistics}
    return {"losses": losses, "evaluate": step.evaluate(x, t), "forward": step.forward(x), **held}


def by_symdl_with_a_change(folder):
    model = Sequential.load(folder / "model.npz")
    with np.load(folder / "data.npz") as given:
        x, t = given["x"], given["t"]
    step = model.step
    losses = [step(x, t) for _ in range(4)]
    step.hyper.update(learning_rate=0.03, beta_1=0.5)
    losses += [step(x, t) for _ in range(4)]
    held = {"losses": losses, **step.parameters}
    return {**held, "evaluate": step.evaluate(x, t), "forward": step.forward(x)}


def assert_same(found, expected, dtype):
    assert found.keys() == expected.keys()
    tolerance = TOLERANCE[dtype]
    for name, value in expected.items():
        if name not in ("losses", "evaluate"):
            assert found[name].dtype == dtype
        np.testing.assert_allclose(found[name], value, rtol=tolerance, atol=tolerance, err_msg=name)
