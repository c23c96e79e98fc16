"""Initial variances from keeping the mean square, forward and backward."""

from pathlib import Path

import sympy as sp

from symdl.book import page as md
from symdl.book.files import write_text
from symdl.calculus.adjoint import vjp
from symdl.calculus.differentiate import differentiate
from symdl.catalog import activations as act
from symdl.catalog import initializers as ini
from symdl.catalog.layers import DENSE, DENSE_NO_BIAS, W
from symdl.evidence.judge import inlined, judge_equation
from symdl.evidence.preservation import (
    Preservation,
    judge_initial_law,
    judge_norm_kept,
    judge_preserves,
    judge_share_of_normal,
    largest_weight,
    preservation,
    second_moment_share,
    uniform_limit,
)  # fmt: skip
from symdl.evidence.verdict import Verdict
from symdl.formula import Formula

FANS = dict(zip((ini.fan_in, ini.fan_out), W.axes, strict=True))
PLAIN = preservation(DENSE, W)
AFTER_RELU = preservation(DENSE, W, second_moment_share(act.RELU).value)
DEPTHS = (1, 5, 10, 20, 50)
RULES: tuple[tuple[Formula, Formula, Preservation, str], ...] = (
    (ini.LECUN_NORMAL, ini.LECUN_UNIFORM, PLAIN, "forward"),
    (ini.GLOROT_NORMAL, ini.GLOROT_UNIFORM, PLAIN, "mean"),
    (ini.HE_NORMAL, ini.HE_UNIFORM, AFTER_RELU, "forward"),
)


def page() -> str:
    return md.joined(
        "# Initial variances",
        md.source(ini.LECUN_NORMAL, ini.GLOROT_UNIFORM, ini.HE_NORMAL),
        "In a deep net each layer multiplies. If a layer makes its values a little smaller than "
        "they came in, fifty layers make them vanish; if a little larger, they overflow. The same "
        "holds going back, for the adjoints. So the weights should start with the one variance "
        "that keeps the size of what goes through. It follows from the equation of the layer.",
        *_dense(),
        *_rectifiers(),
        *_other_activations(),
        *_limit(),
        "## Why it matters",
        "The mean square behind so many layers, over the one in front, where the variance of the "
        "weights is off by a factor:",
        _by_depth(),
        "## Orthogonal weights",
        "Rows of length 1 that are orthogonal to each other keep the norm of every single input, "
        "not only the mean square over all draws: the products of the rows, which are 1 for a row "
        "with itself and 0 for two different rows, leave of the double sum the squares alone.",
        "## What was checked",
        md.verdicts(_checked()),
    )


def _dense() -> tuple[str, ...]:
    forward = DENSE.equation(DENSE.output)
    back = vjp(DENSE, "x").equations[-1]
    p = PLAIN
    return (
        "## A dense layer",
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in (forward, back))),
        "Let the weights be independent draws of mean 0 and variance "
        f"{md.inline(p.weight)}. In the variance of y only the squares of the weights are left, as "
        "the mean of a product of two different weights is 0; so the variance is a sum of equal "
        f"terms, one for each input; let {md.inline(p.given)} be the mean square of the inputs. "
        f"Going back, where {md.inline(p.given)} is that of the adjoints, there is one term for "
        "each output:",
        md.display(
            (r"\operatorname{Var}[y]", md.latex(p.forward)),
            (r"\operatorname{Var}[\bar{x}]", md.latex(p.backward)),
        ),
        f"Either should be {md.inline(p.given)} again. Solved for {md.inline(p.weight)}, going "
        "forward this gives LeCun's rule, going back the same with the other side of the kernel; "
        "both at once only where the kernel is square. Glorot's rule is the one for which the mean "
        "of the two is kept:",
        md.display(
            (r"\text{forward}", md.latex(p.keeps_forward)),
            (r"\text{backward}", md.latex(p.keeps_backward)),
            (r"\text{mean of both}", md.latex(p.keeps_mean)),
        ),
    )


