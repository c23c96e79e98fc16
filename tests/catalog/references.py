"""The update rules from the papers, in plain NumPy: ``update(w, g, t, state)`` gives the new w."""

import numpy as np


def sgd(lr):
    return lambda w, g, t, s: w - lr(t) * g


def momentum(lr, mu=0.9, nesterov=False):
    def update(w, g, t, s):
        v = s["v"] = mu * s.get("v", 0.0) - lr(t) * g
        return w + mu * v - lr(t) * g if nesterov else w + v

    return update


def adagrad(lr, eps=1e-6):
    def update(w, g, t, s):
        s["a"] = s.get("a", 0.0) + g * g
        return w - lr(t) * g / (np.sqrt(s["a"]) + eps)

    return update


def rmsprop(lr, rho=0.9, eps=1e-6):
    def update(w, g, t, s):
        s["a"] = rho * s.get("a", 0.0) + (1 - rho) * g * g
        return w - lr(t) * g / (np.sqrt(s["a"]) + eps)

    return update


def adadelta(lr, rho=0.95, eps=1e-6):
    def update(w, g, t, s):
        s["a"] = rho * s.get("a", 0.0) + (1 - rho) * g * g
        d = np.sqrt(s.get("b", 0.0) + eps) / np.sqrt(s["a"] + eps) * g
        s["b"] = rho * s.get("b", 0.0) + (1 - rho) * d * d
        return w - lr(t) * d

    return update


def adam(lr, b1=0.9, b2=0.999, eps=1e-7, *, amsgrad=False, decay=0.0):
    def update(w, g, t, s):
        s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
        s["v"] = b2 * s.get("v", 0.0) + (1 - b2) * g * g
        s["top"] = np.maximum(s.get("top", 0.0), s["v"])
        v = s["top"] if amsgrad else s["v"]
        root = np.sqrt(v / (1 - b2**t)) + eps
        return w - lr(t) * (s["m"] / (1 - b1**t) / root + decay * w)

    return update


def adamax(lr, b1=0.9, b2=0.999, eps=1e-7):
    def update(w, g, t, s):
        s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
        s["u"] = np.maximum(b2 * s.get("u", 0.0), np.abs(g))
        return w - lr(t) / (1 - b1**t) * s["m"] / (s["u"] + eps)

    return update


def nadam(lr, b1=0.9, b2=0.999, eps=1e-7, psi=0.004):
    def update(w, g, t, s):
        s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
        s["v"] = b2 * s.get("v", 0.0) + (1 - b2) * g * g
        now, after = (b1 * (1 - 0.5 * 0.96 ** (k * psi)) for k in (t, t + 1))
        s["product"] = s.get("product", 1.0) * now
        ahead = after * s["m"] / (1 - s["product"] * after)
        ahead = ahead + (1 - now) * g / (1 - s["product"])
        return w - lr(t) * ahead / (np.sqrt(s["v"] / (1 - b2**t)) + eps)

    return update
