"""Formulas as a user would write them in a file of their own."""

import sympy as sp

import symdl as sd

x, y, g = sp.symbols("x y g")
a = sp.Symbol("a", positive=True)  # of a known sign, so that the exponential is kept from overflow

SWISH = sd.Formula(
    [sp.Eq(g, 1 / (1 + sp.exp(-a * x))), sp.Eq(y, x * g)],
    output=y, inputs=[x], hyper={a: 1.5}, name="my_swish",
)  # fmt: skip
WAVE = sd.Formula(
    sp.Eq(y, sp.sin(x)), output=y, inputs=[x], name="relu"
)  # called like the catalogue's

# names that a network uses itself: z and h
slope = sp.Symbol("h")
SLOPED = sd.Formula(
    sp.Eq(y, sp.Piecewise((x, x > 0), (slope * x, True))),
    output=y, inputs=[x], parameters=[slope], name="sloped",
)  # fmt: skip

r, c, i = sd.indices("r:R c:C i:D")
z, e, q, total = sd.tensors("z[r,c] e[r,c] q[r,c] s[r]", r, c)
warmth = sp.Symbol("T", positive=True)
SOFT = sd.Formula(
    [
        sp.Eq(e[r, c], sp.exp(z[r, c] / warmth)),
        sp.Eq(total[r], sd.total(e[r, c], c)),
        sp.Eq(q[r, c], e[r, c] / total[r]),
    ],
    output=q, inputs=[z], hyper={warmth: 2}, name="soft",
)  # fmt: skip

u, t = sd.tensors("u[r,c] t[r,c]", r, c)
level, gamma = sp.symbols("level gamma", positive=True)
J = sp.Symbol("J", real=True)
PINBALL = sd.Formula(
    sp.Eq(J, sd.total(sp.Max(level * (t[r, c] - u[r, c]), (level - 1) * (t[r, c] - u[r, c])), r, c)
          / (r.size * c.size)),
    output=J, inputs=[u, t], hyper={level: 0.9}, name="pinball",
    kinks=["t = u: the derivative is taken as that of a prediction that is too high"],
)  # fmt: skip

p, l1, l0 = sd.tensors("p[r,c] l[r,c] k[r,c]", r, c, positive=True)
b, d = sd.tensors("b[r,c] d[r,c]", r, c)
FOCAL = sd.Formula(
    [
        sp.Eq(b[r, c], sp.log(p[r, c])),
        sp.Eq(d[r, c], sp.log(1 - p[r, c])),
        sp.Eq(J, -sd.total(t[r, c] * (1 - p[r, c]) ** gamma * b[r, c]
                           + (1 - t[r, c]) * p[r, c] ** gamma * d[r, c], r, c) / r.size),
    ],
    output=J, inputs=[p, t], hyper={gamma: 2}, name="focal",
    domain={p: sp.Interval.open(0, 1), t: sp.Interval(0, 1)},
)  # fmt: skip

k, m = sd.indices("k:K m:M")
X, A, B, bias, low, out = sd.tensors("x[r,i] A[i,m] B[m,k] b[k] low[r,m] y[r,k]", r, i, k, m)
LOW_RANK = sd.Formula(
    [
        sp.Eq(low[r, m], sd.total(X[r, i] * A[i, m], i)),
        sp.Eq(out[r, k], sd.total(low[r, m] * B[m, k], m) + bias[k]),
    ],
    output=out, inputs=[X], parameters=[A, B, bias], name="low_rank",
)  # fmt: skip


def low_rank(units, rank=2):
    starts = {"A": "he_normal", "B": "glorot_uniform", "b": 0.5}
    return sd.FormulaLayer(LOW_RANK, units=units, initial=starts, sizes={"M": rank})
