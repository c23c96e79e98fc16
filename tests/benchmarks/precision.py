"""What activations and losses lose in the last places, on each backend and in each type.

    python -m tests.benchmarks.precision [--points 400] [NAME ...]

A row is a formula on one backend in one type: the largest errors of its value and of its gradient
for what it is given first, in ulp / max(1, condition), over the whole range of the type; how many
results are not finite although the truth is; how many of the special values 0, -0, inf, -inf and
nan are wrong; how many kinds of warnings there are.  ``stored`` marks gradients from the stored
output, as training on NumPy takes them where that saves an exponential; the line after it is exact.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import symdl as sd
from symdl.catalog import activations, losses
from symdl.training.compile import BACKENDS, DTYPES
from symdl.training.gradient import compile_gradient
from symdl.verify.precision import Precision

FORMULAS = {f.name: f for f in (*activations.ALL, *losses.ALL)}


def rows(name: str, points: int) -> Iterator[tuple[str, Precision]]:
    """Measure one formula on all backends and in all types."""
    formula, first = FORMULAS[name], FORMULAS[name].inputs[:1]
    wrt = [v.name for v in first]
    stored, exact = (compile_gradient(formula, wrt, exact=e).source for e in (False, True))
    for dtype in DTYPES:
        if stored != exact:
            found = sd.verify.precision(formula, dtype=dtype, points=points, wrt=wrt, exact=False)
            yield "numpy, stored", found
        for backend in BACKENDS:
            yield (
                backend,
                sd.verify.precision(formula, dtype=dtype, backend=backend, points=points, wrt=wrt),
            )


def line(name: str, way: str, found: Precision) -> str:
    """One row of the table."""
    numbers = [
        f"{m.worst:9.3g} {m.not_finite or '':>3} {len(m.wrong) or '':>3}" for m in found.measured
    ]
    return f"{name:43} {found.dtype:8} {way:14} {' | '.join(numbers)} | {len(found.warned) or ''}"


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("names", nargs="*", help="formulas, by default all")
    options.add_argument("--points", type=int, default=100)
    options.add_argument("--where", action="store_true", help="print the worst points too")
    chosen = options.parse_args()
    head = "value, not finite, special | gradient, not finite, special | warnings"
    print(f"{'':43} {'':8} {'':14} {head}")
    for name in chosen.names or FORMULAS:
        for way, found in rows(name, chosen.points):
            print(line(name, way, found), flush=True)
            if chosen.where:
                print(*(f"    {m}" for m in found.measured), sep="\n", flush=True)


if __name__ == "__main__":
    main()
