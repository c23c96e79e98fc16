"""Text is read as it says, and what is wrong is refused in one paragraph."""

import random
from collections.abc import Callable
from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from symdl.errors import InputError
from symdl.notation.binders import ArgPeak, Peak, Total
from symdl.notation.indicators import Delta, UnitStep
from symdl.notation.indices import Index, indices
from symdl.notation.tensors import Elem, TensorSymbol, real, tensors
from symdl.notation.text import parse, parse_equation, parse_symbol

n, i, j, k = indices("n:N i:D j:K k:K")
D, K, M, N = (sp.Symbol(s, integer=True, positive=True) for s in "DKMN")
X, W, B, Z, P = tensors("X[n,i] W[i,j] B[j] Z[k] P[n,j]", n, i, j, k)
T = TensorSymbol("T", (N,), labels=K)
INDICES = {"n": n, "i": i, "j": j, "k": k}
TENSORS = {"X": X, "W": W, "B": B, "Z": Z, "P": P, "T": T}
x, y, a, b, e, alpha = (real(s) for s in ("x", "y", "a", "b", "e", "α"))
R = sp.Rational


def read(text):
    return parse(text, indices=INDICES, tensors=TENSORS)


SCALARS = [
    ("x", x),
    ("α*x", alpha * x),
    ("1/(1 + exp(-x))", 1 / (1 + sp.exp(-x))),
    ("-x**2", -(x**2)),
    ("-x^2", -(x**2)),
    ("2**-1", R(1, 2)),
    ("2**-x", 2**-x),
    ("2**3**2", sp.Integer(512)),
    ("x**y**a", x ** (y**a)),
    ("x/y/a", x / y / a),
    ("x - y - a", x - y - a),
    ("x - (y - a)", x - y + a),
    ("x/y*a", x / y * a),
    ("2*(x + y)*a", 2 * (x + y) * a),
    ("--x", x),
    ("+x - -y", x + y),
    ("x + x", 2 * x),
    ("x*y/x", y),
    ("0.1", R(1, 10)),
    (".5 + 1.", R(3, 2)),
    ("1e-3", R(1, 1000)),
    ("2.5E+2", sp.Integer(250)),
    ("pi + π", 2 * sp.pi),
    ("E**x", sp.exp(x)),
    ("e**x", e**x),
    ("x − y·a", x - y * a),
    ("exp(x)*log(x)*ln(y)", sp.exp(x) * sp.log(x) * sp.log(y)),
    ("sqrt(x) + abs(y) + sign(a)", sp.sqrt(x) + sp.Abs(y) + sp.sign(a)),
    ("sin(x)*cos(x)*tan(x)", sp.sin(x) * sp.cos(x) * sp.tan(x)),
    ("sinh(x)*cosh(x)*tanh(x)", sp.sinh(x) * sp.cosh(x) * sp.tanh(x)),
    ("asinh(x) + atan(x) + erf(x)", sp.asinh(x) + sp.atan(x) + sp.erf(x)),
    ("max(0, x, y)", sp.Max(0, x, y)),
    ("min(1, x)", sp.Min(1, x)),
    ("step(x)", UnitStep(x, 0)),
    ("step(x, 1/2)", UnitStep(x, R(1, 2))),
    ("step(sqrt(2) - 1)", sp.Integer(1)),
    ("where(x < 1, a, b)", sp.Piecewise((a, x < 1), (b, True))),
    ("where(x ≤ y, a, b)", sp.Piecewise((a, x <= y), (b, True))),
    ("where(x == 1, a, b)", sp.Piecewise((a, sp.Eq(x, 1)), (b, True))),
    ("where(2 > 1, a, b)", a),
    ("where(pi >= 4, a, b)", b),
    ("delta*(abs(x) - delta/2)", real("delta") * (sp.Abs(x) - real("delta") / 2)),
    ("exp(-1e9*x)", sp.exp(-(10**9) * x)),
    ("exp(10**9)", sp.exp(10**9, evaluate=False)),
    ("x\n + y", x + y),
    ("ｘ", x),  # as in Python, a name means its compatibility form
]

