"""The C that ``symdl compile`` writes, compiled and run where neither symdl nor SymPy is."""

import re
import shutil
import subprocess

import pytest

from symdl.book.compiling import Options, written
from symdl.training.sequential import Sequential
from tests.cli.written_files import (
    BATCH,
    CHANGE,
    EPOCH,
    LAYERS,
    TRAIN,
    assert_same,
    by_symdl,
    by_symdl_with_a_change,
    labelled,
    noisy,
    plain,
    run_bare,
    saved,
)

needs_compiler = pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")


def in_c(symdl, folder, *model):
    files = ["-o", folder / "step.c", "--driver", folder / "step.py"]
    return symdl("compile", *model, "--backend", "compiled", *files)


@needs_compiler
@pytest.mark.parametrize(
    ("made", "dtype"),
    [(plain, "float32"), (noisy, "float32"), (noisy, "float64"), (labelled, "float64")],
)
def test_the_c_file_trains_as_symdl_does(symdl, bare, tmp_path, made, dtype):
    saved(tmp_path, made, dtype)
    status, out, err = in_c(symdl, tmp_path, tmp_path / "model.npz")
    assert (status, out) == (0, "")
    assert err == f"written: {tmp_path / 'step.c'}\nwritten: {tmp_path / 'step.py'}\n"
    assert_same(run_bare(bare, tmp_path, TRAIN), by_symdl(tmp_path), dtype)
    assert_same(run_bare(bare, tmp_path, EPOCH), by_symdl(tmp_path, BATCH), dtype)


@needs_compiler
def test_the_compile_line_of_the_header_is_all_it_takes(symdl, tmp_path):
    in_c(symdl, tmp_path, "--layers", LAYERS, "--columns", 4)
    text = (tmp_path / "step.c").read_text()
    command = re.search(r"^ +(cc .*)$", text, re.MULTILINE)[1]
    subprocess.run(command.split(), cwd=tmp_path, check=True)
    exported = re.findall(r'visibility\("default"\)\)\) \w+ (\w+)\(', text)
    header = text[: text.index("*/")]
    assert {"gradients", "evaluate", "forward", "update_all", "epoch"} <= {*exported}
    for name in {*exported} - {"update"}:
        assert re.search(rf"^   \w+ {name}\(", header, re.MULTILINE), name


def test_both_files_carry_every_formula(tmp_path):
    saved(tmp_path, noisy, "float64")
    c, python = tmp_path / "step.c", tmp_path / "step.py"
    words = {"backend": "compiled", "output": c, "driver": python}
    texts = written(Options(tmp_path / "model.npz", **words))
    model = Sequential.load(tmp_path / "model.npz")
    model.compile(model.setup.optimizer, model.setup.loss)
    for formula in model.step.build.formulas:
        assert f"       {formula}\n" in re.sub(r"\n {11}", " ", texts[c])
        assert f"#     {formula}\n" in re.sub(r"\n# {9}", " ", texts[python])


@needs_compiler
def test_an_error_in_the_c_file_is_seen(symdl, bare, tmp_path):
    saved(tmp_path, labelled, "float64")
    in_c(symdl, tmp_path, tmp_path / "model.npz")
    file = tmp_path / "step.c"
    text = file.read_text()
    assert " - t" in text
    file.write_text(re.sub(r"(velocity_new_1_here) - ", r"\1 + ", text))
    assert file.read_text() != text
    with pytest.raises(AssertionError):
        assert_same(run_bare(bare, tmp_path, TRAIN), by_symdl(tmp_path), "float64")


@needs_compiler
@pytest.mark.parametrize("backend", ["numpy", "compiled"])
def test_constants_of_the_optimizer_may_change(symdl, bare, tmp_path, backend):
    saved(tmp_path, plain, "float64")
    if backend == "numpy":
        symdl("compile", tmp_path / "model.npz", "-o", tmp_path / "step.py")
    else:
        in_c(symdl, tmp_path, tmp_path / "model.npz")
    expected = by_symdl_with_a_change(tmp_path)
    assert_same(run_bare(bare, tmp_path, CHANGE), expected, "float64")


@needs_compiler
def test_rows_that_are_not_there_are_refused(symdl, bare, tmp_path):
    saved(tmp_path, plain, "float64")
    in_c(symdl, tmp_path, tmp_path / "model.npz")
    beyond = EPOCH.replace('given["order"]', "[0, 35]")
    with pytest.raises(AssertionError, match="beyond the 35"):
        run_bare(bare, tmp_path, beyond)
