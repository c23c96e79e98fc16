"""What the names in a text mean: constants, functions, indices with their sizes, tensors."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, TypeVar

import sympy as sp
from sympy.core.expr import Expr

from symdl.notation.binders import ArgPeak, Binder, Peak, Total
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import TensorSymbol, real
from symdl.notation.text_limits import MAX_ARGUMENTS, Gauge, wrong

if TYPE_CHECKING:
    from lark import Token, Tree

    Node = Tree[Token] | Token

__all__ = ["BINDERS", "CONSTANTS", "FUNCTIONS", "PLAIN", "SPECIAL", "Names", "Scope"]

Scope = Mapping[str, Index]
T = TypeVar("T")

CONSTANTS = {"pi": sp.pi, "π": sp.pi, "E": sp.E}
_NO_NUMBERS = ("I", "oo", "zoo", "nan", "inf")  # how SymPy and NumPy print what is refused here
BINDERS: dict[str, type[Binder]] = {"sum": Total, "max": Peak, "argmax": ArgPeak}
PLAIN: dict[str, Callable[[Expr], Expr]] = {
    "abs": sp.Abs,
    "asinh": sp.asinh,
    "atan": sp.atan,
    "cos": sp.cos,
    "cosh": sp.cosh,
    "erf": sp.erf,
    "erfc": sp.erfc,
    "exp": sp.exp,
    "ln": sp.log,
    "log": sp.log,
    "sign": sp.sign,
    "sin": sp.sin,
    "sinh": sp.sinh,
    "tan": sp.tan,
    "tanh": sp.tanh,
}
# The other functions: how each is written, and how many arguments it may have.
SPECIAL = {
    "delta": ("delta(i, j)", 2, 2),
    "max": ("max(a, b, ...), or over an index max[k](z[k])", 2, MAX_ARGUMENTS),
    "min": ("min(a, b, ...)", 2, MAX_ARGUMENTS),
    "sqrt": ("sqrt(x)", 1, 1),
    "step": ("step(z) or step(z, at_zero)", 1, 2),
    "where": ("where(a < b, x, y)", 3, 3),
}
FUNCTIONS = tuple(sorted((*PLAIN, *SPECIAL)))
_ALSO_NAMES = ("delta", "step")  # common names of parameters, where they are not called


class Names:
    """What each name means: given by the caller, declared in the text, or inferred from its use."""

    def __init__(
        self,
        indices: Scope | None,
        tensors: Mapping[str, TensorSymbol] | None,
        symbols: Mapping[str, sp.Symbol] | None,
        functions: Mapping[str, Callable[..., Expr]] | None,
    ) -> None:
        self.indices = _normal(indices)
        self.symbols = _normal(symbols)
        self.tensors = _normal(tensors)
        self.tensors |= {k: s for k, s in self.symbols.items() if isinstance(s, TensorSymbol)}
        self.functions = _normal(functions)
        self.sizes: dict[str, Expr] = {}
        self.bound: set[str] = set()  # every name that is bound somewhere
        self.gauge = Gauge()
        for i in self.indices.values():
            self._note_size(i.size)
        for t in self.tensors.values():
            for size in getattr(t, "axes", ()):
                self._note_size(size)

    def _note_size(self, size: Expr) -> None:
        self.sizes |= {s.name: s for s in size.free_symbols}

    def prepare(self, trees: Sequence[Tree[Token]]) -> None:
        """Note what the trees declare: sizes, indices; and infer tensors from their use."""
        for tree in trees:
            self._declare(tree)
        for name in {*self.bound, *self.indices} & self.sizes.keys():
            raise wrong(trees[0], f"'{name}' as an index and as a size", "two names")
        for name in self.symbols.keys() & self.sizes.keys():
            if self.symbols[name] != self.sizes[name]:
                raise wrong(trees[0], f"'{name}' as a symbol and as a size", "two names")
        self._infer(trees)

    def _declare(self, tree: Tree[Token]) -> None:
        """Note all sizes of the text, and the free indices declared as in ``x[n:N]``."""
        for node in tree.iter_subtrees():
            if node.data not in ("access", "bind"):
                continue
            for part in as_tree(node.children[1]).children:
                if isinstance(part, str) or part.data not in ("declare", "name"):
                    continue
                name = str(part.children[0])
                if node.data == "bind":
                    self.bound.add(name)
                if part.data == "declare":
                    i = self._declared(part)
                    if node.data == "access" and self.indices.setdefault(name, i) != i:
                        found = f"a second size {i.size} of index {name}"
                        raise wrong(part, found, f"{self.indices[name].size}, as before")

    def _declared(self, node: Tree[Token]) -> Index:
        name, size = (as_token(c) for c in node.children)
        self._unused(name)
        if size.type == "NUMBER":
            self.gauge.number(size)
        else:
            self._unused(size)
        found = self.gauge.make(size, "a size", lambda: size_of(str(size)))
        self._note_size(found)
        return Index(str(name), found)

    def _unused(self, name: Token) -> None:
        taken = name in CONSTANTS or name in BINDERS or name in self.functions
        if taken or (name in FUNCTIONS and name not in _ALSO_NAMES) or name in self.tensors:
            raise wrong(name, f"'{name}', which means something else", "another name")

    def _infer(self, trees: Iterable[Tree[Token]]) -> None:
        """Give each tensor that was not declared the axes of its first use with plain indices."""
        reads: list[tuple[Tree[Token], Scope]] = []
        for tree in trees:
            self._reads(tree, self.indices, reads)
        inner = [p for node, _ in reads for p in as_tree(node.children[1]).children if is_read(p)]
        labels = {str(as_tree(p).children[0]) for p in inner}
        before = -1
        while before < len(self.tensors):
            before = len(self.tensors)
            for node, scope in reads:
                self._infer_one(node, scope, labels)

    def _infer_one(self, node: Tree[Token], scope: Scope, labels: set[str]) -> None:
        token, places = as_token(node.children[0]), as_tree(node.children[1]).children
        known = self.tensors.get(str(token))
        if isinstance(known, TensorSymbol):
            for place, size in zip(places, known.axes, strict=False):
                if is_read(place):  # p[n, t[n]]: t holds labels of this axis
                    inner = as_tree(place)
                    name = as_token(inner.children[0])
                    axes = self._plain_axes(as_tree(inner.children[1]).children, scope)
                    if str(name) not in self.tensors and axes is not None:
                        self._add_tensor(name, axes, size)
        elif str(token) not in labels and known is None:
            axes = self._plain_axes(places, scope)
            if axes is not None:
                self._add_tensor(token, axes, None)

    def _add_tensor(self, name: Token, axes: tuple[Expr, ...], labels: Expr | None) -> None:
        self._unused(name)
        for what, taken in (("an index", {*self.bound, *self.indices}), ("a size", self.sizes)):
            if name in taken:
                raise wrong(name, f"'{name}', which is {what}, used as a tensor", "another name")
        if name in self.symbols:
            raise wrong(name, f"brackets after the symbol '{name}'", "a tensor", "give it axes")
        self.tensors[str(name)] = TensorSymbol(str(name), axes, labels=labels)

    def _plain_axes(self, places: Iterable[Node], scope: Scope) -> tuple[Expr, ...] | None:
        axes = []
        for place in places:
            if isinstance(place, str):
                return None
            name = str(place.children[0]) if place.data in ("name", "declare", "access") else ""
            label = self.tensors.get(name) if place.data == "access" else None
            size = getattr(label, "labels", None) or getattr(scope.get(name), "size", None)
            if size is None:
                return None
            axes.append(size)
        return tuple(axes)

    def _reads(self, node: Node, scope: Scope, found: list[tuple[Tree[Token], Scope]]) -> None:
        if isinstance(node, str):
            return
        if node.data == "access" and node.children[0] not in BINDERS:
            found.append((node, scope))
        elif node.data == "bind" and node.children[0] in BINDERS:
            scope = {**scope, **{i.name: i for i in self.binding(node, scope)}}
        for child in node.children:
            self._reads(child, scope, found)

    def affine(self, node: Node, scope: Scope) -> Expr:
        """An index expression: whole multiples of indices and sizes, and whole numbers."""
        if isinstance(node, str):
            raise TypeError(node)
        if node.data == "name":
            return self._index(as_token(node.children[0]), scope)
        if (
            node.data == "number"
            and (value := self.gauge.number(as_token(node.children[0]))).is_Integer
        ):
            return value
        if node.data == "sign":
            return sign_of(node.children[0]) * self.affine(node.children[1], scope)
        if node.data == "sum":
            first, *rest = (self.affine(c, scope) for c in node.children[::2])
            signs = (sign_of(c) for c in node.children[1::2])
            return sp.Add(first, *(s * p for s, p in zip(signs, rest, strict=True)))
        if node.data == "term" and "/" not in node.children[1::2]:
            parts = [self.affine(c, scope) for c in node.children[::2]]
            if sum(not p.is_Integer for p in parts) <= 1:
                self.gauge.product(node, parts)
                return reduce(lambda a, b: a * b, parts)
        hint = "or a whole access with labels, as in p[n,t[n]]"
        raise wrong(node, "no index expression", "one such as i, i+1 or 2*i-k", hint)

    def _index(self, token: Token, scope: Scope) -> Expr:
        name = str(token)
        for known in (scope, self.sizes):
            if name in known:
                return known[name]
        if name in self.symbols and self.symbols[name].is_integer:
            return self.symbols[name]
        names = sorted({*scope, *self.sizes})
        expected = f"one of {', '.join(names)}" if names else "a declared index"
        hint = f"{near(name, names)}declare it with its size, as in sum[{name}:D](...)"
        raise wrong(token, f"the unknown index '{name}'", expected, hint)

    def binding(self, node: Tree[Token], scope: Scope) -> tuple[Index, ...]:
        found: list[Index] = []
        for part in as_tree(node.children[1]).children:
            if isinstance(part, str) or part.data not in ("name", "declare"):
                raise wrong(part, "an expression", "the name of an index", "bind i, not i+1")
            if part.data == "declare":
                found.append(self._declared(part))
            else:
                i = self._index(as_token(part.children[0]), scope)
                if not isinstance(i, Index):
                    raise wrong(part, f"the size {i}", "the name of an index")
                found.append(i)
        if len({i.name for i in found}) < len(found):
            raise wrong(node, "an index bound twice", "different indices")
        return tuple(found)

    def value(self, node: Tree[Token], scope: Scope) -> Expr:
        token = as_token(node.children[0])
        name = str(token)
        if isinstance(self.tensors.get(name), TensorSymbol):
            use = f"'{name}', which is a tensor, without indices"
            raise wrong(token, use, f"{name}[...] with its indices")
        for known in (scope, self.symbols, self.tensors, self.sizes, CONSTANTS):
            if name in known:
                return known[name]
        return self.plain(token)

    def plain(self, token: Token) -> sp.Symbol:
        """Return the real symbol of that name, if nothing else has the name."""
        name = str(token)
        if name in self.bound:
            raise wrong(token, f"'{name}' outside of the sum that binds it", "another name")
        if name in _NO_NUMBERS:
            hint = f"if it is a name, pass symbols={{'{name}': ...}}"
            raise wrong(token, f"'{name}'", "a real and finite number", hint)
        called = name in FUNCTIONS or name in self.functions
        if name in BINDERS and not called:
            raise wrong(token, f"'{name}' alone", f"{name}[i](...) with its index")
        if called and name not in _ALSO_NAMES:
            use = SPECIAL[name][0] if name in SPECIAL else f"{name}(...)"
            raise wrong(token, f"the function '{name}' without arguments", use)
        return real(name)


def _normal(names: Mapping[str, T] | None) -> dict[str, T]:
    return {unicodedata.normalize("NFKC", k): v for k, v in (names or {}).items()}


def as_tree(node: Node) -> Tree[Token]:
    """Return ``node``, which the grammar says is a tree."""
    if isinstance(node, str):
        raise TypeError(node)
    return node


def as_token(node: Node) -> Token:
    """Return ``node``, which the grammar says is a token."""
    if not isinstance(node, str):
        raise TypeError(node)
    return node


def is_read(node: Node) -> bool:
    """Whether ``node`` reads an element of a tensor."""
    return not isinstance(node, str) and node.data == "access"


def sign_of(node: Node) -> Expr:
    """Return the number that the sign ``node`` multiplies by."""
    return sp.S.One if node == "+" else sp.S.NegativeOne


def near(name: str, known: Iterable[str]) -> str:
    """Return a hint at a known name that looks like ``name``, or nothing."""
    close = difflib.get_close_matches(name, known, 1)
    return f"did you mean {close[0]}? otherwise " if close else ""
