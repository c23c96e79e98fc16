"""The commands as a user meets them: what they print, what they write, how they end."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from symdl.book import catalogue, terminal
from symdl.book.catalogue import Entry, entry
from symdl.evidence.verdict import Verdict
from symdl.training.sequential import Sequential

ROOT = Path(__file__).parents[2]
IRIS = ROOT / "symdl" / "data" / "iris.csv"


def test_help_and_version(symdl):
    for arguments in ([], ["--help"], ["-h"]):
        status, out, _ = symdl(*arguments)
        assert status == 0
        assert all(word in out for word in ("quickstart", "derive", "train", "verify", "list"))
    assert symdl("--version")[:2] == (0, "symdl 0.1.0\n")
    assert symdl("train", "--help")[0] == 0


@pytest.mark.parametrize(
    ("shown_as", "part"),
    [
        ("text", "x·exp(-x²)"),
        ("markdown", "$$"),
        ("latex", r"\begin{align*}"),
        ("html", "<!DOCTYPE html>"),
        ("json", '"rule"'),
    ],
)
def test_a_derivation_in_every_format(symdl, tmp_path, shown_as, part):
    given = ["derive", "x*exp(-x**2)", "--wrt", "x", "--format", shown_as]
    status, out, err = symdl(*given)
    assert (status, err) == (0, "")
    assert part in out
    assert out.endswith("\n")
    path = tmp_path / "page"
    status, nothing, err = symdl(*given, "-o", path)
    assert (status, nothing) == (0, "")
    assert str(path) in err
    assert path.read_text(encoding="utf-8") == out
    assert [p.name for p in tmp_path.iterdir()] == ["page"]


def test_a_derivation_in_korean_and_in_full(symdl):
    _, korean, _ = symdl("derive", "y = 1/(1+exp(-x))", "--wrt", "x", "--lang", "ko")
    assert "연쇄 법칙" in korean
    _, brief, _ = symdl("derive", "exp(-x**2)", "--wrt", "x", "--level", "brief")
    _, full, _ = symdl("derive", "exp(-x**2)", "--wrt", "x", "--level", "full")
    assert len(brief) < len(full)


def test_json_is_a_tree_of_rules(symdl):
    _, out, _ = symdl("derive", "x*exp(x)", "--wrt", "x", "--format", "json")
    assert {"rule", "before", "after", "conditions", "verdict", "children"} <= set(json.loads(out))


def test_training_reports_and_saves(symdl, tmp_path):
    model = tmp_path / "model.npz"
    words = ["--layers", "8:relu,8:relu,3:softmax", "--seed", "2", "--save", model]
    status, out, err = symdl("train", "--data", IRIS, "--target", "species", *words)
    assert status == 0
    assert "held-out accuracy" in out
    assert "30 rows, a share of each class, seed 2" in out
    assert str(model) in err
    rows = np.loadtxt(IRIS, delimiter=",", skiprows=1, usecols=range(4))
    assert Sequential.load(model).predict(rows).shape == (150, 3)


def test_regression_reports_an_error(symdl):
    words = ["--features", "sepal_length,petal_length", "--layers", "8:tanh,1", "--epochs", "20"]
    status, out, _ = symdl("train", "--data", IRIS, "--target", "petal_width", *words)
    assert status == 0
    assert "mean absolute error" in out


FEW = ("xor", "softmax", "huber", "adam", "he_normal", "l1", "clip_by_norm", "newton")


@pytest.fixture
def few(monkeypatch):
    """A catalogue of one entry of most kinds."""
    found = tuple(entry(name) for name in FEW)
    monkeypatch.setattr(catalogue, "entries", lambda: found)


@pytest.mark.slow
def test_verify_and_list_all_of_the_catalogue(symdl):
    status, out, _ = symdl("verify")
    assert status == 0
    assert re.fullmatch(r"\d+ claims: \d+ proved, 1 instance", out.splitlines()[-1])
    status, out, _ = symdl("list", "--json")
    assert status == 0
    assert [f["name"] for f in json.loads(out)] == [e.name for e in catalogue.entries()]


@pytest.mark.usefixtures("few")
def test_verify(symdl):
    status, out, _ = symdl("verify")
    assert status == 0
    assert all(name in out for name in FEW)
    assert re.fullmatch(r"\d+ claims: \d+ proved", out.splitlines()[-1])


def test_verify_one(symdl):
    status, out, _ = symdl("verify", "tanh")
    assert status == 0
    assert "gradient of x" in out
    assert "values in (-1, 1)" in out
    assert re.fullmatch(r"\d+ claims: \d+ proved", out.splitlines()[-1])


@pytest.mark.parametrize("level", ["refuted", "unknown"])
def test_what_does_not_pass_exits_with_1(symdl, monkeypatch, level):
    claim = ("gradient of x", Verdict(level, "sides differ", (("x", "1/2"), ("left", "3"))))
    bad = Entry("loss", entry("mean_squared_error").formula, lambda: (claim,))
    monkeypatch.setattr(catalogue, "entries", lambda: (bad,))
    for arguments in (["verify"], ["verify", bad.name]):
        status, out, _ = symdl(*arguments)
        assert status == 1
        assert level in out
        assert "left = 3" in " ".join(out.split())


@pytest.mark.usefixtures("few")
def test_list_and_its_json(symdl):
    status, out, _ = symdl("list")
    assert status == 0
    assert "ACTIVATION" in out
    assert all(len(line) <= 80 for line in out.splitlines())
    status, out, _ = symdl("list", "--json")
    found = json.loads(out)
    assert {"name", "kind", "source", "verdict", "page"} <= set(found[0])
    assert [f["name"] for f in found] == list(FEW)


def test_control_c_exits_with_130_and_leaves_nothing(symdl, monkeypatch, tmp_path):
    def interrupt(*_, **__):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(terminal.EpochBar, "on_epoch_end", interrupt)
    layers = ["--layers", "3:softmax", "--save", tmp_path / "model.npz"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & ignores it
    try:
        status, _, err = symdl("train", "--data", IRIS, "--target", "species", *layers)
    finally:
        signal.signal(signal.SIGINT, before)
    assert status == 130
    assert err.strip() == "interrupted"
    assert list(tmp_path.iterdir()) == []


def command(*arguments):
    return [sys.executable, "-m", "symdl.cli", *arguments]


def test_a_reader_that_goes_away_is_quiet():
    started = subprocess.Popen(
        command("derive", "x**2", "--wrt", "x", "--format", "html"),
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert started.stdout is not None
    started.stdout.close()
    _, err = started.communicate(timeout=30)
    assert err == b""


def test_a_terminal_that_lacks_letters_gets_their_codes():
    done = subprocess.run(
        command("verify", "dense"), cwd=ROOT, capture_output=True, check=True,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )  # fmt: skip
    assert rb"\u03a3[i] W[i,j]" in done.stdout
