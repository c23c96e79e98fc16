"""What each pass did and what it saved: the cost of the statements before it and after it.

Costs are formulas of the sizes.  Element-wise bodies count as the single operations that they
split into, so a saving means the same whether a pass runs before or after ``split``: in array code
each is a pass over memory, in compiled code an operation at a point of a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import sympy as sp
from sympy.core.expr import Expr

from symdl.program.border import Affine, AffineAdjoint
from symdl.program.ir import Apply, Contract, Map, Program, Read, Reduce, Slot, Statement
from symdl.program.products import as_product
from symdl.program.split import Splitting

__all__ = ["Account", "Cost", "Saving", "accounts", "cost_of", "product_accounts", "savings"]

Sizes = Mapping[Expr, int]
Orders = Mapping[Slot, tuple[int, ...]]

OPERATIONS, ELEMENTS = "operations on arrays", "element operations"
MULTIPLICATIONS, BYTES, STATEMENTS = "multiplications", "bytes", "statements"


@dataclass(frozen=True)
class Saving:
    """An amount of something, as a formula of the sizes; less than 0 where a pass costs it."""

    amount: Expr
    unit: str

    def negative(self, sizes: Sizes) -> bool:
        """Whether it is a cost; judged by the form of the formula where a size is unknown."""
        value = self.amount.xreplace(_whole(sizes))
        return bool(value < 0) if value.is_number else bool(value.could_extract_minus_sign())

    def text(self, sizes: Sizes) -> str:
        """The formula and, where the sizes are known, its value.

        >>> n, d = sp.symbols("N D", positive=True, integer=True)
        >>> Saving(3 * n * d, "multiplications").text({n: 10, d: 200})
        '3*D*N = 6,000 multiplications'
        """
        formula = sp.factor_terms(-self.amount if self.negative(sizes) else self.amount)
        number = self.number(sizes)
        if not number:
            return f"{_shortened(str(formula))} {self.unit}"
        return number if formula.is_Integer else f"{_shortened(str(formula))} = {number}"

    def number(self, sizes: Sizes) -> str:
        """The value alone, without a sign; nothing where a size is unknown.

        >>> Saving(sp.Integer(-1), "multiplications").number({})
        '1 multiplication'
        """
        value = abs(self.amount.xreplace(_whole(sizes)))
        if not value.is_Integer:
            return ""
        return f"{int(value):,} {self.unit if value != 1 else _singular(self.unit)}"


def _singular(unit: str) -> str:
    """The unit of one: the first word that ends in s is the plural."""
    first, s, rest = unit.partition("s")
    while s and rest and not rest.startswith(" "):
        more, s, rest = rest.partition("s")
        first += "s" + more
    return first + rest


_LONGEST = 60  # characters of a formula that is shown whole


def _shortened(formula: str) -> str:
    """A long sum by its first terms: the sizes of a deep network repeat each other."""
    return formula if len(formula) <= _LONGEST else formula[: _LONGEST - 4] + " ..."


@dataclass(frozen=True)
class Account:
    """One pass: its name, what it did, and what that saved.

    >>> n, d = sp.symbols("N D", positive=True, integer=True)
    >>> a = Account("dead", "1 statement left out", (Saving(n * d, "element operations"),))
    >>> print(a.text({n: 10, d: 200}))
    dead      1 statement left out; saves D*N = 2,000 element operations
    """

    name: str
    what: str
    saved: tuple[Saving, ...] = ()

    def text(self, sizes: Sizes | None = None) -> str:
        """The account in one line, with the sizes put into its formulas."""
        known = sizes or {}
        gains = [s.text(known) for s in self.saved if not s.negative(known)]
        costs = [s.text(known) for s in self.saved if s.negative(known)]
        parts = [self.what]
        parts += ["saves " + ", ".join(gains)] if gains else []
        parts += ["costs " + ", ".join(costs)] if costs else []
        return f"{self.name:<9} {'; '.join(parts)}"


@dataclass(frozen=True)
class Cost:
    """What statements cost.

    statements       how many there are
    operations       single operations on arrays, products aside
    elements         the elements that those run over
    multiplications  of products of arrays
    """

    statements: int
    operations: int
    elements: Expr
    multiplications: Expr


def cost_of(statements: Iterable[Statement]) -> Cost:
    """Return what statements cost, their element-wise bodies split into single operations."""
    every = tuple(statements)
    count = 0
    elements: list[Expr] = []
    products: list[Expr] = []
    for s in every:
        if isinstance(s, Contract):
            products.append(_multiplications(s))
            continue
        found = _volumes(s)
        count += len(found)
        elements += found
    return Cost(len(every), count, sp.Add(*elements), sp.Add(*products))


def _multiplications(s: Contract) -> Expr:
    found = _volume(s.sizes.values())
    if isinstance(s, Affine):  # a row of ones takes part
        found += _volume(s.target.axes)
    if isinstance(s, AffineAdjoint):
        found += _volume(s.right.slot.axes)
    return found


@lru_cache(maxsize=4096)
def _volumes(s: Statement) -> tuple[Expr, ...]:
    """The elements that each operation of a statement runs over; single numbers do not count."""
    return tuple(_volume(t.sizes.values()) for t in _single(s) if t.sizes)


def _single(s: Statement) -> tuple[Statement, ...]:
    """A statement as single operations on arrays; a number of numbers is none."""
    if not isinstance(s, Map):
        return (s,)
    moves = s.labels or any(isinstance(o, Read) and o.slot.rank for o in s.operands)
    return tuple(Splitting(s, set()).run()) if moves else ()


def _volume(sizes: Iterable[Expr]) -> Expr:
    return sp.Mul(*sizes)


def savings(before: Cost, after: Cost) -> tuple[Saving, ...]:
    """What is saved by ``after`` in comparison with ``before``."""
    pairs = [
        (sp.Integer(max(0, before.statements - after.statements)), STATEMENTS),
        (sp.Integer(before.operations - after.operations), OPERATIONS),
        (before.elements - after.elements, ELEMENTS),
        (before.multiplications - after.multiplications, MULTIPLICATIONS),
    ]
    return tuple(Saving(sp.expand(a), unit) for a, unit in pairs if sp.expand(a) != 0)


def accounts(program: Program, orders: Orders | None = None) -> tuple[Account, ...]:
    """Return the account of each pass that changed something, in the order in which they ran.

    ``orders`` say how the axes of the arrays lie in memory in the end.

    >>> from symdl.formula import Equation
    >>> from symdl.notation.binders import total
    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> from symdl.program.lowering import lower
    >>> from symdl.program.share import dead
    >>> n, i, j = indices("n:N i:D j:K")
    >>> x, W, z, u = tensors("x[n,i] W[i,j] z[n,j] u[n,i]", n, i, j)
    >>> p = lower([Equation(z[n, j], total(x[n, i] * W[i, j], i)), Equation(u[n, i], 2 * x[n, i])],
    ...           {z, u})
    >>> for account in accounts(dead(p, [p.slots[u]])):
    ...     print(account.text({n.size: 2, i.size: 3, j.size: 5}))
    lower     2 equations became 2 statements
    dead      1 statements that no output needs are left out; saves 1 statement, D*K*N = 30 \
