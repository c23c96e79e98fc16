"""The workloads in JAX: loss, optimizer and one step as pure functions."""

from __future__ import annotations

import os
from typing import Any

from tests.benchmarks.workloads import Workload

EPSILON = 1e-7
NORM_EPSILON = 1e-3


def load(threads: int) -> None:
    """Import and start JAX with so many threads."""
    flags = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    os.environ["XLA_FLAGS"] = f"{flags} intra_op_parallelism_threads={threads}"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax

    jax.numpy.ones(3).block_until_ready()


def functions(w: Workload) -> tuple[Any, Any]:
    """The initial state, and step(state, (x, t)) -> (state, loss)."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_traceback_filtering", "off")
    if w.dtype == "float64":
        jax.config.update("jax_enable_x64", True)
    act = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}
    params: list[dict[str, Any]] = []
    for layer in w.layers:
        p = {"W": jnp.asarray(layer.kernel)}
        if layer.bias is not None:
            p["b"] = jnp.asarray(layer.bias)
        if layer.normalized:
            p["gamma"] = jnp.ones(layer.kernel.shape[1], w.dtype)
            p["beta"] = jnp.zeros(layer.kernel.shape[1], w.dtype)
        params.append(p)

    def loss_of(params: Any, x: Any, t: Any) -> Any:
        h = x
        for p, layer in zip(params, w.layers, strict=True):
            z = h @ p["W"] + p["b"] if "b" in p else h @ p["W"]
            if layer.normalized:
                mean, var = z.mean(0), z.var(0)
                z = (z - mean) / jnp.sqrt(var + NORM_EPSILON) * p["gamma"] + p["beta"]
            h = act[layer.activation](z) if layer.activation in act else z
        if w.loss == "categorical_crossentropy":
            return -(t * jax.nn.log_softmax(h)).sum() / w.batch
        if w.loss == "half_squared_error":
            return ((h - t) ** 2).sum() / (2 * w.batch)
        return ((h - t) ** 2).mean()

    tree = jax.tree_util.tree_map
    start = {"params": params, "t": jnp.zeros((), "int32")}
    start |= {name: tree(jnp.zeros_like, params) for name in "mv"}

    def step(s: Any, batch: Any) -> Any:
        loss, g = jax.value_and_grad(loss_of)(s["params"], *batch)
        if w.optimizer == "sgd":
            return {**s, "params": tree(lambda p, d: p - w.rate * d, s["params"], g)}, loss
        if w.optimizer == "momentum":
            m = tree(lambda m, d: w.momentum * m - w.rate * d, s["m"], g)
            return {**s, "params": tree(lambda p, v: p + v, s["params"], m), "m": m}, loss
        count = s["t"] + 1
        m = tree(lambda m, d: 0.9 * m + 0.1 * d, s["m"], g)
        v = tree(lambda v, d: 0.999 * v + 0.001 * d * d, s["v"], g)
        time = count.astype(w.dtype)
        a, b = 1 - 0.9**time, 1 - 0.999**time
        params = tree(
            lambda p, m, v: p - w.rate * (m / a) / (jnp.sqrt(v / b) + EPSILON), s["params"], m, v
        )
        return {"params": params, "m": m, "v": v, "t": count}, loss

    return start, step
