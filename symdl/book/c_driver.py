"""The Python module that compiles a written C file and trains by it; it needs no symdl."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from symdl.backends.c_build import OPTIONS
from symdl.backends.c_epoch import Run
from symdl.backends.c_library import Library
from symdl.backends.numpy_module import ABOUT, TITLE
from symdl.backends.numpy_source import Maker, module_source
from symdl.backends.numpy_update import ABOUT as UPDATE_ABOUT
from symdl.backends.numpy_update import state_names
from symdl.book.c_file import library_of, stored
from symdl.book.step_class import Parts, parts_of, step_class
from symdl.program.ir import Slot
from symdl.program.nests import Order
from symdl.training.sequential import Sequential

__all__ = ["c_driver"]

_SHAPES = {
    "parameters": "PARAMETERS",
    "statistics": "STATISTICS",
    "gradient": "PARAMETERS",
    "next_statistics": "STATISTICS",
    "metrics": "METRICS",
}


def c_driver(model: Sequential, source: str = "step.c", stem: str = "step") -> str:
    """Return a module with the class Step of the NumPy file, whose functions are those in C.

    It compiles the C file of the name ``source`` that lies beside it, and needs NumPy, a C compiler
    and, for the BLAS where the C code calls it, SciPy.  ``stem`` is the name of the module.

    Raises what ``c_file`` raises.
    """
    parts = parts_of(model)
    library = library_of(parts)
    makers = [_maker(parts, library, name) for name in library.written]
    makers = [_binding(parts, library, source), *makers, _update(parts)]
    makers.append(step_class(parts, _epoch(parts)))
    return _head(parts, library, source, stem) + module_source(TITLE, parts.build.formulas, makers)


_HEAD = '''\
"""The training step of {source}, written by symdl; it needs {needs} and a C compiler.

    python {stem}.py              ten steps on random data
    python {stem}.py MODEL.npz    the same, from the weights of a saved model

    from {stem} import Step, load_weights
    step = Step()               or Step(load_weights("MODEL.npz"))
    loss = step({given}){space}{shapes}
    losses = step.epoch({given}, batch=32)
