"""The C function that runs many steps of a net of a few numbers: no arrays, only variables.

The parameters are read before the first step and left after the last one.  At this size a step
is one chain of operations that wait for each other, so what counts is the length of the chain.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp
from sympy.core.expr import Expr

from symdl.backends.build import Build
from symdl.backends.c_frame import C_WORDS
from symdl.backends.c_scalars import CScalarPrinter
from symdl.backends.given import axes_of
from symdl.backends.names import Names
from symdl.backends.scalar_source import named_once, needed
from symdl.backends.straight import StraightStep, operations_of_step, straight_step
from symdl.errors import NotSupported
from symdl.program.accounts import Account

__all__ = ["straight_account", "straight_epoch"]

_MOST = 256  # operations; loops over vectors are faster for more
_OWN = frozenset(["ROW", "r", "s", "hyper", "order", "losses"])


class _Printer(CScalarPrinter):
    """Prints scalar expressions; what is known first is multiplied first.

    age  when each symbol gets its value
    """

    def __init__(self, names: Mapping[sp.Symbol, str], age: Mapping[sp.Symbol, int]) -> None:
        super().__init__(names)
        self.age = age

    def _known(self, e: Expr) -> int:
        return max((self.age.get(s, -1) for s in e.free_symbols), default=-2)

    def _factor(self, e: Expr) -> str:
        text = self._print(e)
        return text if e.is_Symbol or e.is_number else f"({text})"

    def _print_Mul(self, e: sp.Mul) -> str:
        text = "-" if sp.S.NegativeOne in e.args else ""
        factors = [f for f in e.args if f != -1]
        for f in sorted(factors, key=lambda f: (self._known(f), _below(f), str(f))):
            if _below(f):
                text = (text if text not in ("", "-") else f"{text}1.0") + " / "
                text += self._factor(1 / f)
            else:
                text += (" * " if text not in ("", "-") else "") + self._factor(f)
        return text

    def _print_Piecewise(self, e: sp.Piecewise) -> str:
        return " ".join(super()._print_Piecewise(e).split())  # on one line


def _below(e: Expr) -> bool:
    return bool(e.is_Pow and e.exp == -1)


def straight_epoch(build: Build, numbers: Mapping[sp.Symbol, int], real: str) -> str:
    """Return the source of ``epoch`` for steps that it pays to write out.

    Raises NotSupported for others.
    """
    work = operations_of_step(build, numbers)
    by_row = all(axes_of(v)[:1] == (build.batch,) for v in build.given)
    if real != "double" or work > _MOST or build.batch is None or not by_row:
        raise NotSupported(f"a step of about {work} operations on {real} numbers")
    return _source(build, straight_step(build, numbers, one_form=False))


def straight_account(source: str) -> Account:
    """What is said of such a source."""
    count = source[source.index("for (") :].count("const double")
    return Account("unroll", f"{count} statements on variables, without arrays")


def _source(build: Build, step: StraightStep) -> str:
    assignments = named_once(needed(step.assignments, step.results))
    names = Names(reserved=C_WORDS | _OWN)
    held = [step.parameters, *step.states]
    read = [*step.scalars, *(s for before, _ in held for s in before)]
    read += [s for _, symbols in step.given for s in symbols]
    name = {s: names.new(s.name) for s in read}
    printer = _Printer(name, {s: k for k, (s, _) in enumerate(assignments)})
    body = _reads(build, step, name)
    for symbol, value in assignments:
        text = printer.text(value)
        name[symbol] = names.new(symbol.name)
        body.append(f"const double {name[symbol]} = {text};")
    body.append(f"losses[s] = {name[step.loss]};")
    body += [f"((double *)r->metrics)[{k}] = {name[m]};" for k, m in enumerate(step.metrics)]
    if step.metrics:
        body.append("memcpy(r->kept + s * r->metrics_bytes, r->metrics, r->metrics_bytes);")
    for before, after in held:
        body += [f"{name[b]} = {name[a]};" for b, a in zip(before, after, strict=True)]
    first, last = _held(build, step, name)
    loop = ["for (long s = 0; s < r->steps; s++) {", *(f"    {line}" for line in body), "}"]
    lines = "\n".join(f"    {line}" for line in [*first, *loop, *last])
    return f"{_HEAD}{lines}\n}}\n#undef ROW\n"


_HEAD = """\
/* ``steps`` training steps, one after another */
#define ROW(g, n, bytes) \\
    ((const double *)(r->rows[g] + (order ? order[s * r->batch + n] : s * r->batch + n) * bytes))
__attribute__((optimize("no-tree-vectorize"))) /* a vector of two is slower than two numbers */
__attribute__((visibility("default"))) void epoch(void *const *a, const run_t *r) {
    const long *order = r->order;
    const double *hyper = r->hyper;
    double *losses = r->losses;
"""


def _held(
    build: Build, step: StraightStep, name: Mapping[sp.Symbol, str]
) -> tuple[list[str], list[str]]:
    """How parameters and state get into variables, and back; arrays hold a state by its unit."""
    update = build.update
    assert update is not None
    first = [
        f"const double {name[s]} = hyper[{k}];"
        for k, s in enumerate(step.scalars[: len(update.hyper)])
    ]
    last = []
    printer = CScalarPrinter(name)
    hyper = {s.name: s for s in step.scalars[: len(update.hyper)]}
    for k, ((before, _), unit) in enumerate(
        zip([step.parameters, *step.states], [sp.S.One, *update.units], strict=True)
    ):
        place = k + 1 if k else 0  # the gradient is the second one
        known = unit.xreplace({s: hyper[s.name] for s in unit.free_symbols})
        by = "" if unit == 1 else printer.text(known)
        for n, symbol in enumerate(before):
            cell = f"((double *)r->state[{place}])[{n}]"
            first.append(f"double {name[symbol]} = {cell}{by and f' * {by}'};")
            last.append(f"{cell} = {name[symbol]}{by and f' / {by}'};")
    return first, last


def _reads(build: Build, step: StraightStep, name: Mapping[sp.Symbol, str]) -> list[str]:
    """Where the numbers of a step come from: its rows, and the count of steps."""
    assert build.update is not None
    assert build.batch is not None
    rows = int(step.sizes[build.batch])
    lines = []
    for g, (_, symbols) in enumerate(step.given):
        size = len(symbols) // rows
        for k, symbol in enumerate(symbols):
            row, place = divmod(k, size)
            lines.append(f"const double {name[symbol]} = ROW({g}, {row}, {8 * size})[{place}];")
    if build.update.count is not None:
        lines.append(f"const double {name[step.scalars[-1]]} = r->count + s + 1;")
    return lines