INDEXED = [
    ("X[n,i]", X[n, i]),
    ("sum[i](X[n,i]*W[i,j]) + B[j]", Total(X[n, i] * W[i, j], i) + B[j]),
    ("sum[i,j](W[i,j]**2)", Total(W[i, j] ** 2, i, j)),
    ("sum[i](sum[j](W[i,j]**2))", Total(W[i, j] ** 2, i, j)),
    ("max[k](Z[k])", Peak(Z[k], k)),
    ("argmax[k](Z[k])", ArgPeak(Z[k], k)),
    ("Z[argmax[k](Z[k])]", Z[ArgPeak(Z[k], k)]),
    ("X[n,i+1] - X[n,2*i-1]", X[n, i + 1] - X[n, 2 * i - 1]),
    ("X[n,D-1-i]", X[n, D - 1 - i]),
    ("X[0,-i+n]", X[0, n - i]),
    ("P[n,T[n]]", P[n, T[n]]),
    ("delta(j,k)", Delta(j - k)),
    ("delta(j,T[n])", Delta(j - T[n])),
    ("sum[i](X[n,i])/D", Total(X[n, i], i) / D),
    ("sum[i](i*X[n,i])", Total(i * X[n, i], i)),
    ("sum[j](where(B[j] > 0, B[j], 0))", Total(sp.Piecewise((B[j], B[j] > 0), (0, True)), j)),
    ("sum[q:D](X[n,q])", Total(X[n, i], i)),
    ("exp(Z[j])/sum[k](exp(Z[k]))", sp.exp(Z[j]) / Total(sp.exp(Z[k]), k)),
]


@pytest.mark.parametrize(("text", "meant"), SCALARS + INDEXED)
def test_meaning(text, meant):
    assert read(text) == meant


def test_tensors_are_inferred_from_their_first_use_with_plain_indices():
    found = parse("sum[i:D](u[i+1]*u[i]*v[m:3,i])/D")
    sizes = {t.name: t.axes for t in found.atoms(TensorSymbol)}
    assert sizes == {"u": (D,), "v": (3, D)}
    assert D in found.free_symbols


def test_what_is_used_as_an_index_holds_labels_of_that_axis():
    found = parse("log(sum[k:K](exp(z[n:N,k]))) - z[n,t[n]]")
    (label,) = (t for t in found.atoms(TensorSymbol) if t.name == "t")
    assert (label.axes, label.labels) == ((N,), K)


def test_an_inner_sum_may_use_the_name_of_an_outer_one():
    m = Index("m", M)
    u, v = TensorSymbol("u", (D,)), TensorSymbol("v", (M,))
    assert parse("sum[i:D](u[i]*sum[i:M](v[i]))") == Total(u[i] * Total(v[m], m), i)


def test_sizes_are_the_sizes_also_before_they_are_declared():
    assert parse("1/D*sum[i:D](u[i])") == Total(TensorSymbol("u", (D,))[i], i) / D


def test_symbols_and_functions_of_the_caller():
    rate = sp.Symbol("rate", positive=True)
    assert parse("sqrt(rate**2)", symbols={"rate": rate}) == rate
    assert parse("lamda_", symbols={"lamda_": rate}) == rate
    sigmoid = {"sigmoid": lambda z: 1 / (1 + sp.exp(-z))}
    assert parse("sigmoid(2*x)", functions=sigmoid) == 1 / (1 + sp.exp(-2 * x))
    with pytest.raises(InputError, match=r"'sigmoid\(...\)' without a value"):
        parse("sigmoid(x, y)", functions=sigmoid)
    with pytest.raises(InputError, match=r"did you mean sigmoid\?"):
        parse("sigmod(x)", functions=sigmoid)


def test_equations():
    lhs, rhs = parse_equation("y[n:N,j:K] = sum[i:D](x[n,i]*W[i,j]) + b[j]")
    assert (lhs.tensor.axes, lhs.index) == ((N, K), (n, j))
    assert isinstance(rhs, sp.Add)
    recurrence = parse_equation("h[s:S] = tanh(w*h[s-1])")
    assert recurrence[1].has(Elem)
    assert parse_equation("y = a*x") == (y, a * x)


@pytest.mark.parametrize(
    "text", ["y", "y = a = b", "2 = y", "pi = y", "x + y = a", "h[s:S,s] = 1", "h[s:S-1] = 0", "=y"]
)
def test_no_equation(text):
    with pytest.raises(InputError, match=r"^line 1, column"):
        parse_equation(text)


def test_symbols_alone():
    assert parse_symbol(" x ") == x
    assert parse_symbol("delta") == real("delta")
    assert parse_symbol("W", tensors=TENSORS) is W
    rate = sp.Symbol("rate", positive=True)
    assert parse_symbol("rate", symbols={"rate": rate}) is rate


@pytest.mark.parametrize("text", ["", "x+y", "2", "pi", "E", "x[i]", "exp", "lambda", "__x", "x;"])
def test_no_symbol(text):
    with pytest.raises(InputError, match=r"^line 1, column"):
        parse_symbol(text)


