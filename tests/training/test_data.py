"""Tables, standardizing, one-hot rows, splitting."""

import numpy as np
import pytest

from symdl.errors import InputError, Mismatch
from symdl.training.data import one_hot, read_csv, split, standardize

PETS = "weight,age,kind\n4.5,3,dog\n1.5, 2 ,cat\n\n2.5,1,cat\n"


@pytest.fixture
def write(tmp_path):
    def written(text, encoding="utf-8"):
        path = tmp_path / "pets.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return written


def test_a_table_with_names_as_targets(write):
    table = read_csv(write(PETS), target="kind")
    assert table.x.tolist() == [[4.5, 3], [1.5, 2], [2.5, 1]]
    assert table.y.tolist() == [1, 0, 0]
    assert table.y.dtype.kind == "i"
    assert (table.features, table.target, table.classes) == (
        ("weight", "age"),
        "kind",
        ("cat", "dog"),
    )


def test_a_table_with_numbers_as_targets_and_chosen_features(write):
    table = read_csv(write(PETS), target="age", features=["weight"])
    assert table.y.tolist() == [3, 2, 1]
    assert table.y.dtype == np.float64
    assert (table.x.shape, table.classes) == ((3, 1), ())


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + PETS.encode(),
        PETS.replace("\n", "\r\n"),
        '"weight","age","kind"\n4.5,3,"dog"\n1.5,2,cat\n2.5,1,cat',
    ],
)
def test_what_spreadsheets_write(write, text):
    assert read_csv(write(text), target="kind").x.tolist() == [[4.5, 3], [1.5, 2], [2.5, 1]]


def test_other_delimiters_and_encodings(write):
    path = write(PETS.replace(",", ";"), "utf-16")
    assert read_csv(path, "kind", delimiter=";", encoding="utf-16").x.shape == (3, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "weight,kind\n4.5,dog\nheavy,cat\n",
            r"pets\.csv, line 3, column 'weight': 'heavy' is not a n",
        ),
        ("weight,kind\n4.5,dog\n,cat\n", r"line 3, column 'weight': the cell is empty"),
        ("weight,kind\n4.5,dog\n\n\nnan,cat\n", r"line 5, column 'weight': 'nan' is not a finite"),
        ("weight,kind\n-inf,dog\n", r"line 2, column 'weight': '-inf' is not a finite number"),
        ("weight,kind\n1_000,dog\n", r"line 2, column 'weight': '1_000' is not a number"),
        ("weight,kind\n4.5,dog\n1,cat,3\n", r"line 3: 3 columns, but the header has 2"),
        ("weight,kind\n4.5\n", r"line 2: 1 columns, but the header has 2 \(weight, kind\)"),
        ("weight,kind\n", r"pets\.csv: there is a header but no row"),
        ("", r"pets\.csv: the file is empty"),
        ("\n\n", r"the file is empty"),
        ("4.5,1\n2.5,0\n", r"line 1: the first line must name the columns, but it holds numbers"),
        ("weight,,kind\n1,2,dog\n", r"line 1: column 2 has no name"),
        ("kind,kind\n1,2\n", r"line 1: two columns are called 'kind'"),
        ("weight;kind\n1;dog\n", r"separated by ';': give delimiter=';'"),
        ("kind\ndog\n", "no column beside the target"),
        ("weight,kind\n1,dog\n2,\n", r"line 3, column 'kind': the cell is empty"),
        ("weight,kind\n1,dog\n2,nan\n", r"line 3, column 'kind': 'nan' is no class"),
        ("weight,kind\n1,5\n2,six\n", r"line 3, column 'kind': 'six' is not a number"),
        ('weight,kind\n1,"dog\n', r"line \d: unexpected end of data"),
    ],
)
def test_what_is_wrong_and_where(write, text, message):
    with pytest.raises(InputError, match=message):
        read_csv(write(text), target="kind")


def test_columns_that_are_not_there(write):
    with pytest.raises(
        InputError, match=r"no column 'kimd'; did you mean 'kind'\? \(known: weight"
    ):
        read_csv(write(PETS), target="kimd")
    with pytest.raises(InputError, match="no column 'height'; did you mean 'weight'"):
        read_csv(write(PETS), target="kind", features=["height"])
    with pytest.raises(InputError, match="cannot be one of the features"):
        read_csv(write(PETS), target="kind", features=["weight", "kind"])


