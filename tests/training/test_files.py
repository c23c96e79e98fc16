"""Saving and loading: all of a model comes back, and a bad file says what is wrong with it."""

import json
import zipfile

import numpy as np
import pytest

from symdl.errors import InputError, Mismatch
from symdl.training.layers import Activation, Dense, Input
from symdl.training.optimizers import Adam
from symdl.training.sequential import Sequential

X = np.random.default_rng(5).standard_normal((9, 4))
LABELS = np.arange(9) % 3


def trained(dtype="float64"):
    layers = [Input(4), Dense(5, use_bias=False), Activation("tanh"), Dense(3, "softmax")]
    model = Sequential(layers, name="small", seed=11)
    model.compile(Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"], dtype)
    model.fit(X, LABELS, epochs=2)
    return model


def test_a_saved_model_may_be_read_by_whom_any_new_file_may(tmp_path):
    (tmp_path / "other").touch()
    Sequential([Input(2), Dense(1)]).save(tmp_path / "model")
    modes = {(tmp_path / name).stat().st_mode for name in ("other", "model")}
    assert len(modes) == 1


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["model.npz", "no suffix"])
def test_everything_comes_back(tmp_path, dtype, name):
    model = trained(dtype)
    model.save(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    loaded = Sequential.load(tmp_path / name)
    assert (loaded.name, loaded.seed, loaded.layers) == (model.name, model.seed, model.layers)
    assert loaded.setup == model.setup
    for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.evaluate(X, LABELS) == model.evaluate(X, LABELS)


def test_a_model_without_compile_comes_back(tmp_path):
    model = Sequential([Dense(2, input_dim=4)])
    model.save(str(tmp_path / "m.npz"))
    loaded = Sequential.load(str(tmp_path / "m.npz"))
    assert loaded.setup is None
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_the_file_holds_no_pickle(tmp_path):
    trained().save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz", allow_pickle=False) as file:
        assert set(file.files) == {"architecture", "dense_1.W", "dense_2.W", "dense_2.b"}
        assert json.loads(str(file["architecture"]))["layers"][1]["units"] == 5


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "m.npz"
    trained().save(path)
    before = path.read_bytes()

    def full(*_args, **_words):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match=r"m\.npz: .*No space left"):
        trained().save(path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_folder(tmp_path):
    with pytest.raises(InputError, match=r"m\.npz: the model cannot be written: No such file"):
        trained().save(tmp_path / "absent" / "m.npz")


def test_files_that_are_no_model(tmp_path):
    path = tmp_path / "m.npz"
    with pytest.raises(InputError, match=r"m\.npz: No such file"):
        Sequential.load(path)
    path.write_text("not a model")
    with pytest.raises(InputError, match="not a model written by save"):
        Sequential.load(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="not a model written by save"):
        Sequential.load(path)
    np.savez(path, x=X)
    with pytest.raises(InputError, match="there is no model in this file"):
        Sequential.load(path)
    with path.open("wb") as file:
        np.save(file, X)
    with pytest.raises(InputError, match="one array, not a model"):
        Sequential.load(path)
    with path.open("wb") as file:
        np.savez(file, architecture=np.array({"layers": []}, dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="not a model written by save"):
        Sequential.load(path)
    trained().save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="not a model written by save"):
        Sequential.load(path)


def rewritten(path, change_text=None, **arrays):
    trained().save(path)
    with np.load(path) as file:
        content = {name: file[name] for name in file.files}
    if change_text:
        described = json.loads(str(content["architecture"]))
        change_text(described)
        content["architecture"] = np.array(json.dumps(described))
    content |= arrays
    with path.open("wb") as file:
        np.savez(file, **{k: v for k, v in content.items() if v is not None})


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ({"dense_1.W": None}, Mismatch, r"m\.npz: the weight dense_1\.W of shape \(4, 5\) is miss"),
        ({"dense_1.b": X}, Mismatch, r"m\.npz: the model has no weight dense_1\.b"),
        ({"dense_2.b": np.zeros(4)}, Mismatch, r"dense_2\.b has shape \(3,\), given \(4,\)"),
        ({"dense_2.b": np.full(3, np.nan)}, InputError, r"m\.npz: dense_2\.b has nan at row 0"),
        ({"dense_2.b": np.array(["a"] * 3)}, InputError, "holds text"),
        ({"architecture": np.array("{")}, InputError, "description of the model is damaged"),
    ],
)
def test_weights_are_checked(tmp_path, arrays, error, message):
    rewritten(tmp_path / "m.npz", **arrays)
    with pytest.raises(error, match=message):
        Sequential.load(tmp_path / "m.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format=9), "the format is 9, this version reads 1"),
        (lambda d: d.pop("layers"), "damaged .*layers"),
        (lambda d: d["layers"][1].update({"class": "Dens"}), "did you mean 'Dense'"),
        (lambda d: d["layers"][1].update(units=-3), "units of Dense must be"),
        (lambda d: d["layers"][1].update(filters=3), "Dense has no filters"),
        (lambda d: d["compile"].update(loss="huge"), "unknown loss 'huge'"),
        (lambda d: d["compile"]["optimizer"].update(learning_rate=-1), "learning_rate of Adam"),
        (lambda d: d.update(layers=3), "damaged"),
        (lambda d: d.update(columns="four"), "damaged"),
    ],
)
def test_the_description_is_checked(tmp_path, change, message):
    rewritten(tmp_path / "m.npz", change)
    with pytest.raises(InputError, match=rf"m\.npz: .*{message}"):
        Sequential.load(tmp_path / "m.npz")


def test_the_weights_are_compressed_nowhere_and_named_plainly(tmp_path):
    trained().save(tmp_path / "m.npz")
    with zipfile.ZipFile(tmp_path / "m.npz") as file:
        assert "dense_1.W.npy" in file.namelist()
