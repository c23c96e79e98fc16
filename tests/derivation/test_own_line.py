import pytest

import symdl as sd
from symdl.calculus.compose import chain
from symdl.catalog.activations import SOFTMAX
from symdl.catalog.layers import DENSE
from symdl.catalog.losses import CATEGORICAL_CROSSENTROPY
from symdl.errors import InputError
from tests.derivation.examples import VALUES, network

NETWORK = sd.derive(network(), "W1")
ROWS = sd.derive(DENSE, "W")
HEAD = sd.derive(chain(SOFTMAX, CATEGORICAL_CROSSENTROPY), "z")


def place(d, lhs, rule):
    return next(
        k for k, x in enumerate(d.bare_lines) if (str(x.lhs), x.rule) == (lhs, rule)
    )  # fmt: skip


MERGE = place(NETWORK, "d(E)/dh1", "chain along the graph")
LAST = len(NETWORK.bare_lines) - 1


@pytest.mark.parametrize(
    ("d", "k", "text", "level"),
    [
        (NETWORK, MERGE, "diff(E,o1)*diff(o1,z3)*W5 + diff(E,o2)*diff(o2,z4)*W7", "proved"),
        (NETWORK, MERGE, "diff(E,o1)*diff(o1,z3)*W5 + diff(E,o2)*diff(o2,z4)*W8", "refuted"),
        (NETWORK, MERGE, "o1bar*o1*(1-o1)*W5 + o2bar*o2*(1-o2)*W7", "proved"),
        (NETWORK, MERGE, "o1bar*o1*(1-o1)*W5", "refuted"),
        (NETWORK, LAST, "h1*x1*(1-h1)*h1bar", "proved"),
        (NETWORK, LAST, "1.001*h1*x1*(1-h1)*h1bar", "refuted"),
        (NETWORK, 2, "1 - 1/(1+exp(z1))", "proved"),
        (NETWORK, 2, "1 - 1/(1+exp(-z1))", "refuted"),
        (ROWS, 3, "sum[n](x[n,i]*ybar[n,j])", "proved"),
        (ROWS, 3, "sum[m:N](x[m,i]*ybar[m,j])", "proved"),
        (ROWS, 3, "sum[n](x[n,i])*sum[n](ybar[n,j])", "refuted"),
        (ROWS, 1, "sum[n,k](ybar[n,k]*diff(y[n,k],W[i,j]))", "proved"),
        (HEAD, -1, "(p[n,j] - t[n,j])/N", "proved"),
        (HEAD, -1, "(p[n,j]*sum[k:K](t[n,k]) - t[n,j])/N", "proved"),  # what is assumed
        (HEAD, -1, "p[n,j] - t[n,j]", "refuted"),
    ],
)
def test_the_verdict_says_whether_the_line_still_holds(d, k, text, level):
    k = k % len(d.bare_lines)
    own = d.with_line(k, text)
    assert own.lines[k].verdict.level == level
    assert bool(own.lines[k].verdict.counterexample) == (level == "refuted")
    assert own.verify().level == level
    others = [a.verdict for a in d.lines[:k] + d.lines[k + 1 :]]
    assert [a.verdict for a in own.lines[:k] + own.lines[k + 1 :]] == others


def test_a_rule_tree():
    d = sd.derive("x*exp(-x**2)", "x")
    right = d.with_line(0, "exp(-x**2) + x*diff(exp(-x**2), x)")
    wrong = d.with_line(0, "exp(-x**2) - x*diff(exp(-x**2), x)")
    assert right.verify().ok
    assert wrong.lines[0].verdict.level == "refuted"
    assert [v.verdict for v in wrong.lines[1:]] == [v.verdict for v in d.lines[1:]]


def test_several_lines_may_be_replaced():
    d = NETWORK.with_line(2, "1 - 1/(1+exp(z1))").with_line(LAST, "h1*x1*(1+h1)*h1bar")
    assert [d.lines[k].verdict.level for k in (2, LAST)] == ["proved", "refuted"]


def test_the_line_is_shown_with_what_stood_there_and_with_numbers():
    d = NETWORK.with_line(MERGE, "o1bar*diff(o1,z3)*W5 + o2bar*diff(o2,z4)*W7")
    shown = d.at(VALUES).text()
    assert "your own, in place of: ∂E/∂h1 = " in shown
    assert shown.count("0.03240681") == NETWORK.at(VALUES).text().count("0.03240681")
    assert "직접 쓴 식" in d.text("ko")
    assert d.latex().count(r"\begin{align*}") == NETWORK.latex().count(r"\begin{align*}")


def test_in_matrix_notation_a_line_is_typed_with_indices():
    d = sd.derive(DENSE, "W", notation="matrix")
    assert d.with_line(3, "sum[n](x[n,i]*ybar[n,j])").verify().level == "proved"
    assert d.with_line(3, "2*sum[n](x[n,i]*ybar[n,j])").verify().level == "refuted"
    with pytest.raises(InputError, match="column 8: found 'x' that does not fit"):
        d.with_line(3, "sum[n](x[n,j]*ybar[n,i])")


@pytest.mark.parametrize(
    ("k", "text", "said"),
    [
        (99, "x1", "there is no line 99; the 23 lines count from 0"),
        (-1, "x1", "there is no line -1"),
        (True, "x1", "there is no line True"),
        (MERGE, "2x1", "column 2: found 'x1'"),
        (MERGE, "W1 + W55", "column 6: the name W55 .* did you mean W5"),
        (MERGE, "a = b", "give the right side alone"),
        (MERGE, "diff(o1, h2)", "does not occur in this derivation; there are: diff"),
        (MERGE, "diff(E)", "a derivative is typed diff"),
        (MERGE, "", "no text"),
    ],
)
def test_what_cannot_be_put_in(k, text, said):
    with pytest.raises(InputError, match=said):
        NETWORK.with_line(k, text)


def test_a_stray_index():
    with pytest.raises(InputError, match="neither on the left nor summed"):
        ROWS.with_line(3, "x[n,i]*ybar[n,j]")
