"""What is kept on disk: equal to what is derived anew, never stale, never trusted blindly."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp

import symdl as sd
from symdl.backends import c_library, folder, formula_key, kept
from symdl.backends.c_layout import layout_from
from symdl.backends.kept import Kept
from symdl.backends.outline import outline_from
from symdl.backends.sizes import size_data, size_from, size_number
from symdl.catalog import activations
from symdl.errors import InputError, NotSupported
from symdl.notation.indices import fresh, size_of
from symdl.notation.tensors import TensorSymbol
from symdl.training import compile as training
from tests.backends.compiled_functions import needs_compiler

BACKENDS = ["numpy", "compiled"]
MODELS = {
    "dense": (lambda: [sd.Dense(6, "tanh"), sd.Dense(6, "relu")], sd.Adam()),
    "dropout": (lambda: [sd.Dense(6, "relu"), sd.Dropout(0.3)], sd.SGD(0.1, momentum=0.9)),
    "batch": (lambda: [sd.Dense(6), sd.BatchNormalization()], sd.SGD(0.1)),
    "clipped": (lambda: [sd.Dense(6, "tanh")], sd.SGD(0.1, global_clipnorm=0.1)),
    "max norm": (
        lambda: [sd.Dense(6, "tanh", kernel_constraint=sd.MaxNorm(1.0))],
        sd.SGD(0.1),
    ),
}


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path, keeps_formulas):
    """An empty folder for what is kept."""
    found = tmp_path / "kept"
    monkeypatch.setenv("SYMDL_CACHE", str(found))
    return found


def entries(cache):
    return sorted(cache.glob("*.json"))


def made(name="dense", backend="numpy", optimizer=None, dtype="float64", widths=(5,)):
    """A model that is compiled, with weights that are always the same."""
    layers, usual = MODELS[name]
    if backend == "compiled":
        needs_compiler()
    model = sd.Sequential([sd.Input(widths[0]), *layers(), sd.Dense(3, "softmax")])
    rng = np.random.default_rng(5)
    model.set_weights([a + rng.normal(size=a.shape) * 0.01 for a in model.get_weights()])
    model.compile(optimizer or usual, "categorical_crossentropy", dtype=dtype, backend=backend)
    return model


def data(width=5):
    rng = np.random.default_rng(0)
    return rng.normal(size=(20, width)), np.eye(3)[rng.integers(0, 3, 20)]


def trained(model):
    """All that comes out of some epochs."""
    x, t = data(model.get_weights()[0].shape[0])
    found = model.fit(x, t, epochs=2, batch_size=8, seed=1, verbose=0).history["loss"]
    return [np.array(found), *model.get_weights(), model.predict(x)]


@pytest.fixture
def underived(monkeypatch):
    """Calls of this forbid that anything is derived, or compiled, from then on."""

    def forbidden(*args, **words):
        raise AssertionError("derived again")

    def forbid():
        for name in ("backpropagate", "lower_step"):
            monkeypatch.setattr(training, name, forbidden)

    return forbid


def derives(build):
    """Whether a model is derived anew."""
    with pytest.MonkeyPatch.context() as patch:
        found = []
        plain = training.backpropagate
        patch.setattr(training, "backpropagate", lambda *a, **k: found.append(a) or plain(*a, **k))
        build().step  # noqa: B018
    return bool(found)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", MODELS)
def test_what_is_kept_runs_bit_by_bit_as_what_is_derived(name, backend, underived):
    fresh_run = trained(made(name, backend))
    underived()
    again = made(name, backend)
    for one, two in zip(fresh_run, trained(again), strict=True):
        assert np.array_equal(one, two)
    assert getattr(again.step, "backend", "numpy") == backend


@pytest.mark.parametrize("backend", BACKENDS)
def test_weighted_rows_are_kept_too(backend, underived):
    x, t = data()
    weights = np.linspace(0.5, 1.5, len(x))

    def run():
        model = made("dense", backend)
        model.fit(x, t, sample_weight=weights, epochs=2, batch_size=8, seed=1, verbose=0)
        return model.get_weights()

    first = run()
    underived()
    assert all(map(np.array_equal, first, run()))


def test_the_source_is_there_without_a_derivation_and_explain_derives(monkeypatch, underived):
    first = made()
    source, explained = first.step.source, first.step.explain()
    again = made()
    with monkeypatch.context() as patch:
        for name in ("backpropagate", "lower_step"):
            patch.setattr(training, name, None)
        assert again.step.source == source
    assert again.step.explain() == explained
    needs_compiler()
    trained(made(backend="compiled"))
    underived()
    again = made(backend="compiled")
    trained(again)
    assert "gradients" in again.step.source


CHANGES = {
    "a constant": {"optimizer": sd.Adam(0.123)},
    "a formula": {"optimizer": sd.SGD(0.1)},
    "a size": {"widths": (4,)},
    "clipping": {"name": "clipped"},
    "a layer": {"name": "dropout"},
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_changed_is_derived_again(what):
    assert derives(made)
    assert not derives(made)
    assert derives(lambda: made(**CHANGES[what]))
    assert not derives(made)


def test_the_type_of_numbers_has_code_of_its_own():
    needs_compiler()
    wide, narrow = (made(backend="compiled", dtype=d) for d in ("float64", "float32"))
    assert "double real" in wide.step.source
    assert "float real" in narrow.step.source
    assert not np.array_equal(trained(wide)[0], trained(narrow)[0])


def test_other_source_of_symdl_or_another_sympy_derives_again(monkeypatch):
    assert derives(made)
    monkeypatch.setattr(formula_key, "_source_hash", lambda: "another")
    assert derives(made)
    monkeypatch.undo()
    monkeypatch.setattr(sp, "__version__", "another")
    assert formula_key.formula_key(1) != _without(monkeypatch, lambda: formula_key.formula_key(1))


def _without(monkeypatch, call):
    monkeypatch.undo()
    return call()


def test_the_source_hash_reads_what_stands_in_the_files(monkeypatch, tmp_path):
    for room in ("backends", "calculus"):
        (tmp_path / room).mkdir()
    for name in ("formula.py", "errors.py", "calculus/rule.py"):
        (tmp_path / name).write_text("one")
    monkeypatch.setattr(formula_key, "__file__", str(tmp_path / "backends" / "x.py"))
    plain = formula_key._source_hash.__wrapped__
    before = plain()
    assert plain() == before
    (tmp_path / "calculus/rule.py").write_text("two")
    assert plain() != before


def test_a_perturbed_premise_is_derived_again(monkeypatch):
    """A catalogue formula that is changed while running has another key."""
    assert derives(made)
    tanh = activations.TANH
    (equation,) = tanh.equations
    wrong = replace(equation, rhs=equation.rhs * sp.Rational(1001, 1000))
    changed = sd.Formula([wrong], output=tanh.output, inputs=tanh.inputs, name=tanh.name)
    layers = [sd.Dense(6), sd.Activation(changed), sd.Dense(6, "relu"), sd.Dense(3, "softmax")]

    def other():
        model = sd.Sequential([sd.Input(5), *layers])
        model.compile(sd.Adam(), "categorical_crossentropy")
        return model

    assert derives(other)


# -- files that are not what they should be


def damaged(kind, path):
    note, _, body = path.read_bytes().partition(b"\n")
    found = json.loads(body)
    other = {
        "cut": path.read_bytes()[:-40],
        "empty": b"",
        "a digit": note + b"\n" + body.replace(b"1", b"2", 1),
        "no note": body,
        "no text": b"\xff\xfe\n" + body,
    }
    if kind in other:
        path.write_bytes(other[kind])
        return
    if kind == "foreign":
        found["of"][0] = "0" * 64
    elif kind == "shape":
        found["data"] = {"source": 3, "symbols": "N", "layouts": {"gradients": {"pointers": -1}}}
    elif kind == "list":
        found = [found]
    elif kind == "places":
        for layout in found["data"].get("layouts", {"": {}}).values():
            layout["pointers"] = 1
        found["data"].pop("symbols", None)
        found["data"].pop("source", None)
    text = json.dumps(found).encode()
    path.write_bytes(kept._hash(text).encode() + b"\n" + text)


KINDS = ["cut", "empty", "a digit", "no note", "no text", "foreign", "shape", "list", "places"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_entry_is_made_again(kind, backend, cache, underived):
    first = trained(made(backend=backend))
    whole = {path: path.read_bytes() for path in entries(cache)}
    assert len(whole) >= 2
    for path in whole:
        damaged(kind, path)
    assert derives(lambda: made(backend=backend))
    assert all(map(np.array_equal, first, trained(made(backend=backend))))
    assert {path: path.read_bytes() for path in entries(cache)} == whole
    underived()
    assert all(map(np.array_equal, first, trained(made(backend=backend))))


def test_an_entry_of_another_step_under_this_name_is_not_taken(cache):
    made().step  # noqa: B018
    before = {p.name for p in entries(cache)}
    made("clipped").step  # noqa: B018
    for path in entries(cache):
        if path.name not in before:
            twin = next(p for p in entries(cache) if p.name in before)
            twin.write_bytes(path.read_bytes())
    assert trained(made())[0].shape == (2,)
    assert "clip" not in made().step.source


def test_text_in_an_entry_is_never_run(cache, tmp_path):
    """Names and sizes from a file are texts: they are looked up or refused."""
    made().step  # noqa: B018
    told = tmp_path / "told"
    evil = f"__import__('pathlib').Path({str(told)!r}).touch()"
    for path in entries(cache):
        found = json.loads(path.read_bytes().partition(b"\n")[2])
        if "symbols" not in found["data"]:
            continue
        found["data"]["symbols"] = [evil]
        found["data"]["products"] = [["+", evil, 1]]
        text = json.dumps(found).encode()
        path.write_bytes(kept._hash(text).encode() + b"\n" + text)
    assert derives(made)
    assert not told.exists()
    for text in (evil, [evil, 1], {"a": 1}, None, 1.5, []):
        if not isinstance(text, str):
            with pytest.raises((ValueError, LookupError, TypeError)):
                size_from(text)
    with pytest.raises(KeyError):
        size_number(size_from(["+", evil, 1]), {})


@pytest.mark.parametrize("reader", [layout_from, outline_from, c_library._text_from])
@pytest.mark.parametrize("given", [{}, [], None, 3, "text", {"pointers": 2, "result": None}])
def test_what_is_no_entry_is_refused(reader, given):
    with pytest.raises((ValueError, LookupError, TypeError, AttributeError)):
        reader(given)


def only_read(cache, monkeypatch):
    """The folder cannot be written to, whoever asks."""
    plain = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != cache and plain(path, mode))


@pytest.mark.parametrize("how", ["a file in its place", "not to be written to"])
def test_a_folder_that_cannot_be_written_to_stops_nothing(how, cache, monkeypatch):
    if how == "a file in its place":
        cache.write_text("a file")
    else:
        cache.mkdir()
        only_read(cache, monkeypatch)
    first = trained(made())
    assert derives(made)
    assert all(map(np.array_equal, first, trained(made())))
    assert how.startswith("a file") or not entries(cache)


def test_a_folder_that_can_only_be_read_is_read(cache, monkeypatch, underived):
    needs_compiler()
    first = trained(made(backend="compiled"))
    only_read(cache, monkeypatch)
    underived()
    monkeypatch.setattr("symdl.backends.c_build._make", None)
    assert all(map(np.array_equal, first, trained(made(backend="compiled"))))


def test_nothing_is_kept_where_that_is_asked(monkeypatch):
    monkeypatch.setenv("SYMDL_CACHE", "off")
    assert derives(made)
    assert derives(made)
    needs_compiler()
    trained(made(backend="compiled"))


def test_files_written_longest_ago_make_room(cache, monkeypatch):
    monkeypatch.setattr(folder, "_MOST", 10)
    cache.mkdir()
    for k in range(12):
        (cache / f"{k}.json").write_text("old")
        os.utime(cache / f"{k}.json", (k, k))
    Kept("key").write("part", {"a": 1})
    assert {p.name for p in entries(cache)} >= {"11.json", "10.json"}
    assert len(entries(cache)) == 5
    assert Kept("key").read("part", dict) == {"a": 1}


_RUN = """
import numpy as np
import symdl as sd
from symdl.training import compile as training
if {forbid}:
    training.backpropagate = None
