"""Long expressions are named, huge ones cut; nothing changes but how they are written."""

import math

import pytest
import sympy as sp

import symdl as sd
from symdl.calculus.tree import Deriv
from symdl.derivation import lets
from symdl.derivation.cut import MOST_PARTS, parts_of
from symdl.derivation.derivation import Derivation
from symdl.derivation.lets import headline, with_names
from symdl.derivation.plain_printer import plain_text
from symdl.derivation.shown import plain
from symdl.derivation.steps import Equal
from symdl.derivation.words import en, ko
from symdl.formula import Formula
from symdl.notation.tensors import real
from symdl.notation.text import parse

COLUMNS = 100  # a width that the examples go beyond
LONG = "exp(-(a + b + c*x)**2)*(log(a + b + c*x) + d)*(sin(a + b + c*x) + f)"
VALUES = {"a": 1, "b": "0.5", "c": "0.25", "d": 2, "f": 3, "x": "0.5"}


def network() -> Formula:
    n, i, j, k = sd.indices("n:N i:D j:K k:M")
    x, W, V, y = sd.tensors("x[n,i] W[i,j] V[j,k] y[n,k]", n, i, j, k)
    a, s = sd.tensors("a[n,j] s[n,k]", n, j, k)
    loss = real("L")
    r = y[n, k] - s[n, k]
    return Formula(
        [
            sp.Eq(a[n, j], sp.tanh(sd.total(x[n, i] * W[i, j], i))),
            sp.Eq(s[n, k], sp.tanh(sd.total(a[n, j] * V[j, k], j))),
            sp.Eq(loss, sd.total(r**4 + sp.exp(-(r**2)) * s[n, k] ** 2, n, k)),
        ],
        inputs=[x, y],
        parameters=[W, V],
        output=loss,
    )


@pytest.fixture(scope="module", autouse=True)
def narrow():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lets, "COLUMNS", COLUMNS)
        yield


@pytest.fixture(scope="module")
def long(narrow) -> Derivation:
    return sd.derive(LONG, "x")


def where(d: Derivation) -> list[str]:
    return [n.written(plain_text) for line in d.bare_lines for n in line.notes if n.key == "where"]


def test_no_side_is_longer_than_the_stated_width(long):
    for line in long.bare_lines:
        assert all(len(plain_text(s)) <= COLUMNS for s in line.sides if not s.has(Deriv))
        for n in line.notes:
            assert len(plain_text(n.rhs)) <= COLUMNS
    assert where(long)[:3] == [
        "u1 = d + log(a + b + c·x)",
        "u2 = f + sin(a + b + c·x)",
        "u3 = exp(-(a + b + c·x)²)",
    ]
    assert long.verify().level == "proved"


def test_putting_the_names_back_by_hand_gives_sympys_derivative(long):
    names = ("a", "b", "c", "d", "f", "x")
    symbols = {s: real(s) for s in (*names, "u1", "u2", "u3", "u4")}
    shown = headline(long)
    (_, result), lets = shown[0], shown[1:]
    assert [str(name) for name, _ in lets] == ["u1", "u2", "u3", "u4"]
    e = result.args[0]
    for name, value in reversed(lets):
        e = e.subs(name, value)
    expected = sp.diff(sp.sympify(LONG, locals={s: symbols[s] for s in names}), symbols["x"])
    at = {symbols[k]: sp.Rational(str(v)) for k, v in VALUES.items()}
    assert abs(sp.N((e - expected).subs(at), 30)) < 1e-25
    assert sp.simplify(plain(result) - long.result) == 0


def test_a_name_that_stands_for_something_else_is_refuted(long):
    seen = 0
    for _, step in long.read():
        for claim in (c for c in step.claims if isinstance(c, Equal) and c.definitions):
            wrong = tuple(type(t)(t.lhs, t.rhs + sp.Rational(1, 1000)) for t in claim.definitions)
            verdict = long.judge.judge_equation(claim.lhs, claim.rhs, wrong)
            assert verdict.level == "refuted"
            seen += 1
    assert seen == 4


