"""The chain rule along the graph of a formula: a line a product, a local derivative, a result.

Where a scalar reaches the output along one chain, its derivative is one product; where it feeds
several equations there is one product a use, and a node where paths merge has a line of its own.
In index notation every adjoint is the sum over the indices of the equation that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.adjoint import Adjoint, AdjointStep, Use, adjoint, bar, place_of
from symdl.calculus.contract import contract
from symdl.calculus.differentiate import gradient
from symdl.calculus.forms import cost
from symdl.calculus.joint import Reduction, joint_adjoint
from symdl.calculus.tree import Deriv
from symdl.derivation.derivation import Derivation, Judge
from symdl.derivation.names import loss_name
from symdl.derivation.reduction import elimination_step, tail_of
from symdl.derivation.shown import Times, TotalDeriv, plain
from symdl.derivation.steps import (
    LEVELS,
    Applied,
    Claim,
    Derived,
    Equal,
    Note,
    Step,
    goal_of,
    steps_of,
)
from symdl.derivation.writing import chosen
from symdl.errors import InputError
from symdl.evidence import judge as evidence
from symdl.formula import Equation, Formula, Variable
from symdl.notation.binders import Total, letters, rename
from symdl.notation.indicators import Delta
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.walk import inline, variables

__all__ = ["Graph", "derive_gradient"]

_WORTH_FOLDING = 3  # sides; a shorter line is written again
_MOST_PATHS = 6  # more than that are not written out one by one
_LONGEST = 400  # a result of more operations than this stays in terms of the adjoints


def derive_gradient(
    formula: Formula, v: Variable, *, level: str = "normal", judge: Judge = evidence
) -> Derivation:
    """Derive the adjoint of a variable of a formula along the graph.

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
    steps = (*given, *graph.chain(), *graph.locals(), *graph.together())
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