"""

import ctypes
import os
import subprocess
from pathlib import Path
{imports}
'''

_BINDING = '''\
SOURCE = Path(__file__).with_name("{source}")
OPTIONS = """
{options}
"""


def compiled():
    """The C code as a library; it is compiled again where the source is newer."""
    library = SOURCE.with_name(f"lib{{SOURCE.stem}}.so")
    if not library.exists() or library.stat().st_mtime_ns <= SOURCE.stat().st_mtime_ns:
        made = library.with_suffix(f".{{os.getpid()}}.so")
        subprocess.run(["cc", *OPTIONS.split(), "-o", made, SOURCE, "-lm"], check=True)
        os.replace(made, library)
    return ctypes.CDLL(str(library))


CODE = compiled()
CODE.update_all.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_double]
CODE.update_all.restype = CODE.epoch.restype = CODE.state_units.restype = None
{blas}

class Run(ctypes.Structure):
    """What the function ``epoch`` is given: ``run_t`` in {source}."""

    _fields_ = [
{fields}
    ]


# the shapes of the arrays in between, for batches of {batch} rows
SCRATCH = {{
{scratch}
}}


def table(given, arrays, shapes):
    """The pointers that a C function takes: to what is given, to our arrays, and to scratch."""
    scratch = [buffer((8 * math.prod(shape),), np.uint8) for shape in shapes]
    held = [*arrays, *scratch]
    pointers = (ctypes.c_void_p * (given + len(held)))()
    pointers[given:] = [a.ctypes.data for a in held]
    return pointers, held


def bound(name, given, arrays, rows, result=None):
    """A C function for batches of that many rows, with the arrays that it works on."""
    pointers, held = table(given, arrays, SCRATCH[name](rows))
    dims = (ctypes.c_long * 1)(rows)
    function = getattr(CODE, name)
    function.restype = ctypes.c_double if result is None else None

    def run(*arrays):
        pointers[:given] = [a.ctypes.data for a in arrays]
        value = function(pointers, dims)
        return value if result is None else result

    run.pointers, run.dims, run.held = pointers, dims, held
    return run
'''

_BLAS = '''\


def blas(name):
    """The address of a BLAS routine, as SciPy holds it for Cython code."""
    capsule, api = cython_blas.__pyx_capi__[name], ctypes.pythonapi
    api.PyCapsule_GetName.restype = ctypes.c_char_p
    api.PyCapsule_GetName.argtypes = [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    signature = api.PyCapsule_GetName(capsule)
    if not signature.startswith(b"void (char *, char *, int *,"):
        raise ImportError(f"SciPy's {{name}} does not take C's int: {{signature}}")
    return api.PyCapsule_GetPointer(capsule, signature)


CODE.start.argtypes, CODE.start.restype = [ctypes.c_void_p], None
CODE.start(blas("{gemm}"))
'''


def _head(parts: Parts, library: Library, source: str, stem: str) -> str:
    given = ", ".join(v.name for v in parts.build.given)
    return _HEAD.format(
        source=source,
        stem=stem,
        needs="NumPy, SciPy" if library.blas else "NumPy",
        given=given,
        space=" " * (15 - len(given)),
        shapes=", ".join(f"{v.name}: {parts.shape(v)}" for v in parts.build.given),
        imports="\nfrom scipy.linalg import cython_blas\n" if library.blas else "",
    )


def _binding(parts: Parts, library: Library, source: str) -> Maker:
    gemm = "sgemm" if library.real == "float" else "dgemm"
    functions = {name: (w.function.buffers, w.orders) for name, w in library.written.items()}
    assert library.update is not None
    functions["update"] = library.update.function.buffers, library.update.orders
    text = _BINDING.format(
        source=source,
        options=textwrap.fill(" ".join(OPTIONS), 80),
        blas=_BLAS.format(gemm=gemm) if library.blas else "",
        fields="\n".join(f'        ("{name}", ctypes.{kind.__name__}),' for name, kind in _FIELDS),
        batch=parts.batch,
        scratch="\n".join(_scratch(parts, name, *found) for name, found in functions.items()),
    )
    return Maker("bound", text, frozenset({"buffer", "cut"}))


_FIELDS = [(field[0], field[1]) for field in Run._fields_]


def _scratch(parts: Parts, name: str, buffers: Sequence[Slot], orders: Mapping[Slot, Order]) -> str:
    shapes = [stored(parts, slot, orders).replace(" ", "\0") for slot in buffers]
    lines = textwrap.wrap(", ".join(shapes), 84, break_on_hyphens=False)
    whole = "\n".join(["[", *(f"        {line}" for line in lines), "    ]"]) if lines else "[]"
    return f'    "{name}": lambda {parts.batch}: {whole},'.replace("\0", " ")


# --------------------------------------------------------------- the functions of the NumPy file


def _maker(parts: Parts, library: Library, name: str) -> Maker:
    """A function of the name and with the arguments that the NumPy file has it with."""
    written = library.written[name]
    use = written.use
    expected = [*use.given, *(slot for slots in use.vectors.values() for slot in slots)]
    arrays = [f"*cut({vector}, *{_SHAPES[vector]}.values())" for vector in use.vectors]
    lines, result = [], ""
    if use.result.rank:
        expected.append(use.result)
        order = written.orders[use.result]
        back = tuple(sorted(range(len(order)), key=lambda axis: order[axis]))
        lines.append(f"result = buffer({stored(parts, use.result, written.orders)}, DTYPE)")
        arrays.append("result")
        result = f", result.transpose{back}"
    if tuple(expected) != written.function.pointers[: len(expected)]:
        raise AssertionError(f"the arrays of {name} in C are {written.function.pointers}")
    lines += ["arrays = [", *(f"    {a}," for a in arrays), "]"]
    lines.append(f'return bound("{name}", {len(use.given)}, arrays, {parts.batch}{result})')
    head = f"def make_{name}({', '.join(use.vectors)}, *, {parts.batch}, **sizes):"
    text = "\n".join([head, f'    """{ABOUT[name]}"""', *(f"    {line}" for line in lines)])
    return Maker(f"make_{name}", text + "\n", frozenset())


_UPDATE = '''\
def make_update(parameters, gradient, state, hyper):
    """{about}"""
    vectors = [parameters, gradient{vectors}]
    pointers, held = table(0, vectors, SCRATCH["update"](0))

    def update():{settle}
        state["step"] += 1
        CODE.update_all(pointers, dims, constants(hyper), state["step"])

    dims = (ctypes.c_long * 1)()
    update.pointers, update.held = pointers, held
    return update


def constants(hyper):
    """The constants of the optimizer, as C reads them."""
    return (ctypes.c_double * len(HYPER))(*(hyper[name] for name in HYPER))
'''

_SETTLE = '''

def settle(state, hyper):
    """Vectors are kept divided by a unit, which follows from the constants: it saves passes."""
    units = (ctypes.c_double * {count})()
    CODE.state_units(constants(hyper), units)
    if tuple(units) != state["units"]:
        change_units(state, {names}, tuple(units))
'''


def _update(parts: Parts) -> Maker:
    update = parts.build.update
    assert update is not None
    names = state_names(update)[0]
    settled = _settled(parts)
    text = _UPDATE.format(
        about=UPDATE_ABOUT,
        vectors="".join(f', state["{name}"]' for name in names),
        settle="\n        settle(state, hyper)" if settled else "",
    )
    if settled:
        shown = repr(tuple(names)).replace("'", '"')
        text += _SETTLE.format(count=len(names), names=shown)
    return Maker("make_update", text, frozenset({"change_units"} if settled else ()))


def _settled(parts: Parts) -> bool:
    """Whether some vector of the optimizer's state is kept divided by a unit."""
    assert parts.build.update is not None
    return any(unit != 1 for unit in parts.build.update.units)


