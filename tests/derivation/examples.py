"""The worked example of a 2-2-2 network in scalar symbols, shared by the tests."""

from __future__ import annotations

import sympy as sp

from symdl.formula import Formula
from symdl.notation.tensors import real

NAMES = (
    *(f"x{k}" for k in (1, 2)),
    *(f"W{k}" for k in range(1, 9)),
    *("target_o1", "target_o2", "z1", "z2", "z3", "z4", "h1", "h2", "o1", "o2", "E"),
)
s = {n: real(n) for n in NAMES}

VALUES = {
    "x1": 0.1, "x2": 0.2, "W1": 0.3, "W2": 0.25, "W3": 0.4, "W4": 0.35, "W5": 0.45, "W6": 0.4,
    "W7": 0.7, "W8": 0.6, "target_o1": 0.4, "target_o2": 0.6,
}  # fmt: skip


def sigmoid(z: sp.Expr) -> sp.Expr:
    return 1 / (1 + sp.exp(-z))


def network() -> Formula:
    pairs = [
        ("z1", s["W1"] * s["x1"] + s["W2"] * s["x2"]),
        ("z2", s["W3"] * s["x1"] + s["W4"] * s["x2"]),
        ("h1", sigmoid(s["z1"])),
        ("h2", sigmoid(s["z2"])),
        ("z3", s["W5"] * s["h1"] + s["W6"] * s["h2"]),
        ("z4", s["W7"] * s["h1"] + s["W8"] * s["h2"]),
        ("o1", sigmoid(s["z3"])),
        ("o2", sigmoid(s["z4"])),
        ("E", (s["target_o1"] - s["o1"]) ** 2 / 2 + (s["target_o2"] - s["o2"]) ** 2 / 2),
    ]
    return Formula(
        [sp.Eq(s[name], rhs, evaluate=False) for name, rhs in pairs],
        output=s["E"],
        inputs=[s[n] for n in ("x1", "x2", "target_o1", "target_o2")],
        parameters=[s[f"W{k}"] for k in range(1, 9)],
        name="2-2-2",
    )


def written_out(formula: Formula) -> sp.Expr:
    """The output as one expression of the leaves, for SymPy's own diff."""
    e = formula.output
    for equation in reversed(formula.equations):
        e = e.subs(equation.lhs, equation.rhs)
    return e