@dataclass(frozen=True)
class Graph:
    """The part of a formula's graph that lies between a variable and the output."""

    formula: Formula
    v: Variable
    level: str = "normal"

    @cached_property
    def raw(self) -> Adjoint:
        """The adjoint equations along the way, not simplified."""
        return adjoint(self.formula, (self.v,))

    @cached_property
    def eliminated(self) -> dict[Variable, Reduction]:
        """The adjoint whose elimination over all equations makes the result simplest, and how."""
        choices: list[dict[Variable, Reduction]] = [{}]
        tail = tail_of(self.formula)
        for s in self.raw.steps:
            own = s.variable == self.v
            within = self.formula if own else tail
            if own or (not self.scalar and s.variable in (*within.inputs, *within.defined)):
                found = dict(joint_adjoint(within, (s.variable,))[1]).get(s.variable)
                if found is not None and (own or found.solved):
                    choices.append({s.variable: found})
        if len(choices) == 1:
            return {}
        results = [self._filled(choice) for choice in choices]
        sizes = [_LONGEST + 1 if e is None else cost(e) for e in results]
        return choices[sizes.index(min(sizes))] if min(sizes) <= _LONGEST else choices[-1]

    @cached_property
    def scalar(self) -> bool:
        """True for a formula written in scalar symbols."""
        return not any(isinstance(e.variable, TensorSymbol) for e in self.formula.equations) and (
            not isinstance(self.v, TensorSymbol)
        )

    @cached_property
    def loss(self) -> bool:
        """True if the output is a number; else its adjoint is given from outside."""
        return not isinstance(self.formula.output, TensorSymbol)

    @cached_property
    def result(self) -> Expr:
        """The adjoint in terms of the formula's variables (and of the output's adjoint)."""
        found = self._filled(self.eliminated)
        own = self.raw.step(self.v).equation.rhs
        return self.shown(own) if found is None else found

    # ------------------------------------------------------------------ ways of writing

    @cached_property
    def kind(self) -> type[Deriv]:
        """Total derivatives are written apart only where a partial one has the same name."""
        for s in self.raw.steps:
            if len(s.uses) > 1 and any(u.equation.variable == self.formula.output for u in s.uses):
                return TotalDeriv
        return Deriv

    def whole(self, v: Variable, at: Expr | None = None) -> Expr:
        """The derivative of the output for ``v``: dE/dv, or the adjoint of a tensor output."""
        at = place_of(v) if at is None else at
        if not self.loss:
            return Elem(bar(v), *at.index) if isinstance(at, Elem) else bar(v)
        return sp.S.One if v == self.formula.output else self.kind(self.formula.output, at)

    def shown(self, e: Expr) -> Expr:
        """Write adjoints as derivatives of the output."""
        if not self.loss:
            return e
        places = {v: place_of(v) for v in self._on_the_way}
        return inline(e, {_bar_at(v, at): self.whole(v, at) for v, at in places.items()})

    @cached_property
    def _on_the_way(self) -> tuple[Variable, ...]:
        return tuple(s.variable for s in self.raw.steps)

    @cached_property
    def merging(self) -> frozenset[Variable]:
        """The nodes that feed several equations."""
        return frozenset(s.variable for s in self.raw.steps if len(s.uses) > 1)

    @cached_property
    def meaning(self) -> dict[Expr, Expr]:
        """What each derivative that is written as a symbol stands for."""
        out: dict[Expr, Expr] = {}
        for s in self.raw.steps:
            for use in s.uses:
                out[_local_name(use)] = use.local.after
        for s in self.raw.steps:
            out[self.whole(s.variable)] = _bar_at(s.variable, place_of(s.variable))
        return out

    # ------------------------------------------------------------------ the chain rule

    def chain(self) -> list[Step]:
        """The chain rule: products along paths, or one sum a use in index notation."""
        steps = self._along_each_path()
        for s in self.raw.steps:
            if self.scalar and s.variable not in self.merging and s.variable != self.v:
                continue
            side = self._products(s) if self.scalar else self._sums(s)
            lhs = self.whole(s.variable)
            if side != lhs:
                rule = "chain along the graph" if s.uses else "no use"
                notes = self._adjoint_note() if not steps else ()
                claims, value = self._claims(s), s.equation.lhs
                steps.append(
                    Step(rule, lhs, (side,), claims, notes=notes, section="chain", value=value)
                )
        return steps

    def _along_each_path(self) -> list[Step]:
        """One product a path from the output to the variable, and their sum."""
        paths = self._paths(self.v)
        if not self.scalar or not 1 < len(paths) <= _MOST_PATHS or self.merging <= {self.v}:
            return []
        lhs = self.whole(self.v)
        side = sp.Add(*(Times(*factors) for factors in paths))
        claims = tuple(c for s in self.raw.steps for c in self._claim(s))
        value = self.raw.step(self.v).equation.lhs
        return [Step("sum over paths", lhs, (side,), claims, section="chain", value=value)]

    def _paths(self, v: Variable) -> list[tuple[Expr, ...]]:
        """The local derivatives along each path from the output to ``v``."""
        if v == self.formula.output:
            return [()]
        found = []
        for use in self.raw.step(v).uses:
            for factors in self._paths(use.equation.variable):
                found.append((*factors, _local_name(use)))
                if len(found) > _MOST_PATHS:
                    return found
        return found

    def _adjoint_note(self) -> tuple[Note, ...]:
        """What the given adjoint of a tensor output means."""
        if self.loss:
            return ()
        loss, at = loss_name(self.formula.defined), place_of(self.formula.output)
        return (Note("adjoint", _bar_at(self.formula.output, at), Deriv(loss, at)),)

    def _along(self, v: Variable) -> tuple[Expr, ...]:
        """The factors of dE/dv along the only path, up to a node where paths merge."""
        if v == self.formula.output:
            return () if self.loss else (bar(v),)
        step = self.raw.step(v)
        if v in self.merging or not step.uses:
            return (self.whole(v),)
        (use,) = step.uses
        return (*self._along(use.equation.variable), _local_name(use))

    def _products(self, s: AdjointStep) -> Expr:
        terms = (Times(*self._along(u.equation.variable), _local_name(u)) for u in s.uses)
        return sp.Add(*terms)

    def _sums(self, s: AdjointStep) -> Expr:
        place = place_of(s.variable)
        return sp.Add(*(self._sum(u, place, _local_name(u)) for u in s.uses))

    def _sum(self, use: Use, place: Expr, local: Expr) -> Expr:
        """The sum over the indices of y of ybar * local, written at ``place``."""
        e = use.equation
        at = goal_of(use.local).wrt
        direct = _is_plain(at, e.index)
        here = at if direct else use.place
        if not direct:
            local = Deriv(e.lhs, use.place) if isinstance(local, Deriv) else local
        body = Times(self.whole(e.variable, e.lhs), local)
        kept = here.index if direct and isinstance(here, Elem) else ()
        over = tuple(i for i in e.index if i not in kept)
        whole = Total(body, *over) if over else body
        return rename(whole, _to_place(here, place, ()))

    def _claims(self, s: AdjointStep) -> tuple[Claim, ...]:
        """Every step on the paths of a line: d/dv of the sum of ybar f(v) over all uses."""
        found = list(self._claim(s))
        if self.scalar:
            for use in s.uses:
                y = use.equation.variable
                while y != self.formula.output and y not in self.merging:
                    step = self.raw.step(y)
                    found += self._claim(step)
                    y = step.uses[0].equation.variable
        return tuple(dict.fromkeys(found))

    def _claim(self, s: AdjointStep) -> tuple[Claim, ...]:
        place = place_of(s.variable)
        whole = sp.S.Zero
        read = tuple(e for e in self.formula.equations if s.variable in variables(e.rhs))
        reached = {*self._on_the_way, self.formula.output}
        for e in read:
            if e.variable in reached:
                one = self.loss and e.variable == self.formula.output
                body = e.rhs * (1 if one else _bar_at(e.variable, e.lhs))
                whole += Total(body, *e.index) if e.index else body
        node = gradient(whole, place)
        return Derived(node), Equal(node.after, s.equation.rhs, read)

    # ------------------------------------------------------------------ local derivatives

    def locals(self) -> list[Step]:
        """One line a local derivative, with its own steps below it at level ``full``."""
        found: dict[Expr, Step] = {}
        worked: dict[Expr, Step] = {}  # by the expression with its variables made anonymous
        for s in self.raw.steps:
            for use in s.uses:
                name = _local_name(use)
                names = _to_place(name.wrt, place_of(s.variable), use.equation.index)
                if name not in found:
                    step = self._local(use, name, names)
                    first = worked.setdefault(_pattern(use), step)
                    found[name] = step if first is step else _alike(step, first)
        return list(found.values())

    def _local(self, use: Use, name: Deriv, names: Mapping[Index, Index]) -> Step:
        goal, definitions = goal_of(use.local), self._read_by(use.equation)
        first = use.local
        while first.before != goal:
            first = first.children[0]
        whole = steps_of(use.local, "full", {goal: name}, definitions)
        below = (whole,) if self.level == "full" and use.local.children else ()
        sides = (goal, first.after, use.local.after)
        through = use.local.name == "through the output"
        return Step(
            use.local.name if through else "local derivative",
            rename(name, names),
            tuple(rename(e, names) for e in dict.fromkeys(sides) if e != name),
            tuple(Applied(n, definitions) for n in use.local.walk()),
            below,
            _conditions(use),
            section="local",
            value=rename(use.local.after, names),
        )

    def _read_by(self, e: Equation) -> tuple[Equation, ...]:
        """The equation; for a logarithm those before it too, whose values lie in its domain."""
        if not e.rhs.has(sp.log):
            return (e,)
        return self.formula.equations[: self.formula.equations.index(e) + 1]

    # ------------------------------------------------------------------ put together

    def together(self) -> list[Step]:
        """The local derivatives put into the products, then the result in forward variables."""
        steps = []
        for s in self.raw.steps:
            if self.scalar and s.variable not in self.merging and s.variable != self.v:
                continue
            if s.uses:
                steps += self._together(s)
            if s.variable in self.eliminated:
                found, lhs = self.eliminated[s.variable], self.whole(s.variable)
                within = self.formula if s.variable == self.v else tail_of(self.formula)
                steps.append(elimination_step(within, lhs, found))
        return steps if self._ends_at_once(self.raw.step(self.v)) else steps + self._result()

    def _together(self, s: AdjointStep) -> list[Step]:
        lhs, sides = self.whole(s.variable), self._sides(s)
        rule = "put together" if len(sides) == 1 else "contraction"
        claims = self._claims(s)
        if self._ends_at_once(s):
            (end,) = self._result()
            sides, claims = tuple(dict.fromkeys((*sides, self.result))), (*claims, *end.claims)
        elif len(sides) == 1 and self._is_local(s):
            return []
        return [Step(rule, lhs, sides, claims, section="together", value=s.equation.lhs)]

    def _sides(self, s: AdjointStep) -> tuple[Expr, ...]:
        """The products with the local derivatives put in, and their sum without deltas."""
        if self.scalar:
            side = self._put_in(s)
            return (sp.S.Zero if plain(side) == 0 else side,)
        place, after = place_of(s.variable), self.shown(s.equation.rhs)
        parts = sp.Add(*(self._sum(u, place, _with_deltas(u)) for u in s.uses))
        direct = all(_is_plain(goal_of(u.local).wrt, u.equation.index) for u in s.uses)
        return (after,) if direct or plain(parts) == after else (parts, after)

    def _put_in(self, s: AdjointStep) -> Expr:
        local = {_local_name(u): u.local.after for t in self.raw.steps for u in t.uses}
        return self._products(s).xreplace(local)

    def _ends_at_once(self, s: AdjointStep) -> bool:
        """True where the result follows in the line in which the variable's own uses are put in."""
        if s.variable != self.v or not s.uses or not self._result():
            return False
        if self.scalar:
            return not self._put_in(s).has(Deriv)
        return len(self._sides(s)) == 1 and not self._is_local(s)

    def _is_local(self, s: AdjointStep) -> bool:
        """True where the output reads the variable itself: the local derivative said it all."""
        return self.loss and [u.equation.variable for u in s.uses] == [self.formula.output]

    def _result(self) -> list[Step]:
        lhs, step = self.whole(self.v), self.raw.step(self.v)
        if self.v in self.eliminated:
            return []
        if self.result in (step.equation.rhs, self.shown(step.equation.rhs)) or not step.uses:
            return []
        before = self.shown(step.equation.rhs)
        adjoints = tuple(
            Equation(t.equation.lhs, self._best(t.variable))
            for t in self.raw.steps
            if t.variable != self.v
        )
        claim = Equal(step.equation.rhs, self.result, adjoints)
        return [Step("put together", lhs, (before, self.result), (claim,), section="together")]

    def _best(self, v: Variable) -> Expr:
        """The adjoint of one variable, simplified where it was."""
        found = self.eliminated.get(v)
        return self.raw.step(v).equation.rhs if found is None else found.after

    def _filled(self, eliminated: Mapping[Variable, Reduction]) -> Expr | None:
        """Put all adjoints in, last one first; None where that grows too long to be read."""
        rhs = {s.variable: s.equation.rhs for s in self.raw.steps}
        rhs.update((v, found.after) for v, found in eliminated.items())
        whole = rhs[self.v]
        for s in reversed(self.raw.steps):
            if s.variable != self.v:
                whole = inline(whole, {s.equation.lhs: rhs[s.variable]})
                if cost(whole) > _LONGEST:
                    return None
        return contract(whole)


