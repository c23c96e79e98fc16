"""The derivative from first principles: difference quotients and their limits."""

from pathlib import Path

import sympy as sp
from sympy.core.expr import Expr

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.calculus.limit import Increment, Lim, difference_quotient
from symdl.calculus.tree import Deriv
from symdl.derivation.derivation import Derivation
from symdl.derivation.numbers import decimal
from symdl.evidence.evaluate import precise
from symdl.evidence.judge import judge_equation
from symdl.evidence.limits import judge_limit_value
from symdl.evidence.verdict import Verdict
from symdl.notation.tensors import real
from symdl.notation.text import parse

X, H = real("x"), Increment("h", real=True)
POINT = sp.Integer(3)
STEPS = [sp.Rational(1, 10**k) for k in range(1, 7)]
EXAMPLES = {
    "x**2": "A power is multiplied out; what is left of the numerator has the factor $h$.",
    "1/x": "Two fractions are put over one denominator, and $h$ cancels at once.",
    "sqrt(x)": "A difference of roots is multiplied by the sum of the roots.",
    "exp(x)": "The exponential turns the sum $x + h$ into a product. What remains has nothing to "
    "do with $x$: it is the slope of the exponential at 0, an elementary limit.",
    "log(x)": "The logarithm of a quotient is a difference of logarithms; read from right to left, "
    "that makes one logarithm of two.",
    "sin(x)": "The addition theorem gives two elementary limits, one for the sine and one for the "
    "cosine.",
    "1/(1 + exp(-x))": "The sigmoid needs both: one denominator, and the limit of the exponential.",
    "exp(-x**2)": "In a composition the inner function moves by an amount that goes to 0 with "
    "$h$. The quotient becomes the product of the quotient of the outer function and that of the "
    "inner one: this is the chain rule, seen from below.",
}


def page() -> str:
    square = X**2
    slope = sd.derive(square, X).result
    found = {text: sd.derive(text, "x", method="limit") for text in EXAMPLES}
    return md.joined(
        "# The derivative from first principles",
        "Source: Cauchy (1823), Résumé des leçons sur le calcul infinitésimal, third lesson.",
        "The slope of the straight line through two points of a graph is the difference quotient. "
        "The derivative is the limit of that slope as the second point moves to the first. All "
        "rules of differentiation are short cuts for this limit, and symdl can do without them on "
        "request:",
        md.code('sd.derive("x**2", "x", method="limit")'),
        "## The derivative at a point",
        f"Take {md.inline(square)} at {md.inline(X, POINT)}. The difference quotient there, for "
        f"smaller and smaller {md.inline(H)}, and how far it is from the limit:",
        _quotients(square, slope),
        f"The quotient comes as close to {md.inline(slope.xreplace({X: POINT}))} as one likes, "
        f"if {md.inline(H)} is small enough: that is what a limit is. Here it is never equal to "
        "it.",
        "## The derivative as a function",
        "At every point there is such a limit, and it depends on the point. The function that "
        f"gives it is the derivative {md.inline(Deriv(square, X), slope)}; the derivative at a "
        "point is one of its values.",
        _values(square, slope),
        *(_example(text, d) for text, d in found.items()),
        "## What was checked",
        "Each line above has its own verdict. The limits were also compared with Richardson "
        "extrapolation of the quotient from both sides, and the results with those of the rules.",
        md.verdicts(_verdicts(found)),
    )


def _quotients(f: Expr, slope: Expr) -> str:
    limit = slope.xreplace({X: POINT})
    rows = []
    for h in STEPS:
        quotient = difference_quotient(f, X, h).xreplace({X: POINT})
        rows.append([_short(h), _short(quotient), _short(quotient - limit)])
    return md.table([md.inline(H), "difference quotient", "distance from the limit"], rows)


def _short(number: sp.Rational) -> str:
    """A number that ends, with all its decimals."""
    return decimal(precise().mpf(int(number.p)) / int(number.q), 8).rstrip("0").rstrip(".")


def _values(f: Expr, slope: Expr) -> str:
    points = [sp.Rational(k, 2) for k in (-4, -1, 0, 3, 6)]
    rows = [[_short(p), _short(f.subs(X, p)), _short(slope.subs(X, p))] for p in points]
    return md.table([md.inline(X), md.inline(f), "slope there"], rows)


def _example(text: str, d: Derivation) -> str:
    return md.joined(f"## {md.inline(parse(text))}", EXAMPLES[text], d.markdown())


def _verdicts(found: dict[str, Derivation]) -> list[tuple[str, Verdict]]:
    rows = []
    for text, d in found.items():
        e = d.goal.expr
        rows += [
            (f"{text}: every line", d.verify()),
            (f"{text}: the limit, extrapolated",
             judge_limit_value(Lim(difference_quotient(e, X, H), H), d.result)),
            (f"{text}: the rules give the same",
             judge_equation(d.result, sd.derive(text, "x").result)),
        ]  # fmt: skip
    return rows


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
