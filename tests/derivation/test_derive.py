import pytest
import sympy as sp

from symdl.calculus.compose import chain
from symdl.calculus.rules import RULES
from symdl.calculus.rules.products import Product
from symdl.calculus.tree import Deriv, Expansion
from symdl.catalog.activations import SIGMOID, SOFTMAX, TANH
from symdl.catalog.layers import DENSE
from symdl.catalog.losses import CATEGORICAL_CROSSENTROPY
from symdl.derivation.derive import derive
from symdl.errors import InputError, NotSupported
from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indices import indices, size_of
from symdl.notation.tensors import TensorSymbol, real, tensors

N, K = size_of("N"), size_of("K")
p, t = TensorSymbol("p", (N, K), positive=True), TensorSymbol("t", (N, K))
x = real("x")
y = real("y")

EXPRESSIONS = [
    "1/(1 + exp(-x))",
    "tanh(x)",
    "x*exp(-x**2)",
    "log(1 + exp(x))/x",
    "sin(x)**2*cos(3*x)",
    "x**a",
    "a*x**3 - x/(x**2 + a)",
    "sqrt(1 + x**2)",
    "(1 + x)**(x + 2)",
    "erf(x/2)*exp(x)",
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_the_result_is_sympys_derivative_and_every_line_is_proved(text):
    d = derive(text, "x")
    whole = d.goal.expr
    at = {x: sp.Rational(7, 5), real("a"): sp.Rational(3, 4)}
    assert abs(sp.N((d.result - whole.diff(x)).subs(at), 30)) < 1e-25
    assert all(line.verdict is not None and line.verdict.ok for line in d.lines)
    assert d.verify().ok


def test_a_formula_is_written_with_its_output():
    assert derive(SIGMOID, "x").result == y * (1 - y)
    assert derive(TANH, x).result == 1 - y**2
    assert derive("y = 1/(1 + exp(-x))", "x").result == y * (1 - y)


def test_a_plain_symbol_comes_back():
    plain = sp.Symbol("x")
    d = derive(plain**2 * sp.exp(plain), plain)
    assert d.result.free_symbols == {plain}
    assert sp.expand(d.result - (plain**2 * sp.exp(plain)).diff(plain)) == 0


def test_a_positive_symbol_is_kept():
    r = sp.Symbol("r", positive=True)
    assert derive(sp.log(r), "r").result == 1 / r


@pytest.mark.parametrize("wrt", ["w", sp.Symbol("w"), "W[a,b]", 3])
def test_an_absent_variable_is_an_error_that_names_those_there(wrt):
    with pytest.raises(
        InputError, match="neither a name" if wrt == 3 else "the variables are: a, x"
    ):
        derive("a*x", wrt)


def test_what_is_no_formula_is_an_error():
    with pytest.raises(InputError, match="derive needs"):
        derive([1, 2], "x")
    with pytest.raises(InputError, match="level"):
        derive("x", "x", level="verbose")


def test_elements_and_tensors():
    i, a = indices("i:D a:D")
    z = tensors("z[i]", i)
    e = Total(z[i] ** 2, i)
    assert derive(e, z[a]).result == 2 * z[a]
    assert str(derive(e, "z[a]").result) == "2*z[a]"
    assert str(derive(e, "z").result) == "2*z[i]"
    with pytest.raises(InputError, match="does not fit"):
        derive(e, "z[a,b]")


def test_dense_as_adjoint_and_as_local_derivative():
    assert str(derive(DENSE, "W").result) == "sum[n](x[n, i]*ybar[n, j])"
    assert str(derive(DENSE, "b").result) == "sum[n](ybar[n, j])"
    assert str(derive(DENSE, "W[a,c]").result) == "Delta(c - j)*x[n, a]"


def test_softmax_with_cross_entropy_shows_how_it_was_eliminated():
    d = derive(chain(SOFTMAX, CATEGORICAL_CROSSENTROPY), "z")
    assert str(d.result) == "(p[n, j] - t[n, j])/N"
    last = d.lines[-1]
    assert last.rule == "elimination"
    assert [(n.key, str(n.lhs), str(n.rhs)) for n in last.notes] == [
        ("solved", "e[n, j]", "S[n]*p[n, j]"),
        ("assumption", "sum[j](t[n, j])", "1"),
    ]
    assert d.verify().level == "proved"


def test_an_elimination_within_a_network_stands_where_it_simplifies():
    n, i, j = indices("n:N i:D j:K")
    z, v, W = tensors("z[n,j] v[n,i] W[i,j]", n, i, j)
    head = Formula(
        sp.Eq(z[n, j], Total(v[n, i] * W[i, j], i), evaluate=False),
        output=z,
        inputs=[v],
        parameters=[W],
    )
    d = derive(chain(chain(head, SOFTMAX), CATEGORICAL_CROSSENTROPY), "W")
    assert d.result == Total(v[n, i] * (p[n, j] - t[n, j]), n) / N
    assert [str(line.sides[-1]) for line in d.lines if line.rule == "elimination"] == [
        "(p[n, j] - t[n, j])/N"
    ]
    assert d.verify().level == "proved"


def test_levels_fold_more_or_less():
    counts = [len(derive("x*exp(-x**2)", "x", level=k).lines) for k in ("brief", "normal", "full")]
    assert counts == [2, 4, 7]
    full = {line.rule for line in derive("x + 2", "x", level="full").lines}
    assert full == {"sum", "constant", "identity"}


def test_a_variable_that_does_not_reach_the_output():
    a, b = real("a"), real("b")
    f = Formula([sp.Eq(b, a**2), sp.Eq(y, x + 1)], output=y, inputs=[a, x])
    d = derive(f, b)
    assert d.result == 0
    assert d.lines[-1].rule == "no use"
    assert d.verify().ok


class WrongProduct(Product):
    """(f g)' = f' g' (the planted error)."""

    def expand(self, d: Deriv) -> Expansion | None:
        found = super().expand(d)
        return None if found is None else Expansion(found.premises, sp.Mul)


def test_a_changed_rule_changes_the_lines_and_is_refuted():
    rules = tuple(WrongProduct() if isinstance(r, Product) else r for r in RULES)
    right, wrong = derive("x*exp(x)", "x"), derive("x*exp(x)", "x", rules=rules)
    assert wrong.result != right.result
    assert wrong.latex(verdicts=False) != right.latex(verdicts=False)
    assert wrong.verify().level == "refuted"
    assert "refuted" in wrong.text()
    with pytest.raises(NotSupported):
        derive(DENSE, "W", rules=rules)


def test_total_and_partial_derivatives_are_told_apart_where_both_occur():
    w, h = real("w"), real("h")
    f = Formula(
        [sp.Eq(h, w * x), sp.Eq(y, h + w**2)], output=y, inputs=[x], parameters=[w]
    )  # fmt: skip
    d = derive(f, w)
    assert d.result == 2 * w + x
    shown = d.text()
    assert "dy/dw = ∂y/∂h · ∂h/∂w + ∂y/∂w" in shown
    assert d.verify().level == "proved"
