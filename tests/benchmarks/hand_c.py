"""The two smallest training steps as C written by hand: the limit that generated code goes by.

Sizes are constants, everything is in one function, and all steps are taken in one call.  The
second is feature-major, so that its loops over the rows of a batch are vectors; it is compiled
with fast-math, whose exp the compiler takes from its vector library.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["SMALL", "TINY", "compiled"]

TINY = r"""
#include <math.h>
/* 2-2-2 sigmoid without bias, one example a step, half squared error, gradient descent */
double run(double *w, const double *x, const double *t, long steps, long first, long batches,
           double rate) {
    double a = w[0], b = w[1], c = w[2], d = w[3], e = w[4], f = w[5], g = w[6], h = w[7], loss = 0;
    for (long s = first; s < first + steps; s++) {
        const double *xs = x + s % batches * 2, *ts = t + s % batches * 2;
        const double x1 = xs[0], x2 = xs[1];
        const double h1 = 1 / (1 + exp(-(a * x1 + c * x2)));
        const double h2 = 1 / (1 + exp(-(b * x1 + d * x2)));
        const double o1 = 1 / (1 + exp(-(e * h1 + g * h2)));
        const double o2 = 1 / (1 + exp(-(f * h1 + h * h2)));
        const double e1 = o1 - ts[0], e2 = o2 - ts[1];
        loss = (e1 * e1 + e2 * e2) / 2;
        const double d1 = rate * e1 * o1 * (1 - o1), d2 = rate * e2 * o2 * (1 - o2);
        const double g1 = (d1 * e + d2 * f) * h1 * (1 - h1);
        const double g2 = (d1 * g + d2 * h) * h2 * (1 - h2);
        a -= g1 * x1; b -= g2 * x1; c -= g1 * x2; d -= g2 * x2;
        e -= d1 * h1; f -= d2 * h1; g -= d1 * h2; h -= d2 * h2;
    }
    w[0] = a; w[1] = b; w[2] = c; w[3] = d; w[4] = e; w[5] = f; w[6] = g; w[7] = h;
    return loss;
}
"""

SMALL = r"""
#include <math.h>
enum { N = 32, D0 = 4, D1 = 8, D2 = 8, D3 = 3, ALL = D0*D1 + D1 + D1*D2 + D2 + D2*D3 + D3 };
static float x[D0][N], h1[D1][N], h2[D2][N], p[D3][N], z2[D2][N], z1[D1][N], g[ALL];

#define DENSE(IN, OUT, from, to, W, b)                                              \
    for (int j = 0; j < OUT; j++) {                                                 \
        for (int n = 0; n < N; n++) to[j][n] = b[j];                                \
        for (int i = 0; i < IN; i++)                                                \
            for (int n = 0; n < N; n++) to[j][n] += W[i * OUT + j] * from[i][n];    \
    }
#define RELU(OUT, a) \
    for (int j = 0; j < OUT; j++) for (int n = 0; n < N; n++) a[j][n] = a[j][n] > 0 ? a[j][n] : 0;
#define GRADIENT(IN, OUT, from, d, gW, gb)                                          \
    for (int j = 0; j < OUT; j++) {                                                 \
        float sum = 0;                                                              \
        for (int n = 0; n < N; n++) sum += d[j][n];                                 \
        gb[j] = sum;                                                                \
        for (int i = 0; i < IN; i++) {                                              \
            float dot = 0;                                                          \
            for (int n = 0; n < N; n++) dot += from[i][n] * d[j][n];                \
            gW[i * OUT + j] = dot;                                                  \
        }                                                                           \
    }
#define BACK(IN, OUT, W, d, from, to)                                               \
    for (int i = 0; i < IN; i++) {                                                  \
        for (int n = 0; n < N; n++) to[i][n] = 0;                                   \
        for (int j = 0; j < OUT; j++)                                               \
            for (int n = 0; n < N; n++) to[i][n] += W[i * OUT + j] * d[j][n];       \
        for (int n = 0; n < N; n++) to[i][n] = from[i][n] > 0 ? to[i][n] : 0;       \
    }