def test_names_in_use_are_left_alone():
    text = LONG.replace("a ", "u1 ").replace("d)", "u_2)").replace("f)", "U4)")
    d = sd.derive(text, "x")
    assert [s.partition(" = ")[0] for s in where(d)] == ["u3", "u5", "u6", "u7"]
    assert d.verify().level == "proved"


@pytest.mark.parametrize(("lang", "words"), [("en", en.WORDS), ("ko", ko.WORDS)])
def test_every_output_says_where(long, lang, words):
    said = words["note.where"]
    for shown in (long.text(lang), long.latex(lang=lang), long.markdown(lang), long.html(lang)):
        assert shown.count(said) >= 4
    assert "u_{1} = d + " in long.latex()
    assert "u_{1} = d + " in long.markdown()
    assert str(long.json()).count("'kind': 'where'") == 4
    assert long._repr_latex_().count(r"\quad u_") == 4


def test_numbers_stand_for_names_too(long):
    d = long.at(VALUES, digits=4)
    u = 1.0 + 0.5 + 0.25 * 0.5
    assert f"u1 = d + log(a + b + c·x) = {2 + math.log(u):.4f}" in d.text(verdicts=False)
    u1, u2, u3 = 2 + math.log(u), 3 + math.sin(u), math.exp(-u * u)
    product = 0.25 * u3 * (u1 * math.cos(u) + u2 / u - 2 * u1 * u2 * u)
    assert float(d.bare_lines[-1].value) == pytest.approx(product, rel=1e-12)
    assert f"= 0.25 × {u3:.4f} × " in d.text(verdicts=False)


def test_a_line_of_ones_own_may_use_the_names(long):
    k = len(long.bare_lines) - 1
    right = long.with_line(k, "c*u3*u4/(a + b + c*x)")
    assert right.lines[k].verdict.level == "proved"
    assert long.with_line(k, "c*u3*u4/(a + b + x)").lines[k].verdict.level == "refuted"


@pytest.mark.parametrize("notation", ["index", "matrix"])
def test_arrays_are_named_with_their_indices(notation):
    d = sd.derive(network(), "W", notation=notation)
    assert d.verify().level == "proved"
    named = where(d)
    assert named
    assert all(len(plain_text(s)) <= COLUMNS for s in d.bare_lines[-1].sides)
    expected = "U1 = " if notation == "matrix" else "u1[n,m] = "
    assert named[0].startswith(expected)
    assert ("U_{1} = " if notation == "matrix" else r"u^{(1)}_{n m} = ") in d.latex(verdicts=False)


def test_short_lines_stay_as_they_are():
    d = sd.derive("x*exp(-x**2)", "x")
    assert with_names(d) is d
    assert where(d) == []


def test_a_huge_line_is_cut_and_says_so():
    count = 150
    terms = sp.Add(*(real(f"a{k}") * sp.sin(real(f"a{k}") * real("x")) for k in range(count)))
    d = sd.derive(terms, "x", level="brief")
    assert parts_of(d.result) > MOST_PARTS
    assert d.result == sp.diff(terms, real("x"))
    assert d.verify().ok
    (line,) = d.bare_lines
    assert "note.cut" in en.WORDS
    assert line.notes[0].key == "cut"
    assert int(line.notes[0].lhs) == max(parts_of(plain(s)) for s in (line.lhs, *line.sides))
    for shown in (d.text(), d.latex(), d.markdown(), d._repr_latex_()):
        assert len(shown) < 2500
        assert "…" in shown or r"\cdots" in shown
    value = d.at({f"a{k}": 1 for k in range(count)} | {"x": 0}, digits=1).bare_lines[-1].value
    assert float(value) == count


def test_text_that_is_parsed_has_no_dots():
    with pytest.raises(sd.errors.InputError):
        parse("a + … + b")
