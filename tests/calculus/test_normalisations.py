"""Normalising layers, which have no rule of their own: right at every element, and compact."""

import random

import pytest
import sympy as sp

from symdl.calculus.adjoint import adjoint, bar
from symdl.calculus.joint import joint_adjoint
from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indices import Index, indices
from symdl.notation.normal import equal
from symdl.notation.tensors import Elem, TensorSymbol, tensors
from tests.calculus.formulas import loss_of
from tests.notation.naive import close, defined, placements, random_world, slope, value

n, i, m = indices("n:N i:D m:N")
N, D = n.size, i.size
k = Index("k", D)
x, h, out, g, b = tensors("x[n,i] h[n,i] out[n,i] g[i] b[i]", n, i)
eps = sp.Symbol("eps", positive=True)


def norm(over, centred=True):
    """x less its mean, over its deviation, scaled and shifted; over the batch or the features."""
    rest = (i,) if over == n else (n,)
    mu = TensorSymbol("mu", (rest[0].size,))
    r = TensorSymbol("r", (rest[0].size,), positive=True)
    away = x[n, i] - mu[rest] if centred else x[n, i]
    equations = [
        sp.Eq(mu[rest], Total(x[n, i], over) / over.size, evaluate=False),
        sp.Eq(r[rest], 1 / sp.sqrt(Total(away**2, over) / over.size + eps), evaluate=False),
        sp.Eq(h[n, i], away * r[rest], evaluate=False),
        sp.Eq(out[n, i], g[i] * h[n, i] + b[i], evaluate=False),
    ]
    return Formula(
        equations if centred else equations[1:],
        output=out, inputs=[x], parameters=[g, b], hyper=[(eps, sp.Rational(1, 1000))],
    )  # fmt: skip


KINDS = {"batch norm": norm(n), "layer norm": norm(i), "RMS norm": norm(i, centred=False)}
SIZES = ({N: 2, D: 3}, {N: 3, D: 2})


@pytest.mark.parametrize("derive", [adjoint, lambda f: joint_adjoint(f)[0]], ids=["raw", "joint"])
@pytest.mark.parametrize("name", KINDS)
def test_every_gradient_is_right(name, derive):
    formula = KINDS[name]
    found = derive(formula)
    for sizes in SIZES:
        world = random_world(random.Random(3), sizes, (x, g, b, eps, bar(out)))
        gradients = defined(found.equations, defined(formula.equations, world))
        for v in (x, g, b):
            for at in world[v]:
                expected = slope(lambda w: loss_of(formula, w), world, Elem(v, *at))
                assert close(expected, gradients[bar(v)][at], digits=20)


def test_the_backward_pass_of_batch_norm_is_the_one_of_the_paper():
    """xbar = g r (ybar - mean ybar - h mean(ybar h))."""
    up = bar(out)
    away = up[n, i] - Total(up[m, i], m) / N - h[n, i] * Total(up[m, i] * h[m, i], m) / N
    agrees_with("batch norm", g[i] * r_of(i) * away)


def test_the_backward_pass_of_layer_norm():
    """xbar = r (g ybar - mean(g ybar) - h mean(g ybar h))."""
    up = bar(out)
    away = g[i] * up[n, i] - Total(g[k] * up[n, k], k) / D
    agrees_with("layer norm", r_of(n) * (away - h[n, i] * Total(g[k] * up[n, k] * h[n, k], k) / D))


def test_the_backward_pass_of_rms_norm():
    """xbar = r (g ybar - h mean(g ybar h))."""
    up = bar(out)
    inner = Total(g[k] * up[n, k] * h[n, k], k) / D
    agrees_with("RMS norm", r_of(n) * (g[i] * up[n, i] - h[n, i] * inner))


def r_of(index):
    return TensorSymbol("r", (index.size,), positive=True)[index]


def agrees_with(name, by_hand):
    """The reduced adjoint is the answer worked out by hand, and reads nothing else."""
    formula = KINDS[name]
    adjoints = joint_adjoint(formula)[0]
    found = adjoints.step(x).equation.rhs
    assert {a.tensor for a in found.atoms(Elem)} == {a.tensor for a in by_hand.atoms(Elem)}
    assert equal(found, by_hand)
    for sizes in SIZES:
        world = random_world(random.Random(4), sizes, (x, g, b, eps, bar(out)))
        there = defined(adjoints.equations, defined(formula.equations, world))
        for place in placements([found, by_hand], there):
            assert close(value(found, place), value(by_hand, place), digits=30)
            assert not close(value(found, place), value(by_hand * 1001 / 1000, place), digits=30)