/* 4-8-8-3 relu, softmax with cross entropy, Adam; w: parameters, their means, mean squares */
double run(float *w, const float *data, const float *target, long steps, long first,
           long batches, double rate) {
    float *W1 = w, *b1 = W1 + D0*D1, *W2 = b1 + D1, *b2 = W2 + D1*D2, *W3 = b2 + D2,
          *b3 = W3 + D2*D3, *m = w + ALL, *v = w + 2 * ALL;
    float *gW1 = g, *gb1 = gW1 + D0*D1, *gW2 = gb1 + D1, *gb2 = gW2 + D1*D2, *gW3 = gb2 + D2,
          *gb3 = gW3 + D2*D3;
    double loss = 0;
    for (long s = first; s < first + steps; s++) {
        const float *xs = data + s % batches * N * D0, *ts = target + s % batches * N * D3;
        for (int i = 0; i < D0; i++) for (int n = 0; n < N; n++) x[i][n] = xs[n * D0 + i];
        DENSE(D0, D1, x, h1, W1, b1)
        RELU(D1, h1)
        DENSE(D1, D2, h1, h2, W2, b2)
        RELU(D2, h2)
        DENSE(D2, D3, h2, p, W3, b3)
        float sum = 0;
        for (int n = 0; n < N; n++) {
            const float *y = ts + n * D3;
            const float most = fmaxf(p[0][n], fmaxf(p[1][n], p[2][n]));
            const float u0 = p[0][n] - most, u1 = p[1][n] - most, u2 = p[2][n] - most;
            const float e0 = expf(u0), e1 = expf(u1), e2 = expf(u2), all = e0 + e1 + e2;
            sum += logf(all) - (y[0] * u0 + y[1] * u1 + y[2] * u2);
            p[0][n] = (e0 / all - y[0]) / N;
            p[1][n] = (e1 / all - y[1]) / N;
            p[2][n] = (e2 / all - y[2]) / N;
        }
        loss = sum / N;
        GRADIENT(D2, D3, h2, p, gW3, gb3)
        BACK(D2, D3, W3, p, h2, z2)
        GRADIENT(D1, D2, h1, z2, gW2, gb2)
        BACK(D1, D2, W2, z2, h1, z1)
        GRADIENT(D0, D1, x, z1, gW1, gb1)
        const double a = 1 - pow(0.9, s + 1), c = sqrt(1 - pow(0.999, s + 1));
        const float scale = rate * c / a, small = 1e-7 * c;
        for (int k = 0; k < ALL; k++) {
            m[k] += 0.1f * (g[k] - m[k]);
            v[k] += 0.001f * (g[k] * g[k] - v[k]);
            w[k] -= scale * m[k] / (sqrtf(v[k]) + small);
        }
    }
    return loss;
}
"""

Run = Callable[[int, int], float]


def compiled(source: str, data: NDArray[np.floating], targets: NDArray[np.floating],
             weights: NDArray[np.floating], rate: float) -> Run:  # fmt: skip
    """Compile one of the two; what is returned takes (steps, steps taken before).

    Raises RuntimeError without a C compiler.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise RuntimeError("there is no C compiler")
    fast = ["-ffast-math"] if source is SMALL else []
    with tempfile.TemporaryDirectory(prefix="hand-c-") as folder:
        text, part, made = (Path(folder) / f"step.{end}" for end in ("c", "o", "so"))
        text.write_text(source)
        flags = ["-std=gnu11", "-O3", "-march=native", "-fPIC", *fast]
        subprocess.run([compiler, *flags, "-c", str(text), "-o", str(part)], check=True)
        # linked with fast-math, a library would turn subnormals off in the whole process
        subprocess.run([compiler, "-shared", str(part), "-o", str(made), "-lm"], check=True)
        run = ctypes.CDLL(str(made)).run
    run.restype = ctypes.c_double
    run.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_long] * 3 + [ctypes.c_double]
    x, t = np.ascontiguousarray(data), np.ascontiguousarray(targets)

    def steps(count: int, before: int) -> float:
        where = (a.ctypes.data for a in (weights, x, t))
        return float(run(*where, count, before, len(x), rate))

    return steps
