"""Which losses are convex, in the prediction and in a weight behind a sigmoid."""

from pathlib import Path

import sympy as sp

import symdl as sd
from symdl.book import page as md
from symdl.book.claims.losses import domain_of_all
from symdl.book.files import write_text
from symdl.book.pictures.picture import Picture
from symdl.book.pictures.shapes import chords, surfaces
from symdl.calculus.differentiate import differentiate
from symdl.calculus.elimination import simplest
from symdl.catalog import losses
from symdl.catalog.activations import SIGMOID
from symdl.derivation.numbers import decimal
from symdl.evidence.convexity import judge_convex, judge_convex_formula
from symdl.evidence.domain_points import Domain
from symdl.evidence.identities import judge_max_is_negated_min
from symdl.evidence.judge import judge_equation
from symdl.evidence.verdict import Verdict, negated
from symdl.evidence.written_out import element_symbol, write_out
from symdl.notation.tensors import real

x, w, t, z, b = real("x"), real("w"), real("t"), real("z"), real("b")
UNIT = sp.Interval(0, 1)
ENDS = (sp.Integer(-6), sp.Integer(0))  # two weights, and the one between them
AT = {x: sp.S.One, t: sp.S.One}
EXAMPLES = [(-1, sp.S.Zero), (1, sp.S.One), (2, sp.S.One)]  # an input and its target


def page() -> str:
    entropy = sd.derive(_entropy(), w)
    bend = _second(_entropy())
    of_chords, of_surfaces = (p.markdown() for p in pictures())
    return md.joined(
        "# Convex losses",
        "Source: Boyd, Vandenberghe (2004), Convex Optimization, sections 3.1 and 4.2.2; "
        + md.source(losses.MSE, losses.BINARY_CROSSENTROPY).removeprefix("Source: "),
        "A function is convex if its value between two points is never above the chord, the "
        "straight line between the values at the two points. A convex function has no valley "
        "besides the lowest: where its slope is 0, no lower value is to be found anywhere. So it "
        "matters in which of its variables a loss is convex.",
        "## In the prediction",
        "Every loss of the catalogue is convex in the prediction that it reads, be it a value, a "
        "probability or a logit. Where the loss is smooth that is proved from its second "
        "derivative, or, where the predictions of a row act together, from the Hessian; where it "
        "has kinks, from the pieces between them and the jumps of the slope.",
        md.table(["loss", "in", "verdict", "how"], _losses()),
        "## In a weight behind a sigmoid",
        f"Now let the prediction be the sigmoid of {md.inline(w * x)}, with one weight. The loss "
        "as a function of the weight is another matter. Squared error:",
        md.display((md.latex(losses.L), md.latex(_squared()))),
        "It is not convex. The sigmoid is flat far out, so that the error is nearly 1 over a long "
        "way; the curve comes down from that shelf, and on the shelf it bends the wrong way. Two "
        f"points and their chord, for {md.inline(x, AT[x])} and {md.inline(t, AT[t])}:",
        md.table([md.inline(w), "loss", "chord"], _chord()),
        of_chords,
        "In the middle the loss lies above the chord. On the shelf the slope is nearly 0 although "
        "the answer is wrong: descent that starts there hardly moves.",
        "Cross entropy of the same sigmoid:",
        md.display((md.latex(losses.L), md.latex(_entropy()))),
        "Its derivative, and from that the second one:",
        md.display(
            (md.latex(entropy.goal), md.latex(simplest(entropy.result))),
            (r"\text{second derivative}", md.latex(bend)),
        ),
        "The target is gone from the second derivative, and what is left is a square times "
        "positive numbers: it is convex in the weight, whatever the example and its target. A sum "
        "over examples is convex too.",
        "With a bias besides the weight the loss is a surface. Over three examples:",
        of_surfaces,
        "## The largest likelihood is the least loss",
        "Likelihoods are to be as large as possible, losses as small as possible. They are one "
        "search, since turning the sign turns the order:",
        md.display((md.latex(_largest()), md.latex(_least_of_negated()))),
        "and both are taken at the same place.",
        "## What was checked",
        md.verdicts(_checked(entropy.verify(), bend)),
    )


def pictures() -> tuple[Picture, ...]:
    at = {"squared error": _squared().xreplace(AT), "cross entropy": _entropy().xreplace(AT)}
    over = {"squared error": losses.MSE, "cross entropy": losses.BINARY_CROSSENTROPY}
    means = {name: _mean(loss) for name, loss in over.items()}
    left, right = map(float, ENDS)
    return (
        chords(at, w, (left, right), (left - 2, right + 4)),
        surfaces(means, (w, b), (-6.0, 6.0)),
    )


def _mean(loss: sd.Formula) -> sp.Expr:
    """The mean over three examples, with a weight and a bias."""
    found = [_of_one(loss, _sigmoid(w * at + b)).xreplace({t: bit}) for at, bit in EXAMPLES]
    return sp.Add(*found) / len(found)


def _losses() -> list[list[str]]:
    rows = []
    for f in losses.ALL:
        found = judge_convex_formula(f, f.inputs[0], domain_of_all(f))
        rows.append([f.title, md.inline(f.inputs[0]), found.level, found.reason])
    return rows


def _sigmoid(of: sp.Expr = w * x) -> sp.Expr:
    (given,) = SIGMOID.inputs
    return SIGMOID.equation(SIGMOID.output).rhs.xreplace({given: of})


def _squared() -> sp.Expr:
    return _of_one(losses.MSE, _sigmoid())


def _entropy() -> sp.Expr:
    return _of_one(losses.BINARY_CROSSENTROPY, _sigmoid())


def _of_one(loss: sd.Formula, prediction: sp.Expr) -> sp.Expr:
    """The loss of one example with one prediction."""
    one = {losses.N: 1, losses.K: 1}
    written = write_out(loss.equation(loss.output).rhs, one)
    guess, target = (element_symbol(v, (0, 0)) for v in loss.inputs)
    return written.xreplace({guess: prediction, target: t})


def _second(e: sp.Expr) -> sp.Expr:
    return simplest(differentiate(simplest(differentiate(e, w).after), w).after)


def _chord() -> list[list[str]]:
    """The loss at three weights, and the chord from the first to the last."""
    left, right = ENDS
    spots = (left, (left + right) / 2, right)
    first, middle, last = (_squared().subs({**AT, w: at}) for at in spots)
    chord = (first, (first + last) / 2, last)
    pairs = zip(spots, (first, middle, last), chord, strict=True)
    return [[str(at), *(decimal(sp.N(e, 30), 6) for e in both)] for at, *both in pairs]


def _largest() -> sp.Expr:
    return sp.Max(*_values())


def _least_of_negated() -> sp.Expr:
    return -sp.Min(*(-v for v in _values()))


def _values() -> tuple[sp.Symbol, ...]:
    return tuple(real(f"L{k}") for k in (1, 2, 3))


def _checked(derivative: Verdict, bend: sp.Expr) -> list[tuple[str, Verdict]]:
    bits: Domain = {t: sp.FiniteSet(0, 1)}
    s = _sigmoid()
    bent = negated(judge_convex(_squared(), w, bits))
    return [
        ("squared error behind a sigmoid is not convex in w", bent),
        ("cross entropy behind a sigmoid is convex in w", judge_convex(_entropy(), w, {t: UNIT})),
        ("the derivative of the cross entropy", derivative),
        (
            "its second derivative is x^2 s (1 - s), with s the sigmoid",
            judge_equation(bend, x**2 * s * (1 - s)),
        ),
        ("max L = -min(-L), for three values", judge_max_is_negated_min(_values())),
    ]


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