# Each pair: a text, and what its message must say.
WRONG = [
    ("", "found no text"),
    (" \n", "found no text"),
    ("2x", "column 2: found 'x' after '2'.*product is written"),
    ("2(x)", "product is written"),
    ("(x)(y)", "product is written"),
    ("x y", "product is written"),
    ("sum[i:D] u[i]", "the body of sum"),
    ("x +\n* y", r"found '\*' after '\+'; expected a number"),
    ("x+", "column 3: found the end of the text; expected a number"),
    ("(x", "which is never closed"),
    ("x)", "no closing bracket"),
    ("(x]", r"expected '\)' for the '\(' in column 1"),
    ("f(x)", "no function has this name; expected one of abs, .*, where"),
    ("cosinh(x)", "did you mean"),
    ("sgn(x)", "did you mean sign"),
    ("log(x, 2)", "log is natural"),
    ("exp()", "no arguments"),
    ("exp + 1", "without arguments"),
    ("max(x)", "1 argument of 'max'"),
    ("sum(x)", "without an index"),
    ("sum", "alone"),
    ("sum[i:D]", "without a body"),
    ("mean[i:D](x)", "expected sum, max or argmax"),
    ("max[i:D,j:K](x)", "one index"),
    ("sum[i:D,i:D](x)", "bound twice"),
    ("sum[i+1](x)", "name of an index"),
    ("sum[i:2.5](x)", "neither a name nor a positive whole number"),
    ("sum[i:0](x)", "neither a name nor a positive whole number"),
    ("sum[q](x)", "unknown index 'q'"),
    ("sum[i:D](u[ii])", "unknown index 'ii'.*did you mean i"),
    ("sum[i:D](u[i]) + i", "outside of the sum"),
    ("sum[i:D](u[i]) + u", "a tensor, without indices"),
    ("sum[i:D](u[i+1])", "axes are not known"),
    ("sum[i:D](sum[j:K](u[i]*u[j]))", "index j runs over size K"),
    ("sum[i:D](u[i,i]) + sum[i:D](u[i])", "2 axes"),
    ("sum[i:D](u[i]*u[i*i])", "index expression"),
    ("sum[i:D](u[i]*u[i/2])", "index expression"),
    ("sum[i:D](u[i]*u[-1])", "outside of the axes"),
    ("u[i:D] + u[i:K]", "a second size"),
    ("sum[D:D](x)", "as an index and as a size"),
    ("sum[exp:D](x)", "means something else"),
    ("x[1]", "axes are not known"),
    ("a < b", "comparison"),
    ("where(x, a, b)", "no comparison"),
    ("where(x < y < 2, a, b)", "two sides"),
    ("where(where(x < 1, a, b) < 1, a, b)", "equation of its own"),
    ("where(x != y, a, b)", "swap"),
    ("delta(x, 1)", "unknown index 'x'"),
    ("step(x, 2)", "a number from 0 to 1"),
    ("x = y", "an expression"),
    ("I*x", "real and finite"),
    ("nan", "real and finite"),
    ("1/0", "column 3: found a division by zero"),
    ("1/(x-x)", "division by zero"),
    ("0**-1", "division by zero"),
    ("log(0)", "log"),
    ("tan(pi/2)", "finite"),
    ("log(-2)", "not real"),
    ("sqrt(-1)", "not real"),
    ("(-8)**(1/3)", "not real"),
    ("log(1-pi)", "not real"),
    ("sqrt(-x**2)", "not real"),
    ("1/((1+sqrt(2))**2-3-2*sqrt(2))", "cannot be told from zero"),
    ('"abc"', "no quoted text"),
    ("x'", "derivative"),
    ("x; y", "one formula"),
    ("x, y", "function"),
    ("x!", "factorial"),
    ("|x|", "abs"),
    ("{x}", "group"),
    ("\\frac", "LaTeX"),
    ("x²", r"x\*\*2"),
    ("x\0", r"U\+0000"),
    ("x\u200b", r"U\+200B"),
    ("x\ud800", r"U\+D800"),
    ("__import__('os')", "two underscores"),
    ("__x", "two underscores"),
    ("x.__class__", "no attributes"),
    ("().__class__", "found '\\)'"),
    ("lambda: 0", "a word of Python.*lamda"),
    ("lambda", "a word of Python"),
    ("𝐥ambda", "a word of Python"),
    ("None + True", "a word of Python"),
    ("x if y else a", "a word of Python"),
    ("x := 1", "':'"),
    ("import os", "a word of Python"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_wrong_is_said_in_one_paragraph(text, said):
    with pytest.raises(InputError, match=f"(?s)^line .*{said}") as caught:
        parse(text)
    message = str(caught.value)
    assert "; expected " in message
    assert message.isprintable()
    assert message.endswith(".")


def test_the_line_is_counted():
    with pytest.raises(InputError, match=r"^line 2, column 3: found 'y'"):
        parse("x +\nx y")


def test_only_labels_of_the_axis_are_indices():
    for text in ("P[n,X[n,i]]", "X[n,T[n]]", "X[n,argmax[k](Z[k])]", "delta(j,X[n,i])"):
        with pytest.raises(InputError, match="labels"):
            read(text)
    with pytest.raises(InputError, match="as a symbol and as a size"):
        parse("D*sum[i:D](x[i])", symbols={"D": real("D")})
    with pytest.raises(InputError, match=r"'p\[...\]', whose axes are not known"):
        parse("p[n:N,t[n]]")


@pytest.mark.parametrize("text", [None, 3, b"x", x])
def test_what_is_no_text(text):
    with pytest.raises(InputError, match="read from a str"):
        parse(text)


# Random trees, printed here with random brackets and spaces, against an evaluation of the tree.

LEAVES = st.one_of(
    st.sampled_from(["x", "y", "α"]).map(lambda s: ("name", s)),
    st.integers(0, 9).map(lambda v: ("number", str(v))),
    st.sampled_from(["0.5", "1.25", "2e-1", ".75"]).map(lambda v: ("number", v)),
)
TREES = st.recursive(
    LEAVES,
    lambda t: st.one_of(
        st.tuples(st.sampled_from("+-*/"), t, t),
        st.tuples(st.just("**"), t, st.integers(-2, 3)),
        st.tuples(st.sampled_from(["neg", "abs", "max", "min", "where"]), t, t),
    ),
    max_leaves=12,
)
LEVEL = {"+": 1, "-": 1, "*": 2, "/": 2, "neg": 3, "**": 4}


def printed(t, rng):
    """The text of ``t`` and its level of precedence, with what brackets are needed and more."""
    kind = t[0]
    space = rng.choice(["", " ", "  "])
    if kind in ("name", "number"):
        text, level = t[1], 5
    elif kind in ("abs", "max", "min", "where"):
        one, two = printed(t[1], rng)[0], printed(t[2], rng)[0]
        inner = {"abs": one, "where": f"x <{space}1/2,{two}{space},{one}"}
        text, level = f"{kind}({inner.get(kind, f'{one},{space}{two}')})", 5
    else:
        level = LEVEL[kind]
        left = bracketed(t[1], {"**": 5}.get(kind, level), rng)
        if kind == "neg":
            text = f"-{space}{left}"
        elif kind == "**":
            text = f"{left}{space}{rng.choice(['**', '^'])}{space}{t[2]}"
        else:
            text = f"{left}{space}{kind}{space}{bracketed(t[2], level + 1, rng)}"
    while rng.random() < 0.2:
        text, level = f"({space}{text}{space})", 5
    return text, level


def bracketed(t, least, rng):
    text, level = printed(t, rng)
    return text if level >= least else f"({text})"


OPERATIONS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda p, q: p + q,
    "-": lambda p, q: p - q,
    "*": lambda p, q: p * q,
    "/": lambda p, q: p / q,
    "**": lambda p, q: Fraction(p**q),
    "neg": lambda p, q: -p,
    "abs": lambda p, q: abs(p),
    "max": max,
    "min": min,
}


def valued(t, point):
    kind = t[0]
    if kind == "name":
        return point[t[1]]
    if kind == "number":
        return Fraction(t[1])
    if kind == "where":
        return valued(t[2] if point["x"] < Fraction(1, 2) else t[1], point)
    right = t[2] if kind == "**" else valued(t[2], point)
    return OPERATIONS[kind](valued(t[1], point), right)


def read_or_refused(text):
    try:
        return parse(text)
    except InputError as error:
        return str(error)


@given(TREES, st.integers(0, 999))
def test_random_trees_mean_what_was_printed(tree, seed):
    rng = random.Random(seed)
    text = printed(tree, rng)[0]
    expr = read_or_refused(text)
    if isinstance(expr, str):
        assert "zero" in expr or "units of work" in expr
        return
    for _ in range(4):
        point = {s: Fraction(rng.randint(-50, 50), rng.randint(1, 9)) for s in "xyα"}
        try:
            value = valued(tree, point)
        except ZeroDivisionError:
            continue
        at = {real(s): R(v.numerator, v.denominator) for s, v in point.items()}
        assert expr.subs(at) == R(value.numerator, value.denominator), text


@given(TREES, st.integers(0, 999), st.integers(0, 999))
def test_redundant_brackets_and_spaces_change_nothing(tree, one, two):
    plain, other = (read_or_refused(printed(tree, random.Random(r))[0]) for r in (one, two))
    assert plain == other or (isinstance(plain, str) and isinstance(other, str))
