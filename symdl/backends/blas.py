"""BLAS as function pointers: the products that SciPy's own Cython code calls."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from symdl.errors import NotSupported

Get = Callable[[], int]
Put = Callable[[int], None]

__all__ = ["one_thread", "processors", "product_address", "two_threads"]

_ROUTINES = {"float": "sgemm", "double": "dgemm"}


@cache
def product_address(real: str) -> int:
    """Return the address of sgemm or dgemm, whose whole numbers are C's int.

    Raises NotSupported without SciPy, or where its BLAS takes other whole numbers.
    """
    try:
        from scipy.linalg import cython_blas
    except ImportError as error:
        raise NotSupported("SciPy, whose BLAS compiled code calls, is not installed") from error
    name = _ROUTINES[real]
    capsule = cython_blas.__pyx_capi__[name]
    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    signature = get_name(capsule)
    if not signature.startswith(b"void (char *, char *, int *, int *, int *,"):
        raise NotSupported(f"SciPy's {name} has an unknown signature: {signature!r}")
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype = ctypes.c_void_p
    get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    address: int = get_pointer(capsule, signature)
    return address


@cache
def _threads() -> tuple[tuple[Get, Put], ...]:
    """What gets and sets the number of threads of each OpenBLAS whose whole numbers are C's int.

    SciPy's is one of them; that of NumPy, which may have longer whole numbers, is another library.
    """
    try:
        import scipy.linalg.cython_blas  # noqa: F401  (loads the library)
    except ImportError:
        return ()
    try:
        with open("/proc/self/maps") as file:
            paths = {line.split()[-1] for line in file if "openblas" in line}
    except OSError:
        return ()
    found = []
    for path in sorted(paths):
        library = ctypes.CDLL(path)
        for prefix in ("scipy_", ""):
            names = [f"{prefix}openblas_{word}_num_threads" for word in ("get", "set")]
            if all(hasattr(library, n) for n in names):
                get, put = (getattr(library, n) for n in names)
                get.restype, get.argtypes = ctypes.c_int, []
                put.restype, put.argtypes = None, [ctypes.c_int]
                found.append((get, put))
                break
    return tuple(found)


@contextmanager
def one_thread() -> Iterator[None]:
    """SciPy's BLAS on one thread while this lasts."""
    before = [(put, get()) for get, put in _threads()]
    for put, _ in before:
        put(1)
    try:
        yield
    finally:
        for put, count in before:
            put(count)


def two_threads() -> bool:
    """Whether a step may use two threads of its own: BLAS may, and can be told to use one."""
    found = _threads()
    if not found or any(get() < 2 for get, _ in found):
        return False
    return processors() >= 2


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
