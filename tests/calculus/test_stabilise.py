"""Stabilised formulas are the same functions, and finite where the written ones are not."""

import math
import random
from collections.abc import Callable

import pytest
import sympy as sp
from sympy.codegen.cfunctions import expm1, log1p

from symdl.calculus.compose import chain, elementwise
from symdl.calculus.stabilise import stabilise
from symdl.catalog.activations import ALL as ACTIVATIONS
from symdl.catalog.activations import SIGMOID, SOFTMAX
from symdl.catalog.losses import (
    BINARY_CROSSENTROPY,
    CATEGORICAL_CROSSENTROPY,
    SPARSE_CATEGORICAL_CROSSENTROPY,
)
from symdl.formula import Formula
from symdl.notation.binders import Peak, Total
from symdl.notation.indices import indices
from symdl.notation.tensors import TensorSymbol, real, tensors
from tests.calculus.formulas import loss_of
from tests.notation.naive import MP, close, defined, random_world

n, j = indices("n:N j:K")
N, K = n.size, j.size
x, y = real("x"), real("y")
z = tensors("z[n,j]", n, j)
p = TensorSymbol("p", (N, K), positive=True)

SOFT = chain(SOFTMAX, CATEGORICAL_CROSSENTROPY)
SPARSE = chain(SOFTMAX, SPARSE_CATEGORICAL_CROSSENTROPY)
BINARY = chain(elementwise(SIGMOID, z[n, j], p), BINARY_CROSSENTROPY)


def scalar(f):
    return Formula(sp.Eq(y, f, evaluate=False), output=y, inputs=[x], name=str(f))


SCALAR = [scalar(f) for f in (
    sp.log(1 + sp.exp(x)), sp.log(1 + sp.exp(-2 * x)), 1 / (1 + sp.exp(x)), sp.exp(x) - 1,
    sp.log(1 / (1 + sp.exp(-x))), sp.log(sp.exp(x) / (1 + sp.exp(x))), sp.log(sp.exp(3 * x)),
    3 * sp.log(1 + sp.exp(x)) - x, (sp.exp(x) - 1) / (1 + sp.exp(-x)),
)]  # fmt: skip
TENSOR = [SOFTMAX, SOFT, SPARSE, BINARY]


@pytest.mark.parametrize("formula", [*ACTIVATIONS, *SCALAR, *TENSOR], ids=lambda f: f.name)
def test_the_value_is_the_same(formula):
    stable = stabilise(formula).formula
    inputs = [*formula.inputs, *formula.parameters, *(h for h, _ in formula.hyper)]
    for seed, sizes in enumerate(({N: 1, K: 1}, {N: 2, K: 3}, {N: 3, K: 2})):
        world = random_world(random.Random(seed), sizes, inputs)
        one = defined(formula.equations, world)[formula.output]
        two = defined(stable.equations, world)[formula.output]
        if isinstance(one, dict):
            assert all(close(one[at], two[at], digits=60) for at in one)
        else:
            assert close(one, two, digits=60)


def as_float(e, at):
    """What a machine with 64-bit numbers would say; overflow is an error there."""
    known: dict[type, Callable[..., float]] = {
        sp.exp: math.exp, sp.log: math.log, log1p: math.log1p, expm1: math.expm1,
        sp.Abs: abs, sp.Max: max,
    }  # fmt: skip
    if e == x:
        return at
    if e.is_Rational:
        return float(e)
    if isinstance(e, sp.Piecewise):
        return next(
            as_float(v, at) for v, c in e.args if c == sp.true or bool(c.subs(x, sp.Float(at)))
        )
    args = [as_float(a, at) for a in e.args]
    if e.is_Add:
        return sum(args)
    if e.is_Mul:
        return math.prod(args)
    return args[0] ** args[1] if type(e) is sp.Pow else known[type(e)](*args)


@pytest.mark.parametrize(("f", "at", "expected"), [
    (sp.log(1 + sp.exp(x)), 800.0, 800.0), (sp.log(1 + sp.exp(x)), -50.0, math.exp(-50)),
    (1 / (1 + sp.exp(-x)), -800.0, 0.0), (1 / (1 + sp.exp(-x)), 800.0, 1.0),
    (sp.exp(x) - 1, 1e-12, 1e-12), (sp.log(1 / (1 + sp.exp(-x))), -900.0, -900.0),
], ids=str)  # fmt: skip
def test_floats_stay_finite_and_exact(f, at, expected):
    (equation,) = stabilise(scalar(f)).formula.equations
    assert as_float(equation.rhs, at) == pytest.approx(expected, rel=1e-11, abs=1e-300)


@pytest.mark.parametrize("formula", [SOFTMAX, SOFT, SPARSE], ids=lambda f: f.name)
def test_softmax_is_shifted_by_its_maximum(formula):
    stable = stabilise(formula)
    assert any(e.rhs.has(Peak) for e in stable.formula.equations)
    assert any("maximum" in name for name, _, _ in stable.rewrites)
    (data, *_) = formula.inputs
    sizes = {N: 2, K: 2}
    large = {at: MP.mpf(10) ** 6 * (1 + at[1]) for at in ((0, 0), (0, 1), (1, 0), (1, 1))}
    world = {**sizes_of(sizes), data: large}
    world.update({v: random_world(random.Random(1), sizes, [v])[v] for v in formula.inputs[1:]})
    there = defined(stable.formula.equations, world)
    made = [e for e in stable.formula.equations if e.rhs.has(sp.exp)]
    for e in made:
        values = there[e.variable]
        assert all(abs(v) <= 4 for v in (values.values() if isinstance(values, dict) else [values]))


def sizes_of(sizes):
    return {s: MP.mpf(v) for s, v in sizes.items()}


def test_what_uses_the_exponentials_elsewhere_is_not_shifted():
    """The sum of e^z itself changes under a shift, so the rewrite is not taken."""
    (e, S, *_) = SOFTMAX.equations
    total = real("total")
    formula = Formula(
        [e, S, sp.Eq(total, Total(S.lhs, n), evaluate=False)], output=total, inputs=[z]
    )
    world = random_world(random.Random(2), {N: 2, K: 3}, [z])
    assert close(loss_of(formula, world), loss_of(stabilise(formula).formula, world))
    assert not any("maximum" in name for name, _, _ in stabilise(formula).rewrites)


def test_every_rewrite_names_what_it_replaced():
    for formula in TENSOR:
        for name, before, after in stabilise(formula).rewrites:
            assert name
            assert before != after
