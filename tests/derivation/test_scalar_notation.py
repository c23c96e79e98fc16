import pytest
import sympy as sp

import symdl as sd
from symdl.catalog.layers import DENSE
from symdl.derivation.scalars import in_scalars
from symdl.errors import InputError, Mismatch
from symdl.notation.indices import indices
from symdl.notation.tensors import real, tensors
from tests.derivation.examples import VALUES, network

n, i, j, k = indices("n:N i:D j:H k:K")
x, V, W, t = tensors("x[n,i] V[i,j] W[j,k] t[n,k]", n, i, j, k)
z, h, a, o = tensors("z[n,j] h[n,j] a[n,k] o[n,k]", n, j, k)
E = real("E")


def sigmoid(v):
    return 1 / (1 + sp.exp(-v))


TENSORS = sd.Formula(
    [
        sd.Equation(z[n, j], sd.total(x[n, i] * V[i, j], i)),
        sd.Equation(h[n, j], sigmoid(z[n, j])),
        sd.Equation(a[n, k], sd.total(h[n, j] * W[j, k], j)),
        sd.Equation(o[n, k], sigmoid(a[n, k])),
        sd.Equation(E, sd.total((t[n, k] - o[n, k]) ** 2, n, k) / 2),
    ],
    output=E,
    inputs=[x, t],
    parameters=[V, W],
)
NAMES = {
    "x": [["x1", "x2"]],
    "V": [["W1", "W3"], ["W2", "W4"]],
    "W": [["W5", "W7"], ["W6", "W8"]],
    "t": [["target_o1", "target_o2"]],
    "z": [["z1", "z2"]],
    "h": [["h1", "h2"]],
    "a": [["z3", "z4"]],
    "o": [["o1", "o2"]],
}


@pytest.mark.parametrize(("name", "value"), [("W1", "0.00080888"), ("W5", "0.02592286")])
def test_the_network_in_tensors_becomes_the_worked_example(name, value):
    d = sd.derive(TENSORS, name, notation="scalar", names=NAMES)
    assert sp.expand(d.result - sd.derive(network(), name).result) == 0
    assert [str(line.lhs) for line in d.bare_lines[:9]] == [
        str(line.lhs) for line in sd.derive(network(), name).bare_lines[:9]
    ]
    assert value in d.at(VALUES).text()
    assert d.verify().level == "proved"


def test_an_element_is_named_by_its_place_too():
    by_place = sd.derive(TENSORS, "V[0,0]", notation="scalar", names=NAMES)
    assert by_place.goal == sd.derive(TENSORS, "W1", notation="scalar", names=NAMES).goal


def test_usual_names_leave_axes_of_size_1_out():
    f = in_scalars(DENSE, {"N": 1, "D": 2, "K": 3}).formula
    assert [v.name for v in f.parameters] == [
        *("W11", "W12", "W13", "W21", "W22", "W23"), *("b1", "b2", "b3"),
    ]  # fmt: skip
    assert str(f.equations[-1]) == "L = g_y1*y1 + g_y2*y2 + g_y3*y3"


def test_the_three_notations_agree_in_numbers():
    given = {"x": [[1, 2]], "W": [[1, 2], [3, 4]], "b": [0, 1]}
    index = sd.derive(DENSE, "W").at(given | {"ybar": [[1, -1]]}).lines[-1].value
    matrix = sd.derive(DENSE, "W", notation="matrix").at(given | {"ybar": [[1, -1]]})
    assert matrix.lines[-1].value == index
    words = {"notation": "scalar", "sizes": {"N": 1, "D": 2, "K": 2}}
    numbers = {"x1": 1, "x2": 2, "g_y1": 1, "g_y2": -1, "b1": 0, "b2": 1}
    numbers |= {"W11": 1, "W12": 2, "W21": 3, "W22": 4}
    for row in range(2):
        for column in range(2):
            d = sd.derive(DENSE, f"W[{row},{column}]", **words).at(numbers)
            assert d.lines[-1].value == index[row][column]


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ({}, InputError, "needs sizes: sizes={'D': 2, 'K': 2, 'N': 2}"),
        ({"sizes": {"N": 1, "D": 2, "Q": 2}}, InputError, "there is no size Q"),
        ({"sizes": {"N": 0, "D": 2, "K": 2}}, InputError, "from 1 on, not 0"),
        ({"sizes": {"N": 50, "D": 50, "K": 2}}, InputError, "at most 400"),
        ({"sizes": {"N": 1, "D": 2, "K": 2}}, InputError, "name one element of W: W11, W12"),
        ({"sizes": {"N": 1, "D": 2, "K": 2}, "names": {"b": ["c"]}}, Mismatch, "size K is 2 and 1"),
        (
            {"sizes": {"N": 1, "D": 2, "K": 2}, "names": {"b": ["c", "c"]}},
            InputError,
            "two elements would be called c",
        ),
        ({"names": {"q": ["c", "c"]}}, InputError, "there is no tensor 'q'"),
        (
            {"sizes": {"N": 1, "D": 2, "K": 2}, "names": {"b": ["1c", "c"]}},
            InputError,
            "'1c' is not a name",
        ),
    ],
)
def test_what_cannot_be_written_out(words, error, said):
    with pytest.raises(error, match=said):
        sd.derive(DENSE, "W", notation="scalar", **words)


def test_styles_of_the_worked_example():
    bars = sd.derive(network(), "W1", style="bar").at(VALUES).text()
    assert "W1bar = h1bar · ∂h1/∂z1 · ∂z1/∂W1 = 0.03240681 × 0.24960043 × 0.1 = 0.00080888" in bars
    nablas = sd.derive(network(), "W1", style="nabla").at(VALUES)
    assert r"\nabla_{W_{1}} E" in nablas.latex()
    assert nablas.text().count("0.00080888") == bars.count("0.00080888")
    assert nablas.verify() == sd.derive(network(), "W1").verify()


def test_both_paths_are_written_with_numbers():
    d = sd.derive(network(), "W1").at(VALUES)
    line = next(x for x in d.lines if x.rule == "sum over paths")
    assert str(line.sides[0]).count("Times(") == 2
    assert d.numbers.text(line.value) == "0.00080888"
    assert line.verdict.level == "proved"
    assert "sum over paths" not in {x.rule for x in sd.derive(network(), "W5").bare_lines}


def test_brief_is_the_formula_and_one_line():
    d = sd.derive(network(), "W1", level="brief")
    assert [line.section for line in d.lines].count("together") == 1
    assert len(d.lines) == len(network().equations) + 1
    assert d.verify().level == "proved"
    assert "0.00080888" in d.at(VALUES).text()


def test_what_was_worked_out_once_is_referred_to():
    d = sd.derive(network(), "W1")
    assert d.text(verdicts=False).count("in the same way as: ∂o2/∂z4") == 2
    shapes = {str(x.lhs): len(x.sides) for x in d.bare_lines if x.section == "local"}
    assert (shapes["d(o2)/dz4"], shapes["d(o1)/dz3"], shapes["d(h1)/dz1"]) == (3, 1, 1)


def test_an_expression_of_very_many_operations_is_refused_at_once():
    v = sp.Symbol("v")
    wide = sp.Add(*(v**m for m in range(100_000)))
    deep = v
    for _ in range(100):
        deep = sp.exp(-deep) + v
    for e in (wide, deep):
        with pytest.raises(sd.NotSupported, match="give names"):
            sd.derive(e, v)
