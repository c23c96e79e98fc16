"""The chain rule along the graph of a formula: a line a product, a local derivative, a result."""

from __future__ import annotations

from symdl.derivation.chain_lines import chain_lines
from symdl.derivation.derivation import Derivation, Judge
from symdl.derivation.local_lines import local_lines
from symdl.derivation.nodes import Graph
from symdl.derivation.steps import LEVELS, Step
from symdl.derivation.together_lines import together_lines
from symdl.derivation.writing import chosen
from symdl.errors import InputError
from symdl.evidence import judge as evidence
from symdl.formula import Formula, Variable

__all__ = ["derive_gradient"]


def derive_gradient(
    formula: Formula, v: Variable, *, level: str = "normal", judge: Judge = evidence
) -> Derivation:
    """Derive the adjoint of a variable of a formula along the graph.

    >>> import sympy as sp
    >>> a, b, c, y = sp.symbols("a b c y", real=True)
    >>> f = Formula([sp.Eq(b, a**2), sp.Eq(y, b * c)], output=y, inputs=[a, c])
    >>> derive_gradient(f, a).result
    2*a*c
    """
    if v == formula.output:
        raise InputError(f"{v} is the output itself: its derivative is 1")
    chosen("level", level, LEVELS)
    graph = Graph(formula, v, level)
    given = tuple(Step("formula", e.lhs, (e.rhs,), section="given") for e in formula.equations)
    steps = (*given, *chain_lines(graph), *local_lines(graph), *together_lines(graph))
    if level == "brief":
        steps = (*given, _in_one_line(graph, steps))
    return Derivation(
        graph.whole(v),
        graph.result,
        steps,
        formula.equations,
        graph.meaning,
        tuple(s.equation for s in graph.raw.steps),
        dict(formula.hyper),
        title=formula.title,
        source=formula.source,
        judge=judge,
    )


def _in_one_line(graph: Graph, steps: tuple[Step, ...]) -> Step:
    """The result alone, with the claims, conditions and assumptions of all that leads to it."""
    read = [s for step in steps for _, s in step.read()]
    kept = ("assumption", "adjoint")
    return Step(
        "chain along the graph",
        graph.whole(graph.v),
        (graph.result,),
        tuple(dict.fromkeys(c for s in read for c in s.claims)),
        conditions=tuple(dict.fromkeys(c for s in read for c in s.conditions)),
        notes=tuple(dict.fromkeys(n for s in read for n in s.notes if n.key in kept)),
        section="together",
    )
