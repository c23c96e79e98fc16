"""Elementary functions in C that a compiler can vectorise: no branch, no call, no table.

The reductions are the classical ones.  exp: x = k log 2 + r and e^x = 2^k e^r (Cody, Waite, 1980,
Software Manual for the Elementary Functions).  log: x = 2^k (1 + f) and, with s = f / (2 + f),
log(1 + f) = f - (f^2/2 - s (f^2/2 + R(s^2))) (Ng, 1993, in the fdlibm library).  tanh |x| is
-d / (2 + d) for d = e^(-2|x|) - 1.  The polynomials are interpolated at Chebyshev's points, in
precise arithmetic.

Special values are those of the C library: choices are written as ``?:``, which keep nan.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

from symdl.backends.polynomials import Number, interpolated, precise

__all__ = ["C_FUNCTIONS", "c_functions", "exp_coefficients", "log_coefficients"]

C_FUNCTIONS = ("exp", "expm1", "log", "log1p", "tanh")

# degrees beyond which nothing is left to gain: e^r = 1 + r + r^2 q(r), and R(z) = z l(z)
_DEGREES = {"float": (5, 3), "double": (11, 7)}


_TYPES = {
    "float": {
        "real": "float", "bits": "int", "ubits": "unsigned", "mantissa": "23", "bias": "127",
        "magic": "12582912.0f", "suffix": "f", "low": "-104.0f", "high": "89.0f",
        "sqrt_half": "0x3f3504f3", "one": "0x3f800000", "mask": "0x007fffff",
        "tiny": "1.17549435e-38f", "grow": "33554432.0f", "grown": "25", "head": 12,
    },
    "double": {
        "real": "double", "bits": "long", "ubits": "unsigned long", "mantissa": "52",
        "bias": "1023", "magic": "6755399441055744.0", "suffix": "", "low": "-746.0",
        "high": "710.0", "sqrt_half": "0x3fe6a09e667f3bcdL", "one": "0x3ff0000000000000L",
        "mask": "0x000fffffffffffffL", "tiny": "2.2250738585072014e-308",
        "grow": "18014398509481984.0", "grown": "54", "head": 32,
    },
}  # fmt: skip

_BITS = """\
static inline {bits} bits_of({real} x) {{
    {bits} b;
    __builtin_memcpy(&b, &x, sizeof b);
    return b;
}}
static inline {real} of_bits({bits} b) {{
    {real} x;
    __builtin_memcpy(&x, &b, sizeof x);
    return x;
}}
static inline {real} power_of_two({bits} k) {{
    return of_bits((k + {bias}) << {mantissa});
}}
"""

_EXP_REST = """\
/* x = k log 2 + r; returns e^r - 1 and leaves k */
static inline {real} exp_rest({real} x, {bits} *k) {{
    const {real} shifted = x * {inverse} + {magic};
    const {real} whole = shifted - {magic};
    const {real} r = (x - whole * {head_text}) - whole * {tail_text};
    *k = bits_of(shifted) - bits_of({magic});
{exp_steps}
    return r + r * r * q;
}}
"""

_FUNCTIONS = {
    "exp": """\
static inline {real} exp_real({real} x) {{
    x = x < {low} ? {low} : x;
    x = x > {high} ? {high} : x;
    {bits} k;
    const {real} e = 1 + exp_rest(x, &k);
    const {bits} half = k >> 1;
    return e * power_of_two(half) * power_of_two(k - half);
}}
""",
    "expm1": """\
static inline {real} expm1_real({real} x) {{
    {real} y = x < {low} ? {low} : x;
    y = y > {high} ? {high} : y;
    {bits} k;
    const {real} d = exp_rest(y, &k);
    const {bits} half = k >> 1;
    const {real} a = power_of_two(half), b = power_of_two(k - half);
    const {real} e = b * (a * d + (a - power_of_two(half - k)));
    return x == 0 ? x : e;
}}
""",
    "tanh": """\
static inline {real} tanh_real({real} x) {{
    {real} y = -2 * F(fabs)(x);
    y = y < -44 ? -44 : y; /* from there on tanh is 1 */
    {bits} k;
    const {real} d = exp_rest(y, &k);
    const {real} a = power_of_two(k);
    const {real} e = a * d + (a - 1);
    return F(copysign)(-e / (2 + e), x);
}}
""",
    "log": """\