def _pattern(use: Use) -> Expr:
    """The local derivative of one node for one scalar, whatever the variables are called."""
    goal = goal_of(use.local)
    if isinstance(goal.wrt, Elem) or len(variables(goal.expr)) > 1:
        return goal
    return goal.xreplace({goal.wrt: sp.Dummy("v", real=True, dummy_index=1)})


def _alike(step: Step, first: Step) -> Step:
    """A local derivative that was worked out for other variables already: the result alone."""
    if len(step.sides) < _WORTH_FOLDING:
        return step
    note = Note("as", first.lhs)
    return replace(step, sides=step.sides[-1:], children=(), notes=(*step.notes, note))


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


def _conditions(use: Use) -> tuple[sp.Basic, ...]:
    whole = steps_of(use.local, "brief")
    return tuple(dict.fromkeys(c for _, s in whole.read() for c in s.conditions))


def _to_place(here: Expr, place: Expr, others: tuple[Index, ...]) -> dict[Index, Index]:
    """Call the indices of ``here`` as in ``place``, and keep the ``others`` apart from them."""
    if not (isinstance(here, Elem) and all(isinstance(i, Index) for i in here.index)):
        return {}
    new: dict[Index, Index] = dict(zip(here.index, place.index, strict=True))
    taken = {i.name for i in new.values()}
    for i in others:
        if i not in new and i.name in taken:
            letter = next(c for c in letters(i.size) if c not in taken)
            new[i] = Index(letter, i.size)
            taken.add(letter)
    return new


def _bar_at(v: Variable, at: Expr) -> Expr:
    return Elem(bar(v), *at.index) if isinstance(at, Elem) else bar(v)


def _local_name(use: Use) -> Expr:
    """dy/dv as a symbol, at the indices for which it was derived."""
    return Deriv(use.equation.lhs, goal_of(use.local).wrt)


def _with_deltas(use: Use) -> Expr:
    """The local derivative for the element at ``use.place``."""
    at = goal_of(use.local).wrt
    if not isinstance(at, Elem) or at == use.place or _is_plain(at, use.equation.index):
        return use.local.after
    pairs = zip(at.index, use.place.index, strict=True)
    return use.local.after * sp.Mul(*(Delta(i - a) for i, a in pairs))


def _is_plain(at: Expr, index: tuple[Index, ...]) -> bool:
    """True if ``at`` is read at different indices of the left side: no sum is needed over them."""
    if not isinstance(at, Elem):
        return True
    return set(at.index) <= set(index) and len(set(at.index)) == len(at.index)
