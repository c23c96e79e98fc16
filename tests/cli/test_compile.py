"""The files that ``symdl compile`` writes for NumPy, run where neither symdl nor SymPy is."""

import re
import subprocess
import sys

import numpy as np
import pytest

import symdl as sd
from symdl.book.compiling import Options, written
from symdl.book.step_file import step_file
from symdl.training.sequential import Sequential
from tests.cli.written_files import (
    LAYERS,
    MODELS,
    TRAIN,
    assert_same,
    bounded,
    by_symdl,
    joined,
    labelled,
    noisy,
    plain,
    run_bare,
    saved,
)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("made", MODELS.values(), ids=MODELS)
def test_the_numpy_file_trains_as_symdl_does(symdl, bare, tmp_path, made, dtype):
    saved(tmp_path, made, dtype)
    status, out, err = symdl("compile", tmp_path / "model.npz", "-o", tmp_path / "step.py")
    assert (status, out) == (0, "")
    assert err == f"written: {tmp_path / 'step.py'}\n"
    assert_same(run_bare(bare, tmp_path, TRAIN), by_symdl(tmp_path), dtype)


def test_all_gradients_may_be_clipped_together(symdl, bare, tmp_path):
    saved(tmp_path, joined, "float64")
    symdl("compile", tmp_path / "model.npz", "-o", tmp_path / "step.py")
    assert_same(run_bare(bare, tmp_path, TRAIN), by_symdl(tmp_path), "float64")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("subtract(parameters, gradient, out", "add(parameters, gradient, out"),
        ('"beta_2": 0.999', '"beta_2": 0.99'),
        ("greater(dense_1_h, zero", "less(dense_1_h, zero"),
    ],
)  # fmt: skip
def test_an_error_in_the_file_is_seen(symdl, bare, tmp_path, right, wrong):
    saved(tmp_path, plain, "float64")
    file = tmp_path / "step.py"
    symdl("compile", tmp_path / "model.npz", "-o", file)
    text = file.read_text()
    assert right in text
    file.write_text(text.replace(right, wrong).replace("import (\n", "import (\n    less,\n", 1))
    with pytest.raises(AssertionError):
        assert_same(run_bare(bare, tmp_path, TRAIN), by_symdl(tmp_path), "float64")


DIFFERENCES = """
from step import Step
step, h = Step(), 1e-6
_, found = step.gradients(x, t)
found = {{name: g.copy() for name, g in found.items()}}
along = {{name: g / np.linalg.norm(g) for name, g in found.items()}}
sides = []
for sign in (1, -1):
    for name, w in step.parameters.items():
        w += sign * h * along[name]
    sides.append(step.gradients(x, t)[0])
    for name, w in step.parameters.items():
        w -= sign * h * along[name]
slope = sum((found[name] * along[name]).sum() for name in found)
losses = np.array([(sides[0] - sides[1]) / (2 * h), slope])
"""


def test_its_gradients_are_those_that_differences_give(symdl, bare, tmp_path):
    saved(tmp_path, labelled, "float64")
    symdl("compile", tmp_path / "model.npz", "-o", tmp_path / "step.py")
    difference, slope = run_bare(bare, tmp_path, DIFFERENCES)["losses"]
    assert slope > 0.1
    assert difference == pytest.approx(slope, rel=1e-7)


def described(symdl, file, *more):
    """A file written from words, and the text of it."""
    status, _, err = symdl("compile", "--layers", LAYERS, "--columns", 4, *more, "-o", file)
    assert status == 0, err
    return file.read_text()