static inline {real} log_real({real} x) {{
    const {real} y = x < {tiny} ? x * {grow} : x;
    const {bits} moved = bits_of(y) + ({one} - {sqrt_half});
    const {bits} place = (({ubits})moved) >> {mantissa};
    {real} k = of_bits(place + bits_of({magic})) - ({magic} + {bias});
    k -= x < {tiny} ? (({real}){grown}) : 0;
    const {real} f = of_bits((moved & {mask}) + {sqrt_half}) - 1;
    const {real} s = f / (2 + f), z = s * s, half = f * f * (({real})0.5);
{log_steps}
    {real} value = k * {head_text} - ((half - (s * (half + z * q) + k * {tail_text})) - f);
    value = x == 0 ? -INFINITY : value;
    value = x < 0 ? NAN : value;
    return x < INFINITY ? value : x; /* infinity and nan are their own */
}}
""",
    "log1p": """\
static inline {real} log1p_real({real} x) {{
    const {real} u = 1 + x;
    const {real} lost = x - (u - 1);
    const {real} value = log_real(u) + ((u > 0) & (u < INFINITY) ? lost / u : 0);
    return x == 0 ? x : value;
}}
""",
}

_NEEDS = {"log1p": ("log",)}


def c_functions(names: Collection[str], real: str) -> str:
    """Return the C source of the functions of those names for "float" or "double".

    >>> "tanh_real" in c_functions(["tanh"], "float"), c_functions([], "double")
    (True, '')
    """
    wanted = {n for name in names for n in (name, *_NEEDS.get(name, ()))}
    if not wanted:
        return ""
    words: dict[str, Any] = dict(_TYPES[real])
    suffix = words["suffix"]
    head, tail, inverse = _log2(int(words.pop("head")))
    words |= {"head_text": head + suffix, "tail_text": tail + suffix, "inverse": inverse + suffix}
    words |= _steps("exp", "r", exp_coefficients(real), suffix)
    words |= _steps("log", "z", log_coefficients(real), suffix)
    parts = [_BITS]
    parts += [_EXP_REST] if wanted & {"exp", "expm1", "tanh"} else []
    parts += [text for name, text in _FUNCTIONS.items() if name in wanted]
    return "\n".join(part.format(**words) for part in parts)


def _steps(
    stem: str, variable: str, coefficients: tuple[float, ...], suffix: str
) -> dict[str, str]:
    """A polynomial q: pairs of terms, then pairs of pairs, so that none waits long for another."""
    terms = [f"{c!r}{suffix}" for c in reversed(coefficients)]
    lines, power, level = [], variable, 0
    while len(terms) > 1:
        joined = []
        for k in range(0, len(terms) - 1, 2):
            name = f"q{level}_{k // 2}"
            lines.append(f"    const {{real}} {name} = {terms[k]} + {terms[k + 1]} * {power};")
            joined.append(name)
        joined += terms[len(terms) - len(terms) % 2 :]
        terms, level = joined, level + 1
        if len(terms) > 1:
            lines.append(f"    const {{real}} {variable}{level} = {power} * {power};")
            power = f"{variable}{level}"
    lines.append(f"    const {{real}} q = {terms[0]};")
    real = "float" if suffix else "double"
    return {f"{stem}_steps": "\n".join(lines).replace("{real}", real)}


@cache
def _log2(head_bits: int) -> tuple[str, str, str]:
    """Two parts of log 2, the first so short that whole numbers times it are exact; 1 / log 2."""
    mp = precise()
    exact = mp.log(2)
    head = mp.floor(exact * 2**head_bits) / 2**head_bits
    return repr(float(head)), repr(float(exact - head)), repr(float(1 / exact))


@cache
def exp_coefficients(real: str) -> tuple[float, ...]:
    """Return q of e^r = 1 + r + r^2 q(r) for |r| <= log(2) / 2, its highest power first."""
    mp = precise()

    def q(r: Number) -> Number:
        return (mp.expm1(r) - r) / r**2

    half = mp.log(2) / 2 * (1 + mp.mpf(2) ** -12)
    return interpolated(q, -half, half, _DEGREES[real][0])


@cache
def log_coefficients(real: str) -> tuple[float, ...]:
    """Return l of log((1 + s) / (1 - s)) = 2 s + s z l(z), z = s^2, for 1 + f near 1."""
    mp = precise()

    def ratio(z: Number) -> Number:
        s = mp.sqrt(z)
        return (mp.log((1 + s) / (1 - s)) - 2 * s) / (s * z)

    f = mp.sqrt(2) - 1
    end = (f / (2 + f)) ** 2 * (1 + mp.mpf(2) ** -12)
    return interpolated(ratio, mp.mpf(0), end, _DEGREES[real][1])
