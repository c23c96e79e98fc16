"""Adam's bias correction, by unrolling the recurrence of its moments."""

from pathlib import Path

import sympy as sp

from symdl.book import page as md
from symdl.book.claims.optimizers import judge_unbiased
from symdl.book.files import write_text
from symdl.calculus.elimination import simplest
from symdl.catalog import optimizers as o
from symdl.derivation.numbers import decimal
from symdl.evidence.judge import judge_equation
from symdl.evidence.moments import Law, mean
from symdl.evidence.recurrence import Unrolled, geometric, mean_after, unroll
from symdl.formula import Equation
from symdl.notation.resize import last_term_out, single
from symdl.notation.tensors import real
from symdl.notation.walk import substitute

MEAN, SQUARE = real("mu"), sp.Symbol("s", positive=True)
STEPS = (1, 2, 5, 10, 100, 1000)


def page() -> str:
    m, v = unroll(o.ADAM, o.m), unroll(o.ADAM, o.v)
    first, second = (_mean(u) for u in (m, v))
    return md.joined(
        "# The bias correction of Adam",
        md.source(o.ADAM),
        "Adam keeps a running mean of the gradients and one of their squares. Both start at 0, so "
        "at first both are too small. How much too small follows from the equations alone.",
        md.display(*(_equation(o.ADAM.equation(x)) for x in (o.m_new, o.v_new))),
        "## The recurrence unrolled",
        f"Each step multiplies what was there by {md.inline(m.decay)} and adds a part of the new "
        f"gradient. After {md.inline(m.steps)} steps from the start {md.inline(m.start)}, with the "
        "gradients counted from 0,",
        md.display((_at("m", m.steps), md.latex(m.value))),
        "This holds after one step, where the sum has one term:",
        md.display((_at("m", 1), md.latex(single(m.value, m.steps)))),
        "And if it holds after some number of steps, it holds after one more. In the sum with one "
        "term more the last term stands alone,",
        md.display((_at("m", m.steps + 1), _one_more(m))),
        f"which is {md.inline(m.decay)} times what was there, plus the part of the last gradient: "
        "the equation of Adam again. So it holds for any number of steps.",
        "## The mean",
        f"Let every gradient be drawn from one law of mean {md.inline(MEAN)}, and let the start be "
        "0. The mean of a sum is the sum of the means:",
        md.display((rf"E\left[{_at('m', m.steps)}\right]", md.latex(_mean_with_sum(m)))),
        *_geometric(m),
        "With it the mean is",
        md.display((rf"E\left[{_at('m', m.steps)}\right]", md.latex(first))),
        "and in the same way, where the squares of the gradients have the mean "
        f"{md.inline(SQUARE)},",
        md.display((rf"E\left[{_at('v', v.steps)}\right]", md.latex(second))),
        "## The correction",
        "Each is too small by a factor that depends on the number of steps alone. Divided by it, "
        "the mean is right from the first step on:",
        md.display(*(_equation(o.ADAM.equation(x)) for x in (o.m_hat, o.v_hat))),
        "The factors with Adam's usual constants, rounded:",
        md.table(["steps", *(f"${md.latex(f)}$" for f in _factors(m, v))], _rows(m, v)),
        "Without the correction the first step would be "
        f"{md.inline(_first_step())} times as long as it should be, since the gradient is divided "
        "by the root of the mean square.",
        "## What was checked",
        md.verdicts([
            *((f"m: {what}", verdict) for what, verdict in m.parts),
            ("v unrolled", v.verdict),
            ("the mean, term by term", judge_equation(
                mean(m.from_zero, {m.varying[0][1]: Law((MEAN, SQUARE))}), _mean_with_sum(m),
            )),
            ("the geometric sum", geometric(m.decay, m.steps).verdict),
            ("the mean of m_hat is that of the gradient", judge_unbiased(o.ADAM, o.m, o.m_hat)),
            ("the mean of v_hat is that of its square", judge_unbiased(o.ADAM, o.v, o.v_hat)),
        ]),
    )  # fmt: skip


def _equation(e: Equation) -> tuple[str, str]:
    return md.latex(e.lhs), md.latex(e.rhs)


def _at(name: str, step: object) -> str:
    return rf"{name}_{{{md.latex(sp.sympify(step))}}}"


def _one_more(u: Unrolled) -> str:
    ((_, over),) = u.varying
    return md.latex(last_term_out(u.value, u.steps, {over: lambda: real("g_last")}))


def _laws() -> dict[sp.Symbol, Law]:
    return {o.g: Law((MEAN, SQUARE))}


def _mean(u: Unrolled) -> sp.Expr:
    found, _ = mean_after(u, _laws(), from_zero=True)
    return sp.collect(sp.expand(found), (MEAN, SQUARE))


def _mean_with_sum(u: Unrolled) -> sp.Expr:
    """The mean of each gradient in the place of the gradient: right, as they stand alone."""
    ((_, over),) = u.varying
    return substitute(u.from_zero, over, lambda *at: MEAN)


def _geometric(u: Unrolled) -> tuple[str, ...]:
    found = geometric(u.decay, u.steps)
    s = real("S")
    return (
        f"The sum of the powers, call it {md.inline(s)}, follows from writing the sum of one term "
        "more in two ways: with its last term apart, and with its first term apart.",
        md.display(
            (md.latex(found.last_out), md.latex(found.first_out)),
            (md.latex(s), md.latex(found.value)),
        ),
    )


def _factors(*unrolled: Unrolled) -> list[sp.Expr]:
    return [1 - u.decay**u.steps for u in unrolled]


def _rows(*unrolled: Unrolled) -> list[list[str]]:
    usual = dict(o.ADAM.hyper)
    factors = [f.xreplace(usual) for f in _factors(*unrolled)]
    t = unrolled[0].steps
    return [[str(k), *(decimal(sp.N(f.subs(t, k), 20), 4) for f in factors)] for k in STEPS]


def _first_step() -> sp.Expr:
    """The first factor over the root of the second, at step 1."""
    usual = dict(o.ADAM.hyper)
    return simplest(((1 - o.beta_1) / sp.sqrt(1 - o.beta_2)).xreplace(usual)).evalf(3)


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
