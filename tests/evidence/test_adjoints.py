"""Adjoints: what the catalogue derives is proved, and an error planted in any step is refuted."""

from dataclasses import replace

import pytest
import sympy as sp

from symdl.calculus.adjoint import adjoint, bar
from symdl.calculus.compose import chain
from symdl.calculus.joint import joint_adjoint
from symdl.calculus.lemmas import Lemma
from symdl.catalog.activations import ALL as ACTIVATIONS
from symdl.catalog.activations import SOFTMAX
from symdl.catalog.layers import ALL as LAYERS
from symdl.catalog.layers import DENSE
from symdl.catalog.losses import ALL as LOSSES
from symdl.catalog.losses import CATEGORICAL_CROSSENTROPY
from symdl.evidence.gradients import judge_adjoint, judge_reduction, judge_step
from symdl.formula import Equation, Formula
from symdl.notation.binders import Total, rename
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, tensors

WITH_LOGITS = chain(SOFTMAX, CATEGORICAL_CROSSENTROPY)


CATALOGUE = [*ACTIVATIONS, *LAYERS, *LOSSES, WITH_LOGITS]


@pytest.mark.parametrize("formula", CATALOGUE, ids=lambda f: f.name)
def test_the_catalogue_passes(formula):
    verdicts = judge_adjoint(formula)
    assert verdicts
    assert all(verdict.ok for _, verdict in verdicts), [f"{w}: {v}" for w, v in verdicts]
    assert {what for what, _ in verdicts} >= {
        f"gradient of {s.variable}" for s in adjoint(formula).steps if s.variable in formula.inputs
    }


def with_rhs(step, rhs):
    return replace(step, equation=Equation(step.equation.lhs, rhs))


def planted(step):
    rhs = step.equation.rhs
    n = step.equation.index[0]
    yield "0.1 per cent off", rhs * sp.Rational(1001, 1000)
    yield "wrong sign", -rhs
    yield "1/N added", rhs / n.size
    yield "a term lost", sp.S.Zero
    yield "wrong index", rename(rhs, {n: sp.S.Zero})


@pytest.mark.parametrize("number", range(5))
def test_an_error_in_a_step_of_dense_is_refuted(number):
    whole = adjoint(DENSE)
    step = whole.step(DENSE.inputs[0])
    assert judge_step(step, whole).level == "proved"
    name, rhs = list(planted(step))[number]
    assert judge_step(with_rhs(step, rhs), whole).level == "refuted", name


def test_a_transposed_matrix_is_refuted_where_shapes_do_not_show_it():
    n, i, o = (Index(name, sp.Integer(2)) for name in "nio")

    x, W, out = tensors("x[n,i] W[i,o] out[n,o]", n, i, o)
    layer = Formula(
        sp.Eq(out[n, o], Total(x[n, i] * W[i, o], i), evaluate=False),
        output=out, inputs=[x], parameters=[W],
    )  # fmt: skip
    whole = adjoint(layer)
    step = whole.step(x)
    row, column = step.equation.index
    r = Index("r", i.size)
    right = Total(Elem(bar(out), row, r) * W[column, r], r)
    wrong = Total(Elem(bar(out), row, r) * W[r, column], r)
    assert judge_step(with_rhs(step, right), whole).level == "proved"
    assert judge_step(with_rhs(step, wrong), whole).level == "refuted"


def test_an_error_in_a_local_derivative_is_refuted():
    whole = adjoint(DENSE)
    step = whole.step(DENSE.parameters[0])
    (use,) = step.uses
    local = replace(use.local, after=2 * use.local.after)
    assert not judge_step(replace(step, uses=(replace(use, local=local),)), whole).ok


def test_a_use_left_out_is_refuted():
    whole = adjoint(SOFTMAX)
    step = next(s for s in whole.steps if len(s.uses) == 2)
    assert judge_step(step, whole).ok
    assert not judge_step(replace(step, uses=step.uses[:1]), whole).ok


def reduced():
    z = SOFTMAX.inputs[0]
    whole, reductions = joint_adjoint(WITH_LOGITS)
    return whole, dict(reductions)[z]


def test_an_error_in_an_elimination_is_refuted():
    whole, reduction = reduced()
    assert judge_reduction(reduction, whole).level == "proved"
    for wrong in (
        reduction.after * sp.Rational(1001, 1000),
        -reduction.after,
        reduction.after * Index("n", sp.Symbol("N", integer=True, positive=True)).size,
        reduction.before + 1,
    ):
        assert judge_reduction(replace(reduction, after=wrong), whole).level == "refuted"


def test_a_false_lemma_is_no_excuse():
    whole, reduction = reduced()
    lemma = reduction.lemmas[0]
    false = Lemma(lemma.total, lemma.value + 1)
    wrong = replace(reduction, lemmas=(false,), after=2 * reduction.after)
    assert judge_reduction(wrong, whole).level == "refuted"


def test_without_its_assumption_the_elimination_is_refuted():
    whole, reduction = reduced()
    assert whole.formula.assumptions
    bare = replace(whole, formula=replace(whole.formula, assumptions=()))
    assert judge_reduction(reduction, bare).level == "refuted"