multiplications
    """
    first, *rest = program.stages
    found = [Account(first.name, first.what), *_order(program, first.statements)]
    before = first.statements
    for stage in rest:
        loops = _inner_loops(program, orders or {}) if stage.name in _LAYOUTS else ()
        if stage.statements != before or loops:
            saved = savings(cost_of(before), cost_of(stage.statements))
            saved += _EXTRA.get(stage.name, _nothing)(before, stage.statements) + loops
            found.append(Account(stage.name, stage.what, saved))
        before = stage.statements
    return tuple(found)


def _nothing(before: Sequence[Statement], after: Sequence[Statement]) -> tuple[Saving, ...]:
    del before, after
    return ()


def _released(before: Sequence[Statement], after: Sequence[Statement]) -> tuple[Saving, ...]:
    """The elements that are read for the last time by an earlier statement than before."""
    now = {s.target: k for k, s in enumerate(after)}
    old, new = _last_reader(before), _last_reader(after)
    freed = [
        slot
        for slot, reader in new.items()
        if slot in now and now[reader] < now.get(old.get(slot, reader), -1)
    ]
    amount = sp.expand(sp.Add(*(_volume(slot.axes) for slot in freed)))
    return (Saving(amount, "elements kept in between"),) if freed else ()


def _last_reader(statements: Iterable[Statement]) -> dict[Slot, Slot]:
    return {r.slot: s.target for s in statements for r in s.reads}


def _narrower(before: Sequence[Statement], after: Sequence[Statement]) -> tuple[Saving, ...]:
    """What is saved by computing each part of a body over its own labels alone."""
    del after
    spared: Expr = sp.S.Zero
    for s in before:
        if isinstance(s, Map) and s.labels:
            whole = _volume(s.sizes.values())
            spared += sum((whole - v for v in _volumes(s)), sp.S.Zero)
    spared = sp.expand(spared)
    return (Saving(spared, ELEMENTS),) if spared != 0 else ()


def _masks(before: Sequence[Statement], after: Sequence[Statement]) -> tuple[Saving, ...]:
    """The copies under a mask, each of which takes as long as ten operations."""
    counts = [
        sum(isinstance(t, Apply) and t.op == "where" for s in part for t in _single(s))
        for part in (before, after)
    ]
    spared = sp.Integer(counts[0] - counts[1])
    return (Saving(spared, "masks"),) if spared else ()


def _never_written(before: Sequence[Statement], after: Sequence[Statement]) -> tuple[Saving, ...]:
    """The elements of the gradients that are part of a product that makes something else."""
    made = {s.target for s in after}
    gone = [sp.Mul(*s.target.axes) for s in before if s.target not in made]
    return (Saving(sp.Add(*gone), "elements written"),)


_LAYOUTS = ("layout", "memory")
_EXTRA: Mapping[str, Callable[..., tuple[Saving, ...]]] = {
    "absorb": _never_written,
    "branches": _masks,
    "simplify": _released,
    "split": _narrower,
}


# -- the order of contractions


def _order(program: Program, statements: Sequence[Statement]) -> Iterator[Account]:
    """What pairwise contraction saves on products of more than two factors."""
    variables = set(program.slots.values())
    made = {s.target: s for s in statements}
    inner = {r.slot for s in statements for r in s.reads if _is_product(made.get(r.slot))}
    chains, saved = 0, sp.S.Zero
    for s in statements:
        if not _is_product(s) or (s.target in inner and s.target not in variables):
            continue
        parts = list(_chain(s, made, variables))
        factors = 1 + sum(isinstance(p, Contract) or _multiplies(p) for p in parts)
        if factors > 2:
            sizes = {n: e for p in parts for n, e in p.sizes.items()}
            at_once = (factors - 1) * _volume(sizes.values())
            chains += 1
            saved += at_once - sum((_volume(p.sizes.values()) for p in parts), sp.S.Zero)
    if chains:
        text = f"{chains} sums of products of more than two factors are taken two at a time"
        yield Account("order", text, (Saving(sp.expand(saved), MULTIPLICATIONS),))


def _is_product(s: Statement | None) -> bool:
    return isinstance(s, Contract) or _multiplies(s)


def _multiplies(s: Statement | None) -> bool:
    return isinstance(s, Apply) and s.op == "multiply"


def _chain(
    s: Statement, made: Mapping[Slot, Statement], variables: set[Slot]
) -> Iterator[Statement]:
    """A product, the products in between that it is made of, and sums taken beforehand."""
    yield s
    for r in s.reads:
        below = made.get(r.slot)
        if r.slot not in variables and (_is_product(below) or isinstance(below, Reduce)):
            assert below is not None
            yield from _chain(below, made, variables)


# -- how arrays lie


def _inner_loops(program: Program, orders: Orders) -> tuple[Saving, ...]:
    """What columns first save: loops of array code that start anew.

    An operation that repeats or sums an operand along one of two axes is a loop over the outer
    axis of as many inner loops.
    """
    first = [next(_turned(s, orders), None) for s in program.statements]
    loops = sp.expand(sp.Add(*(slot.axes[0] - slot.axes[1] for slot in first if slot is not None)))
    return (Saving(loops, "inner loops"),) if loops != 0 else ()


def product_accounts(program: Program, orders: Orders) -> tuple[Account, ...]:
    """What is saved by products that read a matrix as it lies, transposed or not."""
    products = (as_product(s, orders) for s in program.statements if isinstance(s, Contract))
    turned = [m.read.slot for p in products if p is not None for m in (p.left, p.right) if m.turned]
    if not turned:
        return ()
    text = f"{len(turned)} factors of products are read transposed, without a copy"
    elements = sp.Add(*(_volume(slot.axes) for slot in turned))
    return (Account("products", text, (Saving(elements, "elements copied"),)),)


def _turned(s: Statement, orders: Orders) -> Iterator[Slot]:
    """The matrices with columns first in a statement that repeats or sums along one axis."""
    slots = [Read(s.target, s.labels), *s.reads]
    ranks = {len(r.labels) for r in slots}
    if isinstance(s, (Apply, Reduce)) and len(ranks) > 1:
        yield from (r.slot for r in slots if orders.get(r.slot) == (1, 0))


def _whole(sizes: Sizes) -> dict[Expr, sp.Integer]:
    return {s: sp.Integer(n) for s, n in sizes.items()}