_EPOCH = '''
    def epoch(self, {given}, batch, order=None):
        """Take a step on each batch of rows in turn, in C; return the losses before each update.

        order  the rows in the order in which they are seen; without it, as they lie
        """
        {given} = self.given({given})
        rows, count = [{given}], len({first})
        order = np.ascontiguousarray(np.arange(count) if order is None else order, "l")
        if order.size and not 0 <= order.min() <= order.max() < count:
            raise ValueError(f"order names rows beyond the {{count}} that were given")
        steps = len(order) // batch{settle}
        gradients = self.function(make_gradients, batch)
        gathered = [np.empty((batch, *a.shape[1:]), a.dtype) for a in rows]
        draws = {draws}
        losses, hyper = np.empty(steps), constants(self.hyper)
        held = {{
            "order": order,
            "rows": np.array([a.ctypes.data for a in rows], np.uintp),
            "row_bytes": np.array([a.strides[0] for a in rows], "l"),
            "gathered": np.array([a.ctypes.data for a in gathered], np.uintp),
            "draws": np.array([a.ctypes.data for a in draws], np.uintp),
            "draw_bytes": np.array([a.strides[0] for a in draws], "l"),
            "losses": losses,{statistics}
        }}
        run = Run(
            steps=steps,
            batch=batch,
            given=len(rows),
            drawn=len(draws),
            pointers=len(gradients.pointers),
            dims=ctypes.addressof(gradients.dims),
            state=ctypes.addressof(self.update.pointers),
            hyper=ctypes.addressof(hyper),
            count=self.state["step"],{bytes}
            **{{name: a.ctypes.data for name, a in held.items()}},
        )
        CODE.epoch(gradients.pointers, ctypes.byref(run))
        self.state["step"] += steps
        rest = order[steps * batch :]
        return np.append(losses, self(*(a[rest] for a in rows))) if rest.size else losses
'''
_STACKED = "[np.stack(u) for u in zip(*(self.drawn(batch) for _ in range(steps)))]"


def _epoch(parts: Parts) -> str:
    """The method that runs whole epochs."""
    names = [v.name for v in parts.build.given]
    old = bool(parts.step.statistics)
    return _EPOCH.format(
        given=", ".join(names),
        first=names[0],
        settle="\n        settle(self.state, self.hyper)" if _settled(parts) else "",
        draws=_STACKED if parts.build.draws else "[]",
        statistics='\n            "old": self.old,\n            "next": self.next,' if old else "",
        bytes="\n            statistics_bytes=self.old.nbytes," if old else "",
    )
