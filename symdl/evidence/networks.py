"""Judging a whole network: every kind of piece, and the gradients that the pieces give together."""

from __future__ import annotations

import random
from typing import Any

from symdl.calculus.network import Backward
from symdl.calculus.stabilise import stabilise
from symdl.errors import SymdlError
from symdl.evidence.evaluate import World, define
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.judge import judge_equation
from symdl.evidence.points import random_world
from symdl.evidence.verdict import Verdict, weakest
from symdl.formula import Equation, Formula, Variable
from symdl.notation.walk import sizes_of, variables

__all__ = ["judge_network", "judge_running_form"]

_HALF_WIDTH = 17  # digits: a central difference of 1e-17 is exact to about 34 of 50 digits
_ELEMENTS = 3


def judge_network(net: Backward, seed: int = 0) -> tuple[tuple[str, Verdict], ...]:
    """Judge each kind of piece once, the forms that run, and each parameter's gradient.

    The gradients of the assembled network are compared with central differences of the loss as
    written, to 30 digits, in the naive interpreter, at small random sizes.
    """
    out: dict[str, Verdict] = {}
    for d in net.pieces:
        kind = d.piece.kind
        name = kind.name or f"formula of {kind.output}"
        found = [("the form that runs", judge_running_form(kind))]
        found += judge_adjoint(kind, d.adjoint.wrt) if d.adjoint.wrt else ()
        for what, verdict in found:  # kinds of one name share a line: its weakest verdict counts
            label = f"{name}: {what}"
            out[label] = weakest((verdict, out.get(label, verdict)))
    kinds = weakest(out.values())
    for v in net.gradients:
        seen = _judge_parameter(net, v, seed)
        if seen.ok and kinds.level == "proved":
            seen = Verdict("proved", f"every kind of piece proved; the whole is {seen.reason}")
        out[f"gradient of {v}"] = weakest((seen, kinds))
    return tuple(out.items())


def judge_running_form(kind: Formula) -> Verdict:
    """Judge the rewrites that keep a kind finite: every variable is what is written.

    Each equation that runs otherwise is judged by itself, everything it reads as written.
    """
    running = stabilise(kind).formula.equations
    if kind.equations == running:
        return Verdict("proved", "runs as written")
    written = {e.lhs: e for e in kind.equations}
    ordered = _ordered(list({e.lhs: e for e in (*running, *kind.equations)}.values()))
    return weakest(
        judge_equation(written[e.lhs].rhs, e.rhs, ordered, kind.assumptions)
        for e in running
        if e.lhs in written
    )


def _ordered(equations: list[Equation]) -> list[Equation]:
    """Put equations into an order of evaluation."""
    out: list[Equation] = []
    defined = {e.variable for e in equations}
    while equations:
        known = {e.variable for e in out}
        ready = [e for e in equations if not (variables(e.rhs) & defined) - known]
        if not ready:
            raise SymdlError("equations that define each other")
        out += ready
        equations = [e for e in equations if e not in ready]
    return out


def _judge_parameter(net: Backward, v: Variable, seed: int) -> Verdict:
    """Compare some elements of a gradient with central differences of the loss."""
    loss = net.written[-1].variable
    read = set().union(*(variables(e.rhs) for e in net.written))
    free = read - {e.variable for e in net.written}
    sizes = set().union(*(sizes_of(x) for e in net.written for x in (e.lhs, e.rhs)))
    try:
        world = random_world(free, sizes, seed, net.assumptions)
        here = define((*net.written, *net.running), world)
        found = here.values[net.gradients[v]]
        for at in _some_elements(found, seed):
            ours = found if at is None else found[at]
            theirs = _difference(net, world, v, at, loss)
            if abs(ours - theirs) > world.ctx.mpf(10) ** -28 * max(1, abs(theirs)):
                shown = world.ctx.nstr
                return Verdict(
                    "refuted",
                    f"the gradient of {v} differs from the difference quotient",
                    (("element", str(at)), ("left", shown(ours, 12)), ("right", shown(theirs, 12))),
                )
    except (SymdlError, ValueError, ZeroDivisionError) as error:
        return Verdict("unknown", str(error))
    return Verdict("numeric", "equal to central differences to 28 digits")


def _some_elements(value: Any, seed: int) -> list[Any]:
    if not isinstance(value, dict):
        return [None]
    every = list(value)
    return random.Random(seed).sample(every, min(_ELEMENTS, len(every)))


def _difference(net: Backward, world: World, v: Variable, at: Any, loss: Variable) -> Any:
    width = world.ctx.mpf(10) ** -_HALF_WIDTH

    def loss_at(shift: Any) -> Any:
        value = world.values[v]
        moved = value + shift if at is None else {**value, at: value[at] + shift}
        return define(
            net.written, World(world.sizes, {**world.values, v: moved}, world.ctx)
        ).values[loss]

    return (loss_at(width) - loss_at(-width)) / (2 * width)
