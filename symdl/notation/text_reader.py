"""From the tree of a text to an expression: names, indices, tensors, functions, binders."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING

import sympy as sp
from sympy.core.expr import Expr

from symdl.errors import InputError
from symdl.notation.indicators import Delta, UnitStep
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol
from symdl.notation.text_limits import shown, wrong
from symdl.notation.text_names import (
    BINDERS,
    FUNCTIONS,
    PLAIN,
    SPECIAL,
    Names,
    Scope,
    as_token,
    as_tree,
    is_read,
    near,
    sign_of,
)

if TYPE_CHECKING:
    from lark import Token, Tree

    Node = Tree[Token] | Token

__all__ = ["Reader"]

_COMPARE = {
    "<": sp.StrictLessThan,
    "<=": sp.LessThan,
    "≤": sp.LessThan,
    ">": sp.StrictGreaterThan,
    ">=": sp.GreaterThan,
    "≥": sp.GreaterThan,
    "==": sp.Equality,
}


class Reader:
    """Reads trees that have passed the limits; every error of the text is an ``InputError``."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.gauge = names.gauge

    def read(self, *trees: Tree[Token]) -> tuple[Expr, ...]:
        """Return what the trees, which share indices and tensors, say."""
        try:
            self.names.prepare(trees)
            return tuple(self.gauge.whole(t, self.build(t, self.names.indices)) for t in trees)
        except RecursionError:
            found = "operations inside each other too deep for this machine's stack"
            raise wrong(trees[0], found, "fewer of them", "try several equations") from None

    def build(self, node: Node, scope: Scope) -> Expr:
        """Return the expression that ``node`` says, where ``scope`` holds the indices."""
        if isinstance(node, str):
            raise TypeError(node)
        method: Callable[[Tree[Token], Scope], Expr] = getattr(self, f"_{node.data}")
        return method(node, scope)

    def _name(self, node: Tree[Token], scope: Scope) -> Expr:
        return self.names.value(node, scope)

    def _number(self, node: Tree[Token], scope: Scope) -> Expr:
        return self.gauge.number(as_token(node.children[0]))

    def _sum(self, node: Tree[Token], scope: Scope) -> Expr:
        parts = [self.build(c, scope) for c in node.children[::2]]
        signs = [sign_of(c) for c in node.children[1::2]]
        parts = [parts[0], *(s * p for s, p in zip(signs, parts[1:], strict=True))]
        self.gauge.sum(node, parts)
        return self.gauge.make(node, "a sum", lambda: sp.Add(*parts))

    def _term(self, node: Tree[Token], scope: Scope) -> Expr:
        parts = [self.build(node.children[0], scope)]
        for operator, operand in zip(node.children[1::2], node.children[2::2], strict=True):
            value = self.build(operand, scope)
            parts.append(
                self._raised(operand, value, sp.S.NegativeOne) if operator == "/" else value
            )
        self.gauge.product(node, parts)
        return self.gauge.make(node, "a product", lambda: _multiplied(parts))

    def _sign(self, node: Tree[Token], scope: Scope) -> Expr:
        return sign_of(node.children[0]) * self.build(node.children[1], scope)

    def _power(self, node: Tree[Token], scope: Scope) -> Expr:
        base, exponent = (self.build(c, scope) for c in node.children[::2])
        return self._raised(node, base, exponent)

    def _raised(self, at: Node, base: Expr, exponent: Expr) -> Expr:
        self.gauge.power(at, base, exponent)
        return self.gauge.make(at, "a power", lambda: sp.Pow(base, exponent))

    def _compare(self, node: Tree[Token], scope: Scope) -> Expr:
        raise wrong(node.children[1], "a comparison", "a value", "compare in where(a < b, x, y)")

    # ------------------------------------------------------------------ elements and indices

    def _access(self, node: Tree[Token], scope: Scope) -> Expr:
        token = as_token(node.children[0])
        name = str(token)
        if name in BINDERS:
            raise wrong(token, f"'{name}[...]' without a body", f"{name}[...](...)")
        tensor, parts = self.names.tensors.get(name), as_tree(node.children[1]).children
        known = isinstance(tensor, TensorSymbol)
        places = [self._place(c, scope) for c in parts if known or not is_read(c)]
        if not isinstance(tensor, TensorSymbol):
            use = f"'{name}[...]', whose axes are not known"
            hint = f"use '{name}' with plain indices first, or pass it in tensors="
            raise wrong(token, use, "a declared tensor or plain indices", hint)
        for part, size in zip(places, tensor.axes, strict=False):
            labels = part.tensor.labels if isinstance(part, Elem) else getattr(part, "size", size)
            if labels != size and not isinstance(part, Index):
                use = f"labels of {labels or 'no axis'} in an axis of size {size} of '{name}'"
                raise wrong(node, use, f"labels of {size}", "declare it with labels=")
        found = self.gauge.make(token, f"'{name}'", lambda: tensor[tuple(places)])
        if found == 0:
            hint = "the first element is 0, and the last of D elements is D-1"
            raise wrong(token, f"an element outside of the axes of '{name}'", "one inside", hint)
        return found

    def _place(self, node: Node, scope: Scope) -> Expr:
        if not isinstance(node, str):
            if node.data == "declare":
                return scope[str(node.children[0])]
            if node.data == "access" or (node.data == "bind" and node.children[0] == "argmax"):
                return self.build(node, scope)
        return self.names.affine(node, scope)

    # ------------------------------------------------------------------ binders and functions

    def _bind(self, node: Tree[Token], scope: Scope) -> Expr:
        token, body = as_token(node.children[0]), node.children[2]
        name = str(token)
        if name not in BINDERS:
            hint = f"{near(name, BINDERS)}a product is written {name}[...]*(...)"
            raise wrong(token, f"'{name}[...](...)'", "sum, max or argmax", hint)
        index = self.names.binding(node, scope)
        if name != "sum" and len(index) > 1:
            raise wrong(token, f"{len(index)} indices", f"one index; nest {name}[i](...)")
        value = self.build(body, {**scope, **{i.name: i for i in index}})
        return self.gauge.make(token, f"'{name}[...]'", lambda: BINDERS[name](value, *index))

    def _call(self, node: Tree[Token], scope: Scope) -> Expr:
        token, parts = as_token(node.children[0]), node.children[1:]
        name = str(token)
        if name in self.names.functions:
            values = [self.build(p, scope) for p in parts]
            return self.gauge.make(
                token, f"'{name}(...)'", lambda: self._by_definition(name, values)
            )
        if name in PLAIN:
            if len(parts) != 1:
                hint = "log is natural; another base is log(x)/log(2)" if name == "log" else ""
                raise wrong(token, f"{_arguments(len(parts))} of '{name}'", "one argument", hint)
            return self._function(token, name, self.build(parts[0], scope))
        if name not in SPECIAL:
            known = sorted({*FUNCTIONS, *self.names.functions})
            if name in BINDERS:
                raise wrong(token, f"'{name}' without an index", f"one, as in {name}[i:D](x[i])")
            use = f"'{name}(...)', but no function has this name"
            hint = f"{near(name, known)}a product is written {name}*(...)"
            raise wrong(token, use, f"one of {', '.join(known)}", hint)
        use, low, high = SPECIAL[name]
        if not low <= len(parts) <= high:
            raise wrong(token, f"{_arguments(len(parts))} of '{name}'", use)
        method: Callable[..., Expr] = getattr(self, f"_call_{name}")
        return method(token, scope, *parts)

    def _by_definition(self, name: str, values: list[Expr]) -> Expr:
        made = self.names.functions[name](*values)
        if not isinstance(made, (Expr, int)):
            raise InputError(f"{name} gave {type(made).__name__}, not an expression")
        return made if isinstance(made, Expr) else sp.Integer(made)

    def _function(self, at: Token, name: str, value: Expr) -> Expr:
        if name in ("exp", "sinh", "cosh"):
            self.gauge.exp(at, value)
        elif name not in ("log", "ln", "abs", "sign"):
            self.gauge.argument(at, value)
        return self.gauge.make(at, f"'{name}(...)'", lambda: PLAIN[name](value))

    def _call_sqrt(self, at: Token, scope: Scope, part: Node) -> Expr:
        return self._raised(at, self.build(part, scope), sp.S.Half)

    def _call_max(self, at: Token, scope: Scope, *parts: Node) -> Expr:
        values = [self.build(p, scope) for p in parts]
        for a, b in itertools.combinations(values, 2):
            self._comparable(at, a, b)
        make = sp.Max if at == "max" else sp.Min
        return self.gauge.make(at, f"'{at}(...)'", lambda: make(*values))

    _call_min = _call_max

    def _call_step(self, at: Token, scope: Scope, z: Node, zero: Node | None = None) -> Expr:
        value = self.build(z, scope)
        at_zero = sp.S.Zero if zero is None else self.build(zero, scope)
        if not (at_zero.is_Rational and 0 <= at_zero <= 1):
            raise wrong(
                at if zero is None else zero, shown(str(at_zero)), "a number from 0 to 1, as 1/2"
            )
        if value.is_number and value.is_nonzero:
            value = sp.sign(value)
        return self.gauge.make(at, "'step(...)'", lambda: UnitStep(value, at_zero))

    def _call_delta(self, at: Token, scope: Scope, left: Node, right: Node) -> Expr:
        i, j = self._place(left, scope), self._place(right, scope)
        for e in (i, j):
            if isinstance(e, Elem) and e.tensor.labels is None:
                raise wrong(at, f"'{e}', which holds no labels", "an index or a label")
        return self.gauge.make(at, "'delta(...)'", lambda: Delta(i - j))

    def _call_where(self, at: Token, scope: Scope, test: Node, yes: Node, no: Node) -> Expr:
        if isinstance(test, str) or test.data != "compare":
            raise wrong(test, "no comparison", "one such as x < 1", "write where(x < 1, a, b)")
        left, right = (self.build(c, scope) for c in test.children[::2])
        if left.has(sp.Piecewise) or right.has(sp.Piecewise):
            hint = "give it a name in an equation of its own"
            raise wrong(test, "where inside a comparison", "sides without cases", hint)
        self._comparable(at, left, right)
        a, b = self.build(yes, scope), self.build(no, scope)
        compare = _COMPARE[str(test.children[1])]
        return self.gauge.make(
            at, "'where(...)'", lambda: sp.Piecewise((a, compare(left, right)), (b, True))
        )

    def _comparable(self, at: Token, a: Expr, b: Expr) -> None:
        """Refuse two constants that differ in form but perhaps not in value."""
        if a != b and (difference := a - b).is_number:
            self.gauge.result(at, difference)


def _multiplied(parts: list[Expr]) -> Expr:
    """Multiply from left to right, as Python would; all at once where that would take long."""
    return reduce(lambda a, b: a * b, parts) if len(parts) <= 16 else sp.Mul(*parts)


def _arguments(count: int) -> str:
    return "1 argument" if count == 1 else f"{count or 'no'} arguments"
