"""What is derived rather than defined: results that the catalogue lists beside its formulas.

Each has the formula that it is about and the verdicts on what it says; its page has its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import sympy as sp
from sympy.core.expr import Expr

from symdl.book.claims.optimizers import DECAY
from symdl.catalog import activations, layers
from symdl.catalog import optimizers as o
from symdl.evidence.depth import chain_of_units, judge_bound, judge_chain
from symdl.evidence.descent import descent
from symdl.evidence.direction import direction
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.identities import judge_affine, stacked
from symdl.evidence.minibatch import minibatch
from symdl.evidence.minimiser import judge_minimiser, minimiser
from symdl.evidence.newton import error_law, newton
from symdl.evidence.updates import judge_decay_is_penalty
from symdl.evidence.verdict import Verdict
from symdl.formula import Formula
from symdl.notation.binders import Total
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import real, tensors

__all__ = ["Result", "results"]

_w, _a, _f = real("w"), real("a"), real("f")
_BISHOP = "Bishop (2006), Pattern Recognition and Machine Learning"
_GOODFELLOW = "Goodfellow, Bengio, Courville (2016), Deep Learning"


@dataclass(frozen=True)
class Result:
    """A formula that stands for a subject, the chapter of its page, and what judges it."""

    formula: Formula
    chapter: str
    judge: Callable[[], tuple[tuple[str, Verdict], ...]]


@cache
def results() -> tuple[Result, ...]:
    """All results, in the order of the book.

    >>> [r.formula.name for r in results()][:2]
    ['why_nonlinear', 'gradient_descent']
    """
    return (
        Result(_stack(), "activations", _judge_stack),
        Result(_scalar("gradient_descent", "gradient descent on a square", _w**2, _BISHOP),
               "descent", lambda: tuple(_judge_descent())),
        Result(_newton(), "descent", lambda: tuple(_judge_newton())),
        Result(_batch(), "descent", lambda: minibatch().verdicts()),
        Result(_graph(), "backpropagation", lambda: judge_adjoint(_graph())),
        Result(_scores(), "backpropagation", lambda: judge_adjoint(_scores())),
        Result(_decay(), "optimizers", _judge_decay),
        Result(_lasso(), "regularization", _judge_lasso),
        Result(_chain(), "gradient_trouble", lambda: tuple(_judge_chain())),
    )  # fmt: skip


def _scalar(name: str, title: str, e: Expr, source: str) -> Formula:
    given = sorted(e.free_symbols, key=str)
    return Formula(
        sp.Eq(_f, e, evaluate=False), output=_f, inputs=given,
        domain=dict.fromkeys(given, sp.Reals), name=name, title=title, source=source,
    )  # fmt: skip


def _named(f: Formula, name: str, title: str, source: str) -> Formula:
    """The formula under another name, each input in the set that it is declared to lie in."""
    domain = tuple((v, f.domain_of(v)) for v in f.inputs)
    return replace(f, name=name, title=title, source=source, domain=domain)


def _stack() -> Formula:
    return _named(
        stacked(layers.DENSE, 2), "why_nonlinear",
        "a stack of linear layers is one linear layer", layers.DENSE.source,
    )  # fmt: skip


def _judge_stack() -> tuple[tuple[str, Verdict], ...]:
    (x,) = layers.DENSE.inputs
    return tuple((f"{d} layers are one", judge_affine(stacked(layers.DENSE, d), x)[2])
                 for d in (2, 3, 5))  # fmt: skip


def _judge_descent() -> Iterator[tuple[str, Verdict]]:
    found = descent(_w**2, _w, o.SGD, (o.w, o.g, o.rate))
    yield "each step multiplies the distance by one factor", found.verdict
    for text in ("0.4", "0.6"):
        yield f"the rate {text} converges", found.judge_converges(sp.Rational(text))
    for what, verdict in direction(_w**2, [_w]).verdicts():
        yield f"direction of descent: {what}", verdict


def _newton() -> Formula:
    slope, bend, new = real("slope"), real("curvature"), real("w_new")
    return Formula(
        sp.Eq(new, _w - slope / bend, evaluate=False), output=new, inputs=[_w, slope, bend],
        domain={_w: sp.Reals, slope: sp.Reals, bend: sp.Interval.open(0, sp.oo)},
        name="newton", title="Newton's method",
        source="Nocedal, Wright (2006), Numerical Optimization, section 3.3",
    )  # fmt: skip


def _judge_newton() -> Iterator[tuple[str, Verdict]]:
    b, c = real("b"), real("c")
    line = newton(_a * _w**2 / 2 + b * _w + c, [_w])
    yield "a quadratic is at its stationary point after one step", line.judge_one_step()
    yield "the error is squared at each step", error_law().verdict


def _batch() -> Formula:
    m = Index("m", size_of("M"))
    g, mean = tensors("g[m] g_mean", m)
    return Formula(
        sp.Eq(mean, Total(g[m], m) / m.size, evaluate=False), output=mean, inputs=[g],
        domain={g: sp.Reals}, name="minibatches", title="the gradient of a mini-batch",
        source="Robbins, Monro (1951), A Stochastic Approximation Method; Cochran (1977), "
        "Sampling Techniques, theorem 2.2",
    )  # fmt: skip


def _graph() -> Formula:
    x, y, z, q = (real(name) for name in "xyzq")
    return Formula(
        [sp.Eq(q, x + y), sp.Eq(_f, q * z)], output=_f, inputs=[x, y, z],
        domain=dict.fromkeys((x, y, z), sp.Reals), name="computational_graphs",
        title="a scalar expression as a computational graph", source=f"{_GOODFELLOW}, section 6.5",
    )  # fmt: skip


def _scores() -> Formula:
    i, h, k = Index("i", size_of("D")), Index("h", size_of("H")), Index("k", size_of("K"))
    x, W1, s, a, W2, f = tensors("x[i] W1[h,i] s[h] a[h] W2[k,h] f[k]", i, h, k)
    return Formula(
        [
            sp.Eq(s[h], Total(W1[h, i] * x[i], i), evaluate=False),
            sp.Eq(a[h], sp.Max(0, s[h]), evaluate=False),
            sp.Eq(f[k], Total(W2[k, h] * a[h], h), evaluate=False),
        ],
        output=f, inputs=[x], parameters=[W1, W2], domain={x: sp.Reals}, name="linear_scores",
        title="scores of two layers of templates", kinks=["s = 0: the derivative is taken as 0"],
        source=f"{_GOODFELLOW}, section 6.1",
    )  # fmt: skip


def _decay() -> Formula:
    return Formula(
        sp.Eq(o.w_new, (1 - o.rate * DECAY) * o.w - o.rate * o.g, evaluate=False),
        output=o.w_new, inputs=[o.w, o.g], domain={o.w: sp.Reals, o.g: sp.Reals},
        hyper=[(o.rate, sp.Rational(1, 100)), (DECAY, sp.Rational(1, 1000))],
        name="weight_decay", title="weight decay",
        source="Hanson, Pratt (1989), Comparing biases for minimal network construction with "
        "back-propagation; Loshchilov, Hutter (2019), Decoupled Weight Decay Regularization",
    )  # fmt: skip


def _judge_decay() -> tuple[tuple[str, Verdict], ...]:
    names = (o.w, o.g, o.rate)
    return (("for sgd it is an L2 penalty", judge_decay_is_penalty(o.SGD, names, DECAY)),)


_strength = sp.Symbol("l", positive=True)


def _lasso() -> Formula:
    return replace(
        _scalar("l1_and_l2", "one weight under an L1 penalty: the soft threshold",
                (_w - _a) ** 2 / 2 + _strength * sp.Abs(_w),
                "Tibshirani (1996), Regression Shrinkage and Selection via the Lasso"),
        kinks=("w = 0: the derivative of |w| is taken as 0",),
    )  # fmt: skip


def _judge_lasso() -> tuple[tuple[str, Verdict], ...]:
    e = _lasso().equations[0].rhs
    return tuple(judge_minimiser(e, _w, _a, minimiser(e, _w, _a)))


def _chain() -> Formula:
    return _named(
        chain_of_units(activations.SIGMOID, 3), "vanishing_and_exploding",
        "a chain of units: its derivative is the product along depth",
        "Hochreiter (1991), Untersuchungen zu dynamischen neuronalen Netzen; Pascanu, Mikolov, "
        "Bengio (2013), On the difficulty of training recurrent neural networks",
    )  # fmt: skip


def _judge_chain() -> Iterator[tuple[str, Verdict]]:
    for a in (activations.SIGMOID, activations.TANH, activations.RELU):
        yield f"{a.name}: the derivative is the product", judge_chain(a, (1, 2, 3))
        yield f"{a.name}: its bound by the largest slope", judge_bound(a)
