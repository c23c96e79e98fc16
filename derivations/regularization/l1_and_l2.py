"""L1 and L2: why one gives zeros and the other does not, and both as penalties of a layer."""

from pathlib import Path

import numpy as np
import sympy as sp

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.catalog.regularizers import L1, L1_L2, L2
from symdl.evidence.minimiser import Case, judge_minimiser, minimiser
from symdl.evidence.verdict import Verdict
from symdl.notation.tensors import real

W, A = real("w"), real("a")
LAMBDA, MU = sp.Symbol("lambda", positive=True), sp.Symbol("mu", positive=True)
DISTANCE = (W - A) ** 2 / 2
TERMS = {"L1": LAMBDA * sp.Abs(W), "L2": LAMBDA * W**2, "both": LAMBDA * sp.Abs(W) + MU * W**2}
CASES = {name: minimiser(DISTANCE + term, W, A) for name, term in TERMS.items()}
RATE, STRENGTH = sp.Rational(1, 100), sp.Rational(1, 5)
VALUES = [sp.Rational(k, 2) for k in (-4, -2, -1, 0, 1, 2, 4)]


def page() -> str:
    l1, l2, both = CASES.values()
    return md.joined(
        "# L1 gives zeros, L2 does not",
        md.source(L1, L2, L1_L2),
        "A penalty adds a price for the size of the weights to the loss. Both penalties here draw "
        "a weight towards zero, but with forces of different kinds.",
        "## The force of a penalty",
        "Their derivatives with respect to a weight:",
        sd.derive(L1, "W").markdown(),
        sd.derive(L2, "W").markdown(),
        "The pull of L1 is as strong at a small weight as at a large one. The pull of L2 fades as "
        "the weight shrinks. At zero the absolute value has a kink; symdl takes the derivative "
        "there as 0.",
        "## One weight",
        f"Take one weight {md.inline(W)}, and a loss whose minimum without a penalty lies at "
        f"{md.inline(A)} with curvature 1. Where is the sum of loss and penalty least?",
        "### L1",
        md.display([f"f({md.latex(W)})", md.latex(DISTANCE + TERMS["L1"])]),
        "On each side of the kink the slope is linear, and zero at one place. That place is the "
        "minimum as long as it lies on its side:",
        _slopes(l1),
        "Between the two, the slope to the left of the kink is not positive and the slope to the "
        "right is not negative. The function falls up to the kink and rises after it, so that the "
        "minimum is the kink itself. In short, the soft threshold:",
        _threshold(l1),
        f"A whole interval of {md.inline(A)}, of length {md.inline(2 * LAMBDA)}, ends at exactly "
        "zero. This is how L1 selects features.",
        "### L2",
        md.display([f"f({md.latex(W)})", md.latex(DISTANCE + TERMS["L2"])]),
        _threshold(l2),
        f"Every weight is made smaller by the same factor; it is zero only if {md.inline(A)} was.",
        "### Both: the elastic net",
        md.display([f"f({md.latex(W)})", md.latex(DISTANCE + TERMS["both"])]),
        _threshold(both),
        "First the threshold, then the factor.",
        f"In numbers, for {md.inline(LAMBDA, MU, sp.Rational(1, 2))}:",
        md.table(["a", *CASES], ([f"${md.latex(a)}$", *_row(a)] for a in VALUES)),
        "## In a network",
        "Two of eight columns decide the target; the other six are noise. "
        "`Dense(1, kernel_regularizer=...)` adds the penalty to the loss, and its gradient comes "
        "from the same formula. The weights after training:",
        _trained(),
        "With L1, most weights of the noise end at zero, up to the length of a step: near the kink "
        "the steps go back and forth. Where the data pull no harder than the penalty, a step is at "
        f"most twice the rate times the strength long, here {md.inline(2 * RATE * STRENGTH)}. L2 "
        "leaves these weights near where the data put them.",
        "The equations of backpropagation show the penalty as a term of its own:",
        _equations(),
        "## What was checked",
        md.verdicts(_verdicts()),
    )


def _slopes(cases: tuple[Case, ...]) -> str:
    first, _, last = cases
    zero = md.latex(sp.S.Zero)
    rows = [
        [md.latex(case.slopes[0]), zero, rf"\text{{at }} {md.latex(W)} = {md.latex(case.value)}"]
        for case in (first, last)
    ]
    lines = (rf"{slope} &= {zero} && {place}" for slope, zero, place in rows)
    body = " \\\\\n".join(lines)
    return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$"


def _threshold(cases: tuple[Case, ...]) -> str:
    """The minimum as a formula with cases."""
    pairs = [(case.value, _holds(case)) for case in cases]
    whole = pairs[0][0] if len(pairs) == 1 else sp.Piecewise(*pairs[:-1], (pairs[-1][0], True))
    return md.display([rf"{md.latex(W)}^{{*}}", md.latex(whole)])


def _holds(case: Case) -> sp.Basic:
    return (
        sp.true if case.high == sp.oo else case.high > A if case.low == -sp.oo else case.high >= A
    )


def _row(a: sp.Expr) -> list[str]:
    half = sp.Rational(1, 2)
    found = []
    for cases in CASES.values():
        values = {LAMBDA: half, MU: half, A: a}
        (value, *_) = (
            c.value.xreplace(values)
            for c in cases
            if c.low.xreplace(values) <= a <= c.high.xreplace(values)
        )
        found.append(f"${md.latex(sp.nsimplify(value))}$")
    return found


# begin training
def fitted(regularizer: str | None) -> list[float]:
    draws = np.random.default_rng(4)
    x = draws.normal(size=(80, 8))
    y = 2 * x[:, :1] - x[:, 1:2] + draws.normal(size=(80, 1)) / 2
    model = sd.Sequential([sd.Dense(1, kernel_regularizer=regularizer)], seed=1)
    model.compile(optimizer=sd.SGD(float(RATE)), loss="mse")
    model.fit(x, y, epochs=300, batch_size=80, seed=1, verbose=0)
    return [float(w) for w in model.get_weights()[0][:, 0]]


# end training


def _trained() -> str:
    strength = float(STRENGTH)
    named = {"none": None, "L1": f"l1(l1={strength})", "L2": f"l2(l2={strength})"}
    rows = (
        [name, *(f"{w:z.2f}" for w in fitted(words))]  # z: no minus before 0.00
        for name, words in named.items()
    )
    return md.joined(
        md.code(md.part_of(Path(__file__), "training")),
        md.table(["penalty", *(f"$w_{k}$" for k in range(1, 9))], rows),
    )


def _equations() -> str:
    derived = sd.backprop(_model(), "mse")
    shown = [
        e
        for e in derived.equations
        if e.variable.name in ("L", "dense_1.R_W") or e.variable.name.startswith("dense_1.Wbar")
    ]
    return md.display(*([md.latex(e.lhs), md.latex(e.rhs)] for e in shown))


def _model() -> sd.Sequential:
    dense = sd.Dense(1, use_bias=False, kernel_regularizer=sd.L1(float(STRENGTH)))
    return sd.Sequential([sd.Input(8), dense])


def _verdicts() -> list[tuple[str, Verdict]]:
    found = []
    for name, term in TERMS.items():
        judged = judge_minimiser(DISTANCE + term, W, A, CASES[name])
        found += [(f"{name}: {what}", verdict) for what, verdict in judged]
    derived = sd.backprop(_model(), "mse").verify()
    return [*found, *(v for v in derived if v[0].startswith(("l1", "loss with", "gradient of")))]


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
