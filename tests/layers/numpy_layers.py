"""The layers written a second time, by hand, in plain float64 NumPy."""

import numpy as np


def layer_norm(x, gamma, beta, eps=1e-3):
    d = x - x.mean(1, keepdims=True)
    return gamma * d / np.sqrt((d * d).mean(1, keepdims=True) + eps) + beta


def layer_norm_backward(x, gamma, up, eps=1e-3):
    s = np.sqrt(x.var(1, keepdims=True) + eps)
    h = (x - x.mean(1, keepdims=True)) / s
    g = gamma * up
    down = (g - g.mean(1, keepdims=True) - h * (g * h).mean(1, keepdims=True)) / s
    return down, (up * h).sum(0), up.sum(0)


def rms_norm(x, gamma, eps=1e-3):
    return gamma * x / np.sqrt((x * x).mean(1, keepdims=True) + eps)


def rms_norm_backward(x, gamma, up, eps=1e-3):
    s = np.sqrt((x * x).mean(1, keepdims=True) + eps)
    h, g = x / s, gamma * up
    return (g - h * (g * h).mean(1, keepdims=True)) / s, (up * h).sum(0)


def batch_norm(x, gamma, beta, eps=1e-3):
    return layer_norm(x.T, gamma[:, None], beta[:, None], eps).T


def batch_norm_backward(x, gamma, up, eps=1e-3):
    s = np.sqrt(x.var(0) + eps)
    h = (x - x.mean(0)) / s
    down = gamma / s * (up - up.mean(0) - h * (up * h).mean(0))
    return down, (up * h).sum(0), up.sum(0)


def batch_norm_inference(x, mean, var, gamma, beta, *, eps=1e-3):
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def group_norm(x, gamma, beta, eps=1e-3):
    """x (rows, groups, channels of a group, places)."""
    flat = x.reshape(len(x) * x.shape[1], -1)
    h = layer_norm(flat, 1.0, 0.0, eps).reshape(x.shape)
    return gamma[..., None] * h + beta[..., None]


def maxout(x, w, b):
    return (np.einsum("ni,iqj->nqj", x, w) + b).max(1)


def maxout_backward(x, w, b, up):
    z = np.einsum("ni,iqj->nqj", x, w) + b
    down = np.zeros_like(z)
    np.put_along_axis(down, z.argmax(1)[:, None, :], up[:, None, :], 1)
    return (
        np.einsum("nqj,iqj->ni", down, w), np.einsum("ni,nqj->iqj", x, down), down.sum(0)
    )  # fmt: skip


def prelu(x, alpha):
    return np.where(x > 0, x, alpha * x)


def prelu_backward(x, alpha, up):
    return np.where(x > 0, up, alpha * up), np.where(x > 0, 0, x * up).sum(0)