def _rectifiers() -> tuple[str, ...]:
    rows = []
    for a in (act.IDENTITY, act.RELU, act.LEAKY_RELU):
        share = second_moment_share(a)
        kept = preservation(DENSE, W, share.value)
        shown = (share.pair, share.value, kept.keeps_forward)
        rows.append([a.title, *(md.inline(e) for e in shown)])
    (z,) = act.RELU.inputs
    return (
        "## After relu",
        "Relu takes away the negative half. Let x have a law that is symmetric about 0, as it has "
        "where the weights in front are symmetric. Then x and -x are equally likely, so the mean "
        "of f(x) squared is half the mean of the sum of both; and for relu and its relatives that "
        f"sum is a multiple of {md.inline(z**2)}, whatever x. The slopes, which going back take "
        "the place of the values, give the same part.",
        md.table(
            ["activation", r"$f(x)^2 + f(-x)^2$", "part of the mean square", "variance"], rows
        ),
        "The second row is He's rule; the third is its form for a slope on the negative side.",
    )


def _other_activations() -> tuple[str, ...]:
    rows = []
    for a in (act.TANH, act.SIGMOID):
        (z,) = a.inputs
        f = inlined(a.output, a.equations)
        at = {z: sp.S.Zero}
        slope = differentiate(f, z).after
        rows.append([a.title, md.inline(f.xreplace(at)), md.inline(sp.simplify(slope.subs(at)))])
    return (
        "## Before tanh and the sigmoid",
        "For these no such part exists: it depends on how large the values are. Near 0 they are "
        "lines:",
        md.table(["activation", "value at 0", "slope at 0"], rows),
        "Tanh near 0 leaves its input as it is, so that Glorot's rule, which asks for nothing of "
        "the activation, fits. The sigmoid keeps no scale, and adds a mean besides; Glorot's rule "
        "keeps its inputs from the flat ends, but not its gradients from shrinking.",
    )


def _limit() -> tuple[str, ...]:
    target = ini.variance
    spread, _ = uniform_limit(target)
    rows = []
    for _, uniform, *_ in RULES:
        _, limit = uniform_limit(inlined(target, uniform.equations))
        rows.append([uniform.title, md.inline(inlined(target, uniform.equations)),
                     md.inline(limit)])  # fmt: skip
    return (
        "## The limit of a uniform draw",
        "Weights drawn evenly between minus a limit and the limit have the variance, by "
        "integration of the squares,",
        md.display((r"\operatorname{Var}[w]", md.latex(spread))),
        "Solved for the limit, each rule has its uniform form:",
        md.table(["rule", "variance", "limit"], rows),
    )


def _by_depth() -> str:
    factors = (sp.Rational(1, 2), sp.Integer(1), sp.Integer(2))
    p = AFTER_RELU
    rows = []
    for depth in DEPTHS:
        cells = []
        for c in factors:
            once = sp.simplify((p.forward / p.given).xreplace({p.weight: c * p.keeps_forward}))
            cells.append(f"{float(once**depth):.3g}")
        rows.append([str(depth), *cells])
    heads = [f"{md.inline(c)} times He's" for c in factors]
    return md.table(["layers with relu", *heads], rows)


def _checked() -> list[tuple[str, Verdict]]:
    out = []
    for a in (act.RELU, act.LEAKY_RELU):
        share = second_moment_share(a)
        out += [(f"{a.title}: {what}", verdict) for what, verdict in share.parts]
        out.append((f"{a.title}: for a normal z, by integration",
                    judge_share_of_normal(a, share.value)))  # fmt: skip
    for normal, uniform, found, way in RULES:
        for f in (normal, uniform):
            out.append((f"{f.title}: mean 0 and its variance", judge_initial_law(f, ini.variance)))
            out.append((f"{f.title}: keeps the mean square ({way})",
                        judge_preserves(f, found, FANS, way)))  # fmt: skip
        limit = uniform_limit(inlined(ini.variance, uniform.equations))[1]
        out.append((f"{uniform.title}: its limit", judge_equation(largest_weight(uniform), limit)))
    out.append(("orthogonal rows keep the norm", judge_norm_kept(DENSE_NO_BIAS, W)))
    return out


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
