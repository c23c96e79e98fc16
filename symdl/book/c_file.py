"""A training step as one C file, whose header says how to compile and call it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symdl.backends.c_build import OPTIONS
from symdl.backends.c_function import plain
from symdl.backends.c_library import Library
from symdl.backends.c_nest import C_TYPES
from symdl.book.step_class import Parts, parts_of, shape_text
from symdl.errors import NotSupported
from symdl.program.ir import Slot
from symdl.program.nests import Order
from symdl.training.sequential import Sequential

__all__ = ["c_file", "compile_line", "library_of", "stored"]


def c_file(model: Sequential, stem: str = "step") -> str:
    """Return the C source of the model's step, with one function that runs whole epochs.

    ``stem`` is the name of the file to be, without its ending.  Raises InputError for a model that
    has no loss, no optimizer or no size of its input, NotSupported for one whose gradients are
    clipped or whose weights are constrained, which is not part of the C code.
    """
    parts = parts_of(model)
    library = library_of(parts)
    return _header(parts, library, stem) + library.source


def library_of(parts: Parts) -> Library:
    """The C functions of a model, for batches of any size."""
    outline = parts.build.outline
    extra = {"clipping of gradients": outline.thresholds, "constraints": outline.constrained}
    for what, present in extra.items():
        if present:
            raise NotSupported(f"{what} as C: write it with --backend numpy, or leave it away")
    return Library(parts.build, parts.step.sizes, parts.step.dtype, absorb=False)


def compile_line(stem: str) -> str:
    """The command that makes a library of the C file."""
    return f"cc {' '.join(OPTIONS)} -o lib{stem}.so {stem}.c -lm"


_HEADER = """\
/* {stem}.c: a training step, written by symdl.

       {command}

   Arrays are passed as a table of pointers: a[k] is the array of line k below, in C order.  Those
   without a name in the formulas are scratch memory.  d[0] is the number {batch} of rows.{start}

{functions}

   void update_all(void *const *a, const long *d, const double *hyper, double count)
       the update, in place; count: steps taken, this one included; hyper: {hyper}
{update}

   void state_units(const double *hyper, double *units)
       what a[2], a[3], ... of update_all are kept divided by: where hyper changes between steps,
       multiply them by the old unit and divide by the new one

   void epoch(void *const *a, const run_t *r)
       ``steps`` times gradients and update_all, over the rows in a given order; a: as gradients
       has it (what is given is filled in here), r->state: as update_all has it; see run_t
*/

"""
_START = """

   void start(void *gemm)
       before anything else: the address of BLAS' {gemm}, such as {gemm}_ of a library linked with
       -lopenblas, or the one that SciPy holds; its whole numbers must be C's int"""
_ABOUT = {
    "gradients": "returns the loss in training; its gradients are left in {gradient}",
    "evaluate": "returns the loss in prediction",
    "forward": "the output for new inputs, in {result}",
}


def _header(parts: Parts, library: Library, stem: str) -> str:
    update = library.update
    assert update is not None
    gemm = "sgemm" if library.real == "float" else "dgemm"
    return _HEADER.format(
        stem=stem,
        command=compile_line(stem),
        batch=parts.batch,
        start=_START.format(gemm=gemm) if library.blas else "",
        functions="\n\n".join(_function(parts, library, name) for name in library.written),
        hyper=", ".join(s.name for s in update.update.hyper),
        update=_table(parts, update.function.pointers, update.orders),
    )


def _function(parts: Parts, library: Library, name: str) -> str:
    written = library.written[name]
    use, kind = written.use, "void" if written.use.result.rank else "double"
    pointers = written.function.pointers
    places = [pointers.index(slot) for slot in use.vectors.get("gradient", ())]
    span = f"a[{places[0]}] to a[{places[-1]}]" if places else ""
    about = _ABOUT[name].format(gradient=span, result=plain(use.result.name))
    table = _table(parts, pointers, written.orders)
    return f"   {kind} {name}(void *const *a, const long *d)\n       {about}\n{table}"


def _table(parts: Parts, pointers: Sequence[Slot], orders: Mapping[Slot, Order]) -> str:
    shown = [
        (plain(slot.name), C_TYPES[slot.kind], stored(parts, slot, orders)) for slot in pointers
    ]
    width = max(len(name) for name, _, _ in shown)
    return "\n".join(
        f"       {place:>3}  {name:<{width}}  {kind} {shape}"
        for place, (name, kind, shape) in enumerate(shown)
    )


def stored(parts: Parts, slot: Slot, orders: Mapping[Slot, Order]) -> str:
    """The shape of an array as it lies in memory, as text."""
    sizes = dict(parts.step.sizes)
    if parts.build.update is not None:
        (count,) = parts.build.update.weight.axes
        sizes[count] = sum(a.size for a in parts.step.parameters.values())
    axes = [slot.axes[k] for k in orders.get(slot, tuple(range(slot.rank)))]
    return shape_text(axes, sizes, parts.net.batch)