def test_files_that_cannot_be_read(write, tmp_path):
    with pytest.raises(InputError, match=r"absent\.csv: No such file"):
        read_csv(tmp_path / "absent.csv", target="kind")
    with pytest.raises(InputError, match="Is a directory"):
        read_csv(tmp_path, target="kind")
    for encoding in ("utf-16", "cp1252"):
        with pytest.raises(InputError, match=r"pets\.csv: not utf-8 text .*encoding="):
            read_csv(write(PETS.replace("dog", "bär"), encoding), target="kind")
    with pytest.raises(InputError, match="unknown encoding 'utf-99'"):
        read_csv(write(PETS), target="kind", encoding="utf-99")
    with pytest.raises(InputError, match="delimiter must be a single character"):
        read_csv(write(PETS), target="kind", delimiter=";;")


def test_standardize():
    x = np.random.default_rng(0).normal(5, 3, (40, 2))
    train, test = standardize(x[:30], x[30:])
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(train.std(axis=0), 1)
    np.testing.assert_allclose(test, (x[30:] - x[:30].mean(axis=0)) / x[:30].std(axis=0))


def test_a_constant_column_becomes_zero():
    (train,) = standardize(np.full((7, 1), 0.1))
    assert not train.any()


def test_standardize_checks():
    with pytest.raises(InputError, match="nan at row 1, column 0"):
        standardize([[1.0], [np.nan]])
    with pytest.raises(Mismatch, match="x has 1 columns, but the mean has 2"):
        standardize([[1.0, 2.0]], [[1.0]])
    with pytest.raises(Mismatch, match=r"the shape \(rows, columns\), given \(2,\)"):
        standardize([1.0, 2.0])


def test_one_hot():
    assert one_hot([2, 0], 4).tolist() == [[0, 0, 1, 0], [1, 0, 0, 0]]
    assert one_hot([[1], [0]]).tolist() == [[0, 1], [1, 0]]
    with pytest.raises(InputError, match="the label 3 at row 1"):
        one_hot([0, 3], 3)
    with pytest.raises(InputError, match="the label -1 at row 0"):
        one_hot([-1, -1])
    with pytest.raises(InputError, match="labels is empty"):
        one_hot([])


def test_split_repeats_and_loses_nothing():
    x, y = np.arange(20.0)[:, None], np.arange(20)
    first, second = split(x, y, 0.3, seed=4), split(x, y, 0.3, seed=4)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    x_train, x_test, y_train, y_test = first
    assert (len(x_train), len(x_test)) == (14, 6)
    assert sorted([*y_train, *y_test]) == list(range(20))
    np.testing.assert_array_equal(x_train[:, 0], y_train)
    np.testing.assert_array_equal(x_test[:, 0], y_test)
    assert not np.array_equal(split(x, y, 0.3, seed=5)[3], y_test)


def test_stratify_keeps_shares():
    y = np.repeat([0, 1, 2], [50, 30, 20])
    x = np.zeros((100, 1))
    _, _, _, y_test = split(x, y, 0.2, stratify=True)
    assert np.bincount(y_test).tolist() == [10, 6, 4]
    _, _, _, rows = split(x, np.eye(3)[y], 0.2, stratify=True)
    assert rows.sum(axis=0).tolist() == [10, 6, 4]
    _, _, names, _ = split(x, np.array(["a", "b", "c"])[y], 0.2, stratify=True)
    assert set(names) == {"a", "b", "c"}


def test_split_checks():
    with pytest.raises(InputError, match="leaves 1 for training and 0 for testing"):
        split([[1.0]], [1], 0.2)
    with pytest.raises(InputError, match=r"fraction must be in \(0, 1\)"):
        split([[1.0]], [1], 1.5)
    with pytest.raises(InputError, match="x is empty"):
        split([], [])
    with pytest.raises(Mismatch, match="x has 2 rows, but y has 1"):
        split([[1.0], [2.0]], [1])
    with pytest.raises(InputError, match="row 2 has a single row"):
        split([[1.0], [2.0], [3.0]], [0, 0, 1], 0.5, stratify=True)