def test_a_file_runs_by_itself(symdl, bare, tmp_path):
    described(symdl, tmp_path / "step.py")
    done = subprocess.run(
        [bare, "-I", "-W", "error", tmp_path / "step.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    losses = [float(line.rpartition(" ")[2]) for line in done.stdout.splitlines()]
    assert len(losses) == 10
    assert losses == sorted(losses, reverse=True)


def test_the_text_goes_to_the_terminal_or_to_a_file(symdl, tmp_path):
    text = described(symdl, tmp_path / "step.py")
    words = ["compile", "--layers", LAYERS, "--columns", 4]
    status, out, err = symdl(*words)
    assert (status, err) == (0, "")
    assert out == text


KERNELS = (
    "he_uniform", "glorot_normal", "lecun_uniform", "random_normal(stddev=0.2)",
    "random_uniform", "orthogonal(gain=2)", "constant(value=0.25)", "zeros",
)  # fmt: skip


def test_weights_are_drawn_as_the_model_draws_them():
    layers = [sd.Dense(5, kernel_initializer=kernel) for kernel in KERNELS]
    model = Sequential([sd.Input(4), *layers, sd.BatchNormalization(), sd.PReLU()], seed=7)
    model.compile("sgd", "mse")
    names = {"__name__": "step"}
    exec(step_file(model), names)
    drawn = names["initial_weights"]()
    fresh = dict(zip(drawn, model.get_weights(), strict=True))
    for name, w in fresh.items():
        np.testing.assert_allclose(drawn[name], w, rtol=1e-15, atol=1e-15, err_msg=name)
    assert not np.array_equal(names["initial_weights"](8)["dense_1.W"], drawn["dense_1.W"])


def test_what_does_not_fit_is_refused(symdl, tmp_path):
    names = {"__name__": "step"}
    exec(described(symdl, tmp_path / "step.py"), names)
    step, x, t = names["Step"](), np.zeros((2, 4)), np.full((2, 3), 1 / 3)
    for given, saying in [
        ((x[:, 1:], t), r"x has the shape \(2, 3\), but \(2, 4\)"),
        ((x, t[:1]), r"t has the shape \(1, 3\), but \(2, 3\)"),
    ]:
        with pytest.raises(ValueError, match=saying):
            step(*given)
    more = ["--loss", "sparse_categorical_crossentropy"]
    exec(described(symdl, tmp_path / "step.py", *more), names)
    with pytest.raises(ValueError, match="t holds labels from 0 to 2"):
        names["Step"]()(x, [0, 3])


def test_a_model_with_metrics_keeps_them(tmp_path):
    given = saved(tmp_path, plain, "float64")
    model = Sequential.load(tmp_path / "model.npz")
    names = {"__name__": "step"}
    exec(step_file(model), names)
    step = names["Step"]()
    assert step(given["x"], given["t"]) == model.step(given["x"], given["t"])
    np.testing.assert_array_equal(step.metrics, model.step.metrics)


@pytest.mark.parametrize("made", [noisy, bounded])
def test_comments_carry_every_formula(tmp_path, made):
    saved(tmp_path, made, "float64")
    (text,) = written(Options(tmp_path / "model.npz")).values()
    model = Sequential.load(tmp_path / "model.npz")
    model.compile(model.setup.optimizer, model.setup.loss)  # without metrics, which need no file
    unbroken = re.sub(r"\n#         ", " ", text)
    for formula in model.step.build.formulas:
        assert f"#     {formula}\n" in unbroken


@pytest.mark.parametrize("made", MODELS.values(), ids=MODELS)
def test_it_is_clean_and_readable(tmp_path, made):
    saved(tmp_path, made, "float32")
    (text,) = written(Options(tmp_path / "model.npz")).values()
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=E4,E7,E9,F,B006", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    code = [line for line in text.splitlines() if "#" not in line]
    assert max(map(len, code)) < 120


# ---------------------------------------------------------------------------------- mistakes


@pytest.fixture
def refused(symdl, tmp_path):
    def check(*arguments, saying):
        before = {p: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
        status, out, err = symdl("compile", *arguments)
        assert (status, out) == (2, "")
        assert err.startswith("symdl: ")
        assert err.count("\n") == 1
        assert re.search(saying, err), err
        assert {p: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before

    return check


WORDS = ("--layers", LAYERS, "--columns", 4)


@pytest.mark.parametrize(
    ("words", "saying"),
    [
        ([], "name a model that was saved"),
        (["--layers", LAYERS], "--columns"),
        (["--layers", "8:rleu", "--columns", 4], "did you mean 'relu'"),
        (["--layers", LAYERS, "--columns", 0], "--columns must be"),
        ([*WORDS, "--backend", "cuda"], "'cuda'; there is: numpy, compiled"),
        ([*WORDS, "--dtype", "float16"], "--dtype 'float16'"),
        ([*WORDS, "--loss", "mes"], "did you mean 'mse'"),
        ([*WORDS, "--loss", "bce"], "softmax"),
        ([*WORDS, "--optimizer", "adan"], "did you mean 'adam'"),
        ([*WORDS, "--driver", "step.py"], "beside C code"),
        ([*WORDS, "--backend", "compiled", "--driver", "step.py"], "beside C code"),
    ],
)
def test_words_that_do_not_fit(refused, words, saying):
    refused(*words, saying=saying)


def test_models_that_cannot_be_written(refused, tmp_path):
    model = Sequential([sd.Input(4), sd.Dense(1)])
    model.save(tmp_path / "raw.npz")
    refused(tmp_path / "raw.npz", saying=r"raw.npz: .*without loss.*--loss mse")
    refused(tmp_path / "raw.npz", "--loss", "mse", saying="without optimizer.*--optimizer adam")
    refused(tmp_path / "raw.npz", *WORDS, saying="is a model: leave --layers")
    model.compile(None, "mse")
    model.save(tmp_path / "forward.npz")
    refused(tmp_path / "forward.npz", saying="without optimizer")
    refused(tmp_path / "absent.npz", saying="absent.npz: No such file")
    refused(tmp_path, saying="directory")
    np.savez(tmp_path / "other.npz", x=np.ones(3))
    refused(tmp_path / "other.npz", saying="no model in this file")
    (tmp_path / "text.npz").write_text("no model")
    refused(tmp_path / "text.npz", saying="not a model written by save")


def test_outputs_that_cannot_be_written(refused, tmp_path):
    step = tmp_path / "step.py"
    step.write_text("old")
    refused(*WORDS, "-o", tmp_path / "away" / "step.py", saying="no folder")
    refused(*WORDS, "-o", tmp_path, saying="a name such as step.py")
    refused(*WORDS, "-o", tmp_path / "my-step.py", saying="a name such as step.py")
    refused(*WORDS, "-o", tmp_path / "step.c", saying="--backend numpy is a file with a name such")
    refused(*WORDS, "--backend", "compiled", "-o", step, saying="a name such as step.c")
    c = ["--backend", "compiled", "-o", tmp_path / "step.c"]
    refused(*WORDS, *c, "--driver", tmp_path / "away" / "step.py", saying="beside C code")
    refused(*WORDS, *c, "--driver", tmp_path / "step.txt", saying="a name such as step.py")
    refused(*WORDS, "--loss", "mes", "-o", step, saying="mse")
    (tmp_path / "folder.py").mkdir()
    refused(*WORDS, "-o", tmp_path / "folder.py", saying="is a folder")


@pytest.mark.parametrize(("made", "what"), [(bounded, "clipping"), (joined, "clipping")])
def test_what_c_has_not_is_said(refused, tmp_path, made, what):
    saved(tmp_path, made, "float64")
    c = ["--backend", "compiled", "-o", tmp_path / "step.c"]
    refused(tmp_path / "model.npz", *c, saying=f"{what}.*--backend numpy")
