"""A dense net with its backward pass written out by hand, as equations: what the tests run."""

from itertools import pairwise

import numpy as np
import sympy as sp

from symdl.backends.build_step import build_step
from symdl.formula import Equation
from symdl.notation.binders import Peak, total
from symdl.notation.indicators import Delta, UnitStep
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import TensorSymbol, real

N = size_of("N")
n = Index("n", N)


def axis(layer):
    return Index(f"i{layer}", size_of(f"D{layer}"))


def tensor(name, *index):
    return TensorSymbol(name, tuple(i.size for i in index))


def dense_net(depth, sparse=False):
    """Relu layers, softmax and cross entropy: forward, backward, and keywords of build_step."""
    i = [axis(k) for k in range(depth + 1)]
    h = [tensor("x" if k == 0 else f"h{k}", n, i[k]) for k in range(depth)]
    z = [None] + [tensor(f"z{k}", n, i[k]) for k in range(1, depth + 1)]
    zbar = [None] + [tensor(f"dz{k}", n, i[k]) for k in range(1, depth + 1)]
    W = [None] + [tensor(f"dense_{k}.W", i[k - 1], i[k]) for k in range(1, depth + 1)]
    b = [None] + [tensor(f"dense_{k}.b", i[k]) for k in range(1, depth + 1)]
    last, c = i[depth], Index("c", i[depth].size)
    p, s, e = (tensor(name, n, last) for name in "pse")
    m, S, L = tensor("m", n), tensor("S", n), real("L")
    t = TensorSymbol("t", (N,), labels=last.size) if sparse else tensor("t", n, last)
    forward = []
    for k in range(1, depth + 1):
        a, o = i[k - 1], i[k]
        forward.append(Equation(z[k][n, o], total(h[k - 1][n, a] * W[k][a, o], a) + b[k][o]))
        if k < depth:
            forward.append(Equation(h[k][n, o], sp.Max(0, z[k][n, o])))
    target = Delta(last - t[n]) if sparse else t[n, last]
    score = s[n, t[n]] - sp.log(S[n]) if sparse else t[n, c] * (s[n, c] - sp.log(S[n]))
    forward += [
        Equation(m[n], Peak(z[depth][n, c], c)),
        Equation(s[n, last], z[depth][n, last] - m[n]),
        Equation(e[n, last], sp.exp(s[n, last])),
        Equation(S[n], total(e[n, c], c)),
        Equation(p[n, last], e[n, last] / S[n]),
        Equation(L, -total(score, *((n,) if sparse else (n, c))) / N),
    ]
    backward = [Equation(zbar[depth][n, last], (p[n, last] - target) / N)]
    gradients = {}
    for k in range(depth, 0, -1):
        a, o = i[k - 1], i[k]
        gradients[W[k]], gradients[b[k]] = tensor(f"dW{k}", a, o), tensor(f"db{k}", o)
        backward += [
            Equation(gradients[W[k]][a, o], total(h[k - 1][n, a] * zbar[k][n, o], n)),
            Equation(gradients[b[k]][o], total(zbar[k][n, o], n)),
        ]
        if k > 1:
            above = tensor(f"dh{k - 1}", n, a)
            through = UnitStep(z[k - 1][n, a], 0)
            backward += [
                Equation(above[n, a], total(zbar[k][n, o] * W[k][a, o], o)),
                Equation(zbar[k - 1][n, a], above[n, a] * through),
            ]
    keywords = {
        "inputs": [h[0]], "targets": [t], "loss": L, "output": p,
        "gradients": gradients, "batch": N,
    }  # fmt: skip
    return forward, backward, keywords


def problem(sizes, batch, dtype="float64", seed=3):
    """Weights (kernels and biases in turn), data, and one-hot targets."""
    rng = np.random.default_rng(seed)
    weights = []
    for fan_in, fan_out in pairwise(sizes):
        weights += [rng.standard_normal((fan_in, fan_out)) / fan_in**0.5]
        weights += [rng.standard_normal(fan_out) / 4]
    x = rng.standard_normal((batch, sizes[0]))
    t = np.eye(sizes[-1])[rng.integers(0, sizes[-1], batch)]
    return [w.astype(dtype) for w in weights], x.astype(dtype), t.astype(dtype)


def dense_step(sizes, *, batch=7, dtype="float64", update=None, sparse=False):
    """A step for such a net, and its weights, data and targets."""
    forward, backward, keywords = dense_net(len(sizes) - 1, sparse)
    weights, x, t = problem(sizes, batch, dtype)
    names = [v for k in range(1, len(sizes)) for v in _parameters(keywords["gradients"], k)]
    step = build_step(
        forward,
        backward,
        parameters=dict(zip(names, weights, strict=True)),
        update=update,
        sizes={size_of(f"D{k}"): size for k, size in enumerate(sizes)},
        dtype=dtype,
        **keywords,
    )
    return step, weights, x, t.argmax(axis=1) if sparse else t


def _parameters(gradients, layer):
    return [v for v in gradients if v.name in (f"dense_{layer}.W", f"dense_{layer}.b")]


def plain_loss(weights, x, t):
    """The same net in a few lines of NumPy, for complex weights too."""
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        z = x @ kernel + bias
        x = z * (z.real > 0)
    z = x @ weights[-2] + weights[-1]
    return np.mean(np.log(np.exp(z).sum(axis=1)) - (t * z).sum(axis=1))


def complex_step_gradients(weights, x, t, h=1e-30):
    """The gradients of the plain loss, exact to rounding."""
    gradients = []
    for k, w in enumerate(weights):
        gradient = np.empty(w.shape)
        for index in np.ndindex(w.shape):
            moved = [v.astype(complex) for v in weights]
            moved[k][index] += 1j * h
            gradient[index] = plain_loss(moved, x, t).imag / h
        gradients.append(gradient)
    return gradients
