"""What the user got wrong: one paragraph that names the place and the remedy, exit status 2."""

import re

import pytest

from symdl.cli import run

LAYERS = "8:relu,8:relu,3:softmax"
TABLE = "a,b,kind\n1,2,x\n2,1,y\n3,5,z\n4,4,x\n5,1,y\n6,0,z\n"


@pytest.fixture
def refused(capfd, tmp_path):
    def check(*arguments, saying=""):
        before = sorted(tmp_path.iterdir())
        status = run([str(a) for a in arguments])
        out, err = capfd.readouterr()
        assert status == 2
        assert out == ""
        assert err.startswith("symdl: ")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        assert re.search(saying, err), err
        assert sorted(tmp_path.iterdir()) == before
        return err

    return check


@pytest.mark.parametrize(
    ("text", "wrt", "saying"),
    [
        ("foo(x)", "x", r"line 1, column 1: .*'foo.*expected one of"),
        ("x**2", "q", r"no variable q; the variables are: x"),
        ("x**2", "2", "."),
        ("__import__('os')", "x", r"column 1: .*__import__"),
        ("9**9**9**9", "x", r"column 4: .*try a smaller exponent"),
        ("(" * 5000 + "x" + ")" * 5000, "x", r"at most 100 brackets"),
        ("x +", "x", r"column 4"),
        ("2x", "x", r"a product is written with \*"),
        ("", "x", r"no text"),
    ],
)
def test_text_that_is_no_formula(refused, text, wrt, saying):
    refused("derive", text, "--wrt", wrt, saying=saying)


@pytest.mark.parametrize(
    ("arguments", "saying"),
    [
        (["derive", "x**2"], "--wrt"),
        (["derive", "x", "--wrt", "x", "--format", "pdf"], "markdown"),
        (["derive", "x", "--wrt", "x", "--lang", "de"], "'ko'"),
        (["derive", "x", "--wrt", "x", "--level", "all"], "brief"),
        (["derive", "x", "--wrt", "x", "--fromat", "text"], "--format"),
        (["derive", "-x", "--wrt", "x"], "parentheses"),
        (["verify", "sofmax"], "did you mean 'softmax'"),
        (["verify", "a", "b"], "--help"),
        (["nothing"], "nothing.*--help"),
    ],
)
def test_wrong_usage(refused, arguments, saying):
    refused(*arguments, saying=saying)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return path


@pytest.mark.parametrize(
    ("options", "saying"),
    [
        ({"--layers": "8:relu,2:softmax"}, r"3 classes \(x, y, z\).*end it with 3:softmax"),
        ({"--layers": "8:relu,5:softmax"}, r"end it with 3:softmax"),
        ({"--layers": "3:sigmoid"}, r"end it with 3:softmax"),
        ({"--layers": "8:relu,1"}, r"end --layers with 3:softmax"),
        ({"--layers": "8:relu,foo"}, r"part 2.*'foo'.*expected UNITS:ACTIVATION"),
        ({"--layers": "8:rleu,3:softmax"}, r"part 1.*did you mean 'relu'"),
        ({"--layers": ""}, r"part 1"),
        ({"--layers": "0:relu,3:softmax"}, r"1 to"),
        ({"--layers": "9" * 30}, r"1 to"),
        ({"--layers": "8:,3:softmax"}, r"part 1"),
        ({"--target": "knid"}, r"no column 'knid'; did you mean 'kind'"),
        ({"--features": "a,c"}, r"no column 'c'"),
        ({"--epochs": "-3"}, r"--epochs"),
        ({"--epochs": "many"}, r"--epochs.*integer"),
        ({"--batch": "0"}, r"--batch"),
        ({"--validation": "1.5"}, r"--validation must be in \(0, 1\)"),
        ({"--learning-rate": "-1"}, r"--learning-rate"),
        ({"--learning-rate": "nan"}, r"--learning-rate"),
        ({"--optimizer": "adan"}, r"did you mean 'adam'"),
        ({"--loss": "mes"}, r"did you mean 'mse'"),
        ({"--loss": "bce"}, r"softmax"),
        ({"--seed": "-1"}, r"--seed"),
        ({"--dtype": "float16"}, r"--dtype"),
        ({"--smoothing": "1"}, r"--smoothing"),
        ({"--target": "a", "--layers": "8:relu,2:softmax", "--features": "b"}, r"row 2.*0 to 1"),
        ({"--target": "a", "--layers": "1"}, r"line 2, column 'kind'.*'x'.*--features"),
    ],
)
def test_a_training_that_cannot_be(refused, table, options, saying):
    given = {"--data": table, "--target": "kind", "--layers": LAYERS, **options}
    arguments = [f"{k}={v}" for k, v in given.items()]
    refused("train", f"--save={table.with_name('model.npz')}", *arguments, saying=saying)


@pytest.mark.parametrize(
    ("content", "saying"),
    [
        ("", r"empty"),
        ("a,b,kind\n", r"no row"),
        ("a,b\n1,2\n", r"no column 'kind'"),
        ("a,b,kind\n1,two,x\n2,1,y\n", r"line 2, column 'b': 'two' is not a number; correct"),
        ("a,b,kind\n1,2,x\n2,nan,y\n", r"line 3, column 'b': 'nan' is not a finite number"),
        ("a,b,kind\n1,2,x\n2,,y\n", r"line 3, column 'b': the cell is empty"),
        ("a,b,kind\n1,2,x\n2,1\n", r"line 3: 2 columns, but the header has 3"),
        ("a,b,kind\n1,2,0\n2,1,7\n3,1,1\n", r"7 in row 2 below the header.*8:softmax"),
        ("a,b,kind\n1,2,0\n2,1,-1\n3,1,1\n", r"-1 in row 2 below the header"),
        ("a,b,kind\n1,2,0.5\n2,1,1\n3,1,1\n", r"1:linear"),
        ("a,b,kind\n1,2,x\n2,1,x\n3,1,x\n", r"only 'x'"),
        ("a;b;kind\n1;2;x\n", r"separated by ';'"),
        ("\xff\xfea,b,kind", r"UTF-8|column"),
    ],
)
def test_a_file_that_cannot_be_read(refused, tmp_path, content, saying):
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="latin-1")
    target = ["--target", "kind", "--layers", LAYERS]
    refused("train", "--data", path, *target, saying=saying)


def test_files_and_folders_that_are_not_there(refused, table, tmp_path):
    words = ["--target", "kind", "--layers", LAYERS]
    refused("train", "--data", tmp_path / "no.csv", *words, saying="no.csv")
    refused("train", "--data", tmp_path, *words, saying=re.escape(str(tmp_path)))
    away = tmp_path / "away"
    refused("train", "--data", table, *words, "--save", away / "m.npz", saying="no folder")
    refused("derive", "x**2", "--wrt", "x", "-o", away / "page.md", saying="no folder")
    refused("derive", "x**2", "--wrt", "x", "-o", tmp_path, saying="is a folder")
    refused("quickstart", "-o", away / "further", saying="no folder")
    refused("quickstart", "-o", table, saying="is a file")


def test_an_output_is_left_alone_where_the_formula_is_wrong(refused, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("old")
    refused("derive", "x +", "--wrt", "x", "-o", page)
    assert page.read_text() == "old"
