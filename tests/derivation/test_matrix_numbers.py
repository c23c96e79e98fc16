"""Numbers in matrix notation: formula = with numbers = result, against NumPy."""

import re

import numpy as np
import pytest

import symdl as sd
from symdl.catalog.layers import DENSE
from symdl.derivation.numbers import decimal
from symdl.evidence.evaluate import precise
from tests.derivation.test_matrices import logistic

RNG = np.random.default_rng(5)
X, Y, W = RNG.normal(size=(4, 2)), np.array([1, 0, 0, 1]), RNG.normal(size=2)
P = 1 / (1 + np.exp(-X @ W))
GRADIENT = X.T @ (P - Y) / 4


def matrices(latex: str) -> list[np.ndarray]:
    """The matrices of a row of LaTeX, as it shows them."""
    found = re.findall(r"\\begin\{bmatrix\} (.*?) \\end\{bmatrix\}", latex)
    return [np.array([row.split(" & ") for row in m.split(r" \\ ")], dtype=float) for m in found]


def test_formula_then_numbers_then_result():
    d = sd.derive(logistic(), "w", notation="matrix").at({"x": X, "y": Y, "w": W}, digits=3)
    rows = d.latex(verdicts=False).split(r"\begin{align*}")[-1].split(r"\end{align*}")[0]
    before, after = re.split(r"\n&= (?=\\begin\{bmatrix\} [^&]*\\end\{bmatrix\}\n)", rows)
    x, s, y = matrices(before)
    np.testing.assert_allclose(x, X, atol=6e-4)
    np.testing.assert_allclose(s[:, 0], P, atol=6e-4)
    np.testing.assert_allclose(y[:, 0], Y)
    np.testing.assert_allclose(matrices(after)[0][:, 0], GRADIENT, atol=6e-4)
    assert r"\frac{1}{4}" in before
    assert r"^{\top}" in before


ARRAYS = """\
  Y = X W + 1 b^T
    Y = [1.0  2.0] [1.0  2.0] + 1 [0.0]^T
                   [3.0  4.0]     [1.0]
      = [7.0  11.0]
"""


def test_text_sets_arrays_beside_one_another():
    d = sd.derive(DENSE, "W", notation="matrix")
    values = {"x": [[1, 2]], "W": [[1, 2], [3, 4]], "b": [0, 1], "ybar": [[1, -1]]}
    shown = d.at(values, digits=1).text(verdicts=False)
    assert ARRAYS.replace("7.0  11.0", " 7.0  11.0") in shown
    last = (
        "    Wbar = [1.0  2.0]^T [ 1.0  -1.0]\n         = [ 1.0  -1.0]\n           [ 2.0  -2.0]\n"
    )
    assert shown.endswith(last)


@pytest.mark.parametrize(("rows", "shown"), [(6, 6), (7, 5), (40, 5)])
def test_large_matrices_are_cut_in_both_directions(rows, shown):
    x, above = RNG.normal(size=(3, rows)), RNG.normal(size=(3, 8))
    values = {"x": x, "W": np.zeros((rows, 8)), "b": np.zeros(8), "ybar": above}
    d = sd.derive(DENSE, "W", notation="matrix").at(values, digits=1)
    text, latex = d.text(verdicts=False), d.latex(verdicts=False)
    last = latex.split(r"\begin{bmatrix}")[-1].split(r"\end{bmatrix}")[0]
    assert last.count(r"\\") == shown - 1
    assert all(row.count("&") == 4 for row in last.split(r"\\"))
    assert last.count(r"\ddots") == (shown == 5)
    assert last.count(r"\vdots") == (4 if shown == 5 else 0)
    expected = decimal(precise().mpf((x.T @ above)[-1, -1]), 1)
    assert text.rstrip().endswith(f"{expected}]")
    assert np.array(d.bare_lines[-1].value).shape == (rows, 8)


@pytest.mark.parametrize("layout", ["denominator", "numerator"])
def test_the_array_has_the_layout_of_the_form(layout):
    values = {"x": X, "W": np.ones((2, 3)), "b": np.zeros(3), "ybar": RNG.normal(size=(4, 3))}
    d = sd.derive(DENSE, "W", notation="matrix", layout=layout).at(values)
    expected = X.T @ values["ybar"]
    found = np.array(d.bare_lines[-1].value, dtype=float)
    np.testing.assert_allclose(found, expected.T if layout == "numerator" else expected)


def test_a_jacobian_is_shown_as_the_form_says():
    d = sd.derive(logistic(), "w", notation="matrix").at({"x": X, "y": Y, "w": W})
    (line,) = (s for s in d.bare_lines if str(s.sides[-1]) == "X^T")
    np.testing.assert_allclose(np.array(line.value, dtype=float), X.T)


@pytest.mark.parametrize("level", ["brief", "normal", "full"])
@pytest.mark.parametrize("digits", [0, 2, 7])
@pytest.mark.parametrize("notation", ["scalar", "index", "matrix"])
def test_chosen_digits_at_every_level_in_every_notation(level, digits, notation):
    sizes = {"N": 4, "D": 2} if notation == "scalar" else None
    wrt = "w[0]" if notation == "scalar" else "w"
    d = sd.derive(logistic(), wrt, notation=notation, level=level, sizes=sizes)
    if notation == "scalar":
        values = {f"x{a + 1}{b + 1}": X[a, b] for a in range(4) for b in range(2)}
        values |= {f"y{a + 1}": Y[a] for a in range(4)} | {f"w{b + 1}": W[b] for b in range(2)}
    else:
        values = {"x": X, "y": Y, "w": W}
    found = d.at(values, digits=digits)
    for shown in (found.text(), found.latex(), found.html(), found.markdown()):
        flat = re.sub(r"<[^>]*>|−", lambda m: "-" if m[0] == "−" else "", shown)
        assert f"{GRADIENT[0]:.{digits}f}".lstrip("-") in flat
    value = found.bare_lines[-1].value
    first = value if notation == "scalar" else value[0]
    assert float(first) == pytest.approx(GRADIENT[0], rel=1e-12)