model = sd.Sequential([sd.Input(5), sd.Dense(6, "tanh"), sd.Dense(3, "softmax")], seed=3)
model.compile(sd.Adam(), "categorical_crossentropy", backend="{backend}")
rng = np.random.default_rng(0)
x, t = rng.normal(size=(20, 5)), np.eye(3)[rng.integers(0, 3, 20)]
model.fit(x, t, epochs=2, batch_size=8, seed=1, verbose=0)
print([a.tobytes().hex() for a in model.get_weights()])
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_processes_at_once_and_one_after_them(backend):
    if backend == "compiled":
        needs_compiler()

    def start(forbid):
        program = _RUN.format(backend=backend, forbid=forbid)
        return subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    both = [start(False), start(False)]
    said = [p.communicate(timeout=300) for p in both]
    said.append(start(True).communicate(timeout=300))  # a new process derives nothing
    assert len({out for out, _ in said}) == 1, [err.decode()[-500:] for _, err in said]
    assert said[0][0]


# -- keys and sizes


def test_equal_formulas_have_equal_keys_whatever_their_indices_are_numbered():
    N = size_of("N")
    x, y = TensorSymbol("x", (N,)), TensorSymbol("y", (N,))

    def formula(n):
        return sd.Formula([sp.Eq(y[n], sp.tanh(x[n]))], inputs=[x], output=y)

    one, two = (formula_key.description(formula(fresh(N, "n"))) for _ in range(2))
    assert one == two
    i, k = fresh(N, "n"), fresh(N, "n")
    assert formula_key.description((x[i], x[i])) != formula_key.description((x[i], x[k]))


