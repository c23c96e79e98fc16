"""Training on a table: accuracy on rows that were held out, the same again, and saved models."""

from pathlib import Path

import numpy as np
import pytest

from symdl.book.csv_training import Options, train_csv, train_table
from symdl.book.layers_text import read_layers
from symdl.errors import InputError
from symdl.training.data import Table, read_csv
from symdl.training.sequential import Sequential

IRIS = Path(__file__).parents[2] / "symdl" / "data" / "iris.csv"
LAYERS = "8:relu,8:relu,3:softmax"


def accuracies(seeds):
    return np.array([train_csv(IRIS, "species", Options(LAYERS, seed=s)).measure for s in seeds])


def test_iris_by_its_defaults():
    assert accuracies([1, 2]).min() >= 0.9


@pytest.mark.slow
def test_iris_by_its_defaults_for_ten_seeds():
    found = accuracies(range(10))
    assert np.median(found) >= 0.95
    assert found.min() >= 0.9


def test_a_fifth_of_each_class_is_held_out():
    report = train_csv(IRIS, "species", Options(LAYERS, epochs=1))
    assert (report.trained_on, report.held_out, report.stratified) == (120, 30, True)
    assert report.baseline == pytest.approx(1 / 3)
    assert report.targets.loss == "categorical_crossentropy"


def test_the_same_seed_gives_the_same_model():
    first, again, other = (
        train_csv(IRIS, "species", Options(LAYERS, epochs=3, seed=s)).model.get_weights()
        for s in (5, 5, 6)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_saved_model_reads_the_columns_as_they_are(tmp_path, dtype):
    report = train_csv(IRIS, "species", Options(LAYERS, epochs=60, dtype=dtype))
    report.model.save(tmp_path / "model.npz")
    table = read_csv(IRIS, "species")
    guessed = Sequential.load(tmp_path / "model.npz").predict(table.x).argmax(axis=1)
    assert np.mean(guessed == table.y) >= 0.9


def test_numbers_are_predicted_in_their_own_units():
    x = np.random.default_rng(0).normal(size=(200, 2))
    table = Table(x, 5000 + 100 * (x[:, 0] - 2 * x[:, 1]), ("a", "b"), "price")
    report = train_table(table, read_layers("1"), Options("", epochs=60))
    assert report.targets.loss == "mean_squared_error"
    assert report.measure < 1
    assert report.baseline > 100
    kernel, bias = report.model.get_weights()
    np.testing.assert_allclose(kernel[:, 0], [100, -200], atol=0.5)
    np.testing.assert_allclose(bias, [5000], atol=0.5)


def test_two_names_and_a_sigmoid():
    x = np.linspace(-1, 1, 40)[:, None]
    table = Table(x, (x[:, 0] > 0).astype(int), ("a",), "kind", ("no", "yes"))
    report = train_table(table, read_layers("1:sigmoid"), Options("", learning_rate=0.1))
    assert report.targets.loss == "binary_crossentropy"
    assert report.measure >= 0.75


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "mse"])
def test_a_chosen_loss_gets_the_targets_that_it_reads(loss):
    report = train_csv(IRIS, "species", Options(LAYERS, loss=loss, epochs=40))
    assert report.targets.smoothing == 0
    assert report.measure > 0.8


def test_a_class_with_a_single_row_is_held_out_by_chance():
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2])
    table = Table(np.arange(9.0)[:, None], y, ("a",), "k", ("a", "b", "c"))
    report = train_table(table, read_layers("3:softmax"), Options("", epochs=1))
    assert not report.stratified


def test_smoothing_that_the_loss_cannot_read_is_an_error():
    with pytest.raises(InputError, match="--smoothing"):
        train_csv(IRIS, "petal_width", Options("1", smoothing=0.1, features=("sepal_width",)))
