"""A plain formula as a callable: sizes are read off the arrays that it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from symdl.backends.cache import Cache
from symdl.backends.given import check_labels, convert, infer_sizes, size_value
from symdl.backends.lowered import check_given, check_places, sizes_in, slot_of
from symdl.backends.module import load
from symdl.backends.names import Names
from symdl.backends.numpy_source import module_source, write_maker
from symdl.errors import InputError, Mismatch, NotSupported
from symdl.formula import Equation, Variable
from symdl.program.accounts import Account, accounts, product_accounts
from symdl.program.ir import Program
from symdl.program.layout import layout
from symdl.program.lowering import lower
from symdl.program.passes import for_arrays
from symdl.program.plan import Plan, plan

__all__ = ["Compiled", "compile_function"]


class Compiled:
    """Computes outputs from inputs; the source is in ``source``."""

    backend = "numpy"

    def __init__(
        self,
        source: str,
        planned: Plan,
        *,
        inputs: tuple[Variable, ...],
        outputs: tuple[Variable, ...],
        dtype: str,
        sizes: Mapping[sp.Symbol, int],
        symbols: Sequence[sp.Symbol],
    ) -> None:
        self.source = source
        self.inputs, self.outputs = inputs, outputs
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise NotSupported(f"dtype {dtype}: there are float32 and float64")
        self._plan, self._sizes, self._symbols = planned, dict(sizes), tuple(symbols)
        self._make_function = load(source)["make_function"]
        self._cache = Cache(self._make)

    def __call__(self, *given: ArrayLike) -> Any:
        """Return the output, or a tuple where there are several."""
        if len(given) != len(self.inputs):
            names = ", ".join(v.name for v in self.inputs)
            raise Mismatch(
                f"{len(self.inputs)} arrays are needed ({names}), but {len(given)} were given"
            )
        arrays = [convert(v, a, self.dtype) for v, a in zip(self.inputs, given, strict=True)]
        function = self._cache.get("function", arrays)
        if any(getattr(v, "labels", None) is not None for v in self.inputs):
            self._check_labels(arrays)
        found = function(*arrays)
        values = found if len(self.outputs) > 1 else (found,)
        own = [np.array(v, order="C") if isinstance(v, np.ndarray) else v for v in values]
        return tuple(own) if len(own) > 1 else own[0]

    def explain(self) -> str:
        """Return what each pass did and what it saved, as formulas of the sizes."""
        return "\n".join(a.text(self._sizes) for a in self._accounts())

    def _accounts(self) -> list[Account]:
        program, orders = self._plan.program, self._plan.orders
        return [*accounts(program, orders), *product_accounts(program, orders)]

    def _check_labels(self, arrays: Sequence[Any]) -> None:
        sizes = infer_sizes(self.inputs, [np.shape(a) for a in arrays], self._sizes)
        for v, a in zip(self.inputs, arrays, strict=True):
            check_labels(v, a, sizes)

    def _make(self, name: str, shapes: tuple[tuple[int, ...], ...]) -> Callable[..., Any]:
        sizes = infer_sizes(self.inputs, shapes, self._sizes)
        missing = [s for s in self._symbols if s not in sizes]
        if missing:
            raise InputError(
                f"no input tells the size {missing[0]}; read a tensor over that axis in the formula"
            )
        check_places(self._plan.program, sizes)
        return self._made(sizes)

    def prepare(self, equations: Sequence[Equation], lowered: Program) -> None:
        """Make what else the backend needs of the equations and of their lowered form."""

    def _made(self, sizes: Mapping[sp.Symbol, int]) -> Callable[..., Any]:
        """The function for these sizes."""
        names = Names()
        numbers = {names.new(str(s)): size_value(s, sizes) for s in self._symbols}
        made: Callable[..., Any] = self._make_function(self.dtype, **numbers)
        return made


def compile_function(
    equations: Sequence[Equation],
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    dtype: str = "float64",
    sizes: Mapping[sp.Symbol, int] | None = None,
    *,
    kind: type[Compiled] = Compiled,
) -> Compiled:
    """Compile equations to a function of the inputs; ``kind`` says on which backend it runs.

    >>> from symdl.notation.indices import indices
    >>> from symdl.notation.tensors import tensors
    >>> from symdl.notation.binders import total
    >>> n, i = indices("n:N i:D")
    >>> x, w, y = tensors("x[n,i] w[i] y[n]", n, i)
    >>> f = compile_function([Equation(y[n], total(x[n, i] * w[i], i))], [x, w], [y])
    >>> f([[1, 2], [3, 4]], [1, 10])
    array([21., 43.])
    >>> f([[1, 2], [3, 4]], [1, 10, 100])
    Traceback (most recent call last):
    ...
    symdl.errors.Mismatch: x[N, D] has shape (2, 2), so D = 2, but w[D] has shape (3,), so D = 3
    """
    if not outputs:
        raise InputError("a function needs an output")
    lowered = lower(equations, set(outputs), sizes)
    check_given(lowered, inputs, (), set(outputs))
    given = [slot_of(lowered, v) for v in inputs]
    results = [slot_of(lowered, v) for v in outputs]
    planned = plan(*layout(for_arrays(lowered)))
    symbols = sizes_in(equations, inputs)
    maker = write_maker("function", planned, inputs=given, results=results, sizes=symbols)
    source = module_source("Generated from these formulas:", [str(e) for e in equations], [maker])
    made = kind(
        source,
        planned,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        dtype=dtype,
        sizes=sizes or {},
        symbols=symbols,
    )
    made.prepare(equations, lowered)
    return made