def test_different_things_have_different_descriptions():
    x, p = sp.Symbol("x", real=True), sp.Symbol("x", positive=True)
    N, M = size_of("N"), size_of("M")
    things = [
        x, p, sp.Symbol("x"), "x", None, True, 1, 1.0, sp.Integer(1), sp.Float(1), sp.true,
        sp.Rational(1, 3), sp.Float("0.333333333333333"), sp.Float("0.3", 30), sp.Float("0.3", 15),
        x + 1, x * 2, sp.sin(x), sp.cos(x), sp.Max(x, 0), sp.Min(x, 0), sp.pi, sp.E, (x, p), [x],
        {x: p}, (), sp.Eq(x, 1), sp.Ge(x, 1), sp.Gt(x, 1), sp.S.Reals, sp.Interval(0, 1),
        TensorSymbol("x", (N,)), TensorSymbol("x", (M,)), TensorSymbol("x", (N, M)),
        TensorSymbol("x", (N,), True), TensorSymbol("x", (N,), labels=M), activations.RELU,
        activations.TANH, "[x]", "1",
    ]  # fmt: skip
    texts = [formula_key.description(t) for t in things]
    same = [(a, b) for a, b in pairwise(sorted(texts)) if a == b]
    assert same == [(formula_key.description((x,)),) * 2] if same else True
    assert len(set(texts)) == len(things)


def test_what_cannot_be_described_in_full_has_no_key():
    class own(sp.Function):
        pass

    x = sp.Symbol("x", real=True)
    for thing in (own(x), sp.Function("f")(x), sp.Dummy("x"), object(), print, {1, 2}):
        assert formula_key.formula_key(thing) is None
        with pytest.raises(NotSupported):
            formula_key.description((1, thing))
    assert Kept(None).read("part", str) is None


def test_sizes_as_data():
    N, D = size_of("N"), size_of("D")
    numbers = {"N": 7, "D": 4}
    known = {N: 7, D: 4}
    for e in (
        N, sp.Integer(3), N * D, N + D - 1, N**2 * D, sp.floor(N / 2) + 1, sp.ceiling(N / D),
        (N - 1) * (D + 2), 5 * N,
    ):  # fmt: skip
        found = size_data(e, {N: "N", D: "D"})
        again = size_from(json.loads(json.dumps(found)))
        assert again == found
        assert size_number(again, numbers) == e.subs(known)
    with pytest.raises(NotSupported, match="the size"):
        size_data(sp.sqrt(N), {N: "N"})
    with pytest.raises(InputError, match="positive whole number"):
        size_number(size_data(N - 8, {N: "N"}), numbers)
