"""Functions that NumPy lacks, as source: the error function and its complement.

Near 0, erf x = x n(x^2).  Beyond, with a = |x|, erfc a = e^(-a^2) (1 + f(t)) / (1 + 2a), where
t = (a - c)/(a + c) brings the whole half-line into -1..1: Shepherd, Laframboise (1981), Chebyshev
Approximation of (1 + 2x) exp(x^2) erfc x, Math. Comp. 36.  The polynomials n and f are interpolated
at Chebyshev's points, in precise arithmetic, when they are first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import cache

from symdl.backends.polynomials import Number, interpolated, precise

__all__ = ["ERROR_FUNCTIONS", "error_functions", "far_coefficients", "near_coefficients"]

# where the two ways meet, c of Shepherd and Laframboise, and where erfc is 0 in double precision
NEAR, CENTRE, END = 0.5, 3.75, 28.0
# degrees of n and f for numbers of 4 and of 8 bytes: beyond them nothing is left to gain
_DEGREES = {4: (4, 11), 8: (8, 22)}
_WIDTH = 96


ERROR_FUNCTIONS = {
    "erf": '''\
def erf(x, out=None):
    """The error function of each element."""
    return error_function(x, out, complement=False)
''',
    "erfc": '''\
def erfc(x, out=None):
    """1 - erf(x) of each element, exact where erf(x) is nearly 1 too."""
    return error_function(x, out, complement=True)
''',
}

_SHARED = f'''\
def polynomial(x, coefficients):
    """The polynomial in x, its highest power first."""
    value = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        value *= x
        value += c
    return value


def error_function(x, out, complement):
    """The error function or its complement, written to out.

    Near 0, erf x = x n(x^2); beyond, erfc a = e^(-a^2) (1 + f(t)) / (1 + 2a), where a = |x| and
    t = (a - {CENTRE}) / (a + {CENTRE}): Shepherd, Laframboise (1981), Math. Comp. 36.
    """
    x = np.asarray(x)
    out = np.empty_like(x) if out is None else out
    n, f = ERF_NEAR[out.itemsize], ERF_FAR[out.itemsize]
    flags = ["external_loop", "buffered", "zerosize_ok"]
    access = [["readonly"], ["writeonly"]]
    blocks = np.nditer([x, out], flags, access, [float, float], "K", "same_kind", buffersize=8192)
    with blocks:
        for block, value in blocks:
            sign = np.copysign(1.0, block)
            a = np.minimum(np.absolute(block), {END})  # erfc({END}) is 0
            inner = np.minimum(a, {NEAR})
            near = inner * polynomial(inner * inner, n)
            w = polynomial((a - {CENTRE}) / (a + {CENTRE}), f)
            head = a.astype(np.float32).astype(float)  # its square is exact
            d = (head - a) * (head + a)
            rest = d + d * d * (0.5 + d / 6)  # e^d - 1, for e^(-a^2) = e^(-head^2) e^d
            w += rest + w * rest
            tail = np.exp(-head * head) / (1 + 2 * a)
            tail += tail * w
            if complement:
                value[...] = np.where(a < {NEAR}, 1 - sign * near, (1 - sign) + sign * tail)
            else:
                value[...] = sign * np.where(a < {NEAR}, near, 1 - tail)
    return out
'''


def error_functions(names: Collection[str]) -> str:
    """Return the source of the functions of those names, with all that they need.

    >>> "def erfc" in error_functions(["erfc"]), "def erf(" in error_functions(["erfc"])
    (True, False)
    """
    parts = [
        _table("ERF_NEAR", near_coefficients),
        _table("ERF_FAR", far_coefficients),
        "\n" + _SHARED,
        *("\n" + ERROR_FUNCTIONS[name] for name in ERROR_FUNCTIONS if name in names),
    ]
    return "\n".join(parts)


@cache
def near_coefficients(itemsize: int) -> tuple[float, ...]:
    """Return n, its highest power first, for numbers of that many bytes: erf x = x n(x^2)."""
    mp = precise()

    def n(square: Number) -> Number:
        x = mp.sqrt(square)
        return mp.erf(x) / x

    return interpolated(n, mp.mpf(0), mp.mpf(NEAR) ** 2, _DEGREES[itemsize][0])


@cache
def far_coefficients(itemsize: int) -> tuple[float, ...]:
    """Return f, its highest power first, for numbers of that many bytes."""
    mp = precise()
    c = mp.mpf(CENTRE)

    def f(t: Number) -> Number:
        a = c * (1 + t) / (1 - t)
        return (1 + 2 * a) * mp.exp(a * a) * mp.erfc(a) - 1

    return interpolated(f, mp.mpf(-1), (END - c) / (END + c), _DEGREES[itemsize][1])


def _table(name: str, coefficients: Callable[[int], tuple[float, ...]]) -> str:
    lines = [f"{name} = {{  # by the bytes of a number, the highest power first"]
    for itemsize in _DEGREES:
        lines.append(f"    {itemsize}: (")
        line = "       "
        for c in coefficients(itemsize):
            text = f" {c!r},"
            if len(line) + len(text) > _WIDTH:
                lines.append(line)
                line = "       "
            line += text
        lines += [line, "    ),"]
    return "\n".join([*lines, "}"]) + "\n"
