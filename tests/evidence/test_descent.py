"""Descent: directions, rates, momentum, batches, minima and Newton, against worked numbers."""

import itertools
from dataclasses import replace
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy import optimize

from symdl.catalog import optimizers as o
from symdl.errors import Impossible, InputError, NotSupported
from symdl.evidence.descent import descent
from symdl.evidence.direction import direction
from symdl.evidence.evaluate import World, evaluate, precise
from symdl.evidence.minibatch import minibatch
from symdl.evidence.minima import landscape, run_descent
from symdl.evidence.momentum import heavy_ball
from symdl.evidence.newton import error_law, newton
from symdl.notation.tensors import real

w, v = real("w"), real("v")
c = sp.Symbol("c", positive=True)
NAMES = (o.w, o.g, o.rate)
R = sp.Rational


# --------------------------------------------------------------------------------- direction

FUNCTIONS = [
    (w**2, [w]),
    (w**4 - 3 * w, [w]),
    (sp.log(1 + sp.exp(-w)), [w]),
    (w**2 + w * v + v**4, [w, v]),
]


@pytest.mark.parametrize(("f", "weights"), FUNCTIONS)
def test_a_small_step_against_the_gradient_goes_down(f, weights):
    d = direction(f, weights)
    assert d.verify().level == "proved"
    at = dict(zip(weights, (R(3, 2), R(-1, 3)), strict=False))
    slope = [f.diff(u).subs(at) for u in weights]
    assert sp.simplify(d.start.subs(at) + sum(g**2 for g in slope)) == 0
    small = R(1, 10**4)
    after = {u: at[u] - small * g for u, g in zip(weights, slope, strict=True)}
    assert sp.N(f.subs(after) - f.subs(at), 30) < 0
    assert abs(sp.N((f.subs(after) - f.subs(at)) / small / d.start.subs(at), 30) - 1) < 0.01


def test_a_step_along_the_gradient_does_not():
    wrong = direction(w**2, [w], against=False)
    found = dict(wrong.verdicts())
    assert found["derivative along the step"].ok
    assert found["at r = 0 it is minus the squared gradient"].level == "refuted"
    assert wrong.verify().level == "refuted"
    planted = replace(direction(w**2, [w]), square=w**2)
    assert dict(planted.verdicts())["it is nowhere positive"].level == "refuted"


def test_a_weight_that_is_not_read():
    with pytest.raises(InputError, match="not all read"):
        direction(w**2, [v])


# -------------------------------------------------------------------------- rate and momentum


@pytest.mark.parametrize(
    ("rate", "factor", "what"),
    [("0.4", "0.2", "converges"), ("0.6", "-0.2", "zigzags"), ("1.2", "-1.4", "diverges")],
)
def test_the_factors_on_a_square_and_a_run(rate, factor, what):
    d = descent(w**2, w, o.SGD, NAMES)
    r = R(rate)
    assert d.factor.subs(d.rate, r) == R(factor)
    assert d.behaviour(r) == what
    path = run_descent(lambda x: x - float(rate) * 2 * x, 1.0, 6)
    assert path == pytest.approx([float(factor) ** k for k in range(7)])
    assert (abs(path[-1]) < 1) == (what != "diverges")


def test_the_limit_of_the_rate_is_two_over_the_curvature():
    d = descent(c * w**2 / 2 + 3 * w, w, o.SGD, NAMES)
    assert sp.simplify(d.limit - 2 / c) == 0
    assert sp.simplify(d.fastest - 1 / c) == 0


@pytest.mark.parametrize("rate", ["0.1", "0.9", "1.95"])
@pytest.mark.parametrize("momentum", ["0", "0.5", "0.9"])
def test_heavy_ball_against_the_eigenvalues_of_numpy(rate, momentum):
    h = heavy_ball(w**2, w, o.MOMENTUM, (*NAMES, o.momentum))
    r, b = R(rate), R(momentum)
    at = {o.rate: r, o.momentum: b}
    matrix = np.array(h.matrix.xreplace(at).tolist(), dtype=float)
    sizes = sorted(abs(np.linalg.eigvals(matrix)))
    mine = sorted(abs(complex(e)) for e in h.roots(r, b))
    assert mine == pytest.approx(sizes, abs=1e-6)
    assert h.judge_converges(r, b).ok == bool(max(sizes) < 1)
    assert (r < h.limit.subs(o.momentum, b)) == bool(max(sizes) < 1)


def test_heavy_ball_runs_as_its_matrix_says():
    h = heavy_ball(w**2, w, o.MOMENTUM, (*NAMES, o.momentum))
    at = {o.rate: R(2, 5), o.momentum: R(9, 10)}
    state, weight, speed = sp.Matrix([1, 0]), Fraction(1), Fraction(0)
    for _ in range(5):
        state = h.matrix.xreplace(at) * state
        speed = Fraction(9, 10) * speed - Fraction(2, 5) * 2 * weight
        weight = weight + speed
    assert state == sp.Matrix([R(weight.numerator, weight.denominator),
                               R(speed.numerator, speed.denominator)])  # fmt: skip
    with pytest.raises(InputError, match="velocity"):
        heavy_ball(w**2, w, o.SGD, (*NAMES, o.momentum))


# ------------------------------------------------------------------------------- mini-batches


def test_the_variance_of_a_batch():
    found = minibatch()
    m, n, s = found.m, found.n, found.spread
    assert sp.simplify(found.independent - s / m) == 0
    assert sp.simplify(found.without - s / m * (n - m) / (n - 1)) == 0
    assert sp.simplify(found.covariance + s / (n - 1)) == 0
    assert [v.level for _, v in found.verdicts()] == ["proved", "proved", "proved", "instance"]


@pytest.mark.parametrize(("n", "m"), [(4, 1), (4, 2), (5, 3), (5, 5)])
def test_all_batches_listed(n, m):
    g = [Fraction(k * k - 3 * k, 2) for k in range(n)]
    mean = sum(g) / n
    spread = sum((a - mean) ** 2 for a in g) / n
    found = minibatch()
    at = {found.m: sp.Integer(m), found.n: sp.Integer(n),
          found.spread: R(spread.numerator, spread.denominator)}  # fmt: skip
    for batches, formula in (
        (list(itertools.combinations(g, m)), found.without),
        (list(itertools.product(g, repeat=m)), found.independent),
    ):
        listed = sum((sum(b) / m - mean) ** 2 for b in batches) / len(batches)
        assert formula.xreplace(at) == R(listed.numerator, listed.denominator)


def test_a_wrong_variance_of_a_batch_is_refuted():
    found = minibatch()
    no_factor = replace(found, without=found.independent)
    assert no_factor.judge_on(4, 2).level == "refuted"
    assert no_factor.verify().level == "refuted"
    squared = replace(found, independent=found.independent / found.m)
    assert squared.verify().level == "refuted"
    with pytest.raises(InputError, match="1 <= m <= n"):
        found.judge_on(3, 4)


# ------------------------------------------------------------------------------------- minima


def test_two_valleys():
    f = w**4 / 4 - w**3 / 3 - w**2 + 1
    found = landscape(f, w)
    assert [(p.at, p.kind, p.value) for p in found.points] == [
        (-1, "minimum", R(7, 12)), (0, "maximum", 1), (2, "minimum", R(-5, 3)),
    ]  # fmt: skip
    assert found.lowest.at == 2
    assert found.judge_lowest().level == "proved"
    for start, end in ((-2, -1), (-0.1, -1), (0.1, 2), (3, 2)):
        path = run_descent(lambda x: x - 0.05 * (x**3 - x**2 - 2 * x), start, 400)
        assert path[-1] == pytest.approx(end)
        assert found.reached_from(R(str(start))).at == end


@pytest.mark.parametrize("f", [w**5 + w**4 - w**2, w**4 - w, w**6 - 3 * w**3 + w, (w**2 - 2) ** 2])
def test_stationary_points_against_scipy(f):
    found = landscape(f, w)
    fun = sp.lambdify(w, f)
    for p in found.minima:
        near = optimize.minimize_scalar(fun, bounds=(float(p.at) - 0.05, float(p.at) + 0.05),
                                        method="bounded", options={"xatol": 1e-10})  # fmt: skip
        assert near.x == pytest.approx(float(p.at), abs=1e-5)
    slope = sp.Poly(f.diff(w), w)
    real_roots = {round(float(r.real), 8) for r in np.roots([float(k) for k in slope.all_coeffs()])
                  if abs(r.imag) < 1e-6}  # fmt: skip
    assert {round(float(p.at), 8) for p in found.points} == real_roots


@pytest.mark.parametrize(
    ("f", "kind", "order"),
    [
        (w**3, "inflection", 3),
        (w**4, "minimum", 4),
        (-(w**6), "maximum", 6),
        (w**5, "inflection", 5),
    ],
)
def test_higher_derivatives_decide(f, kind, order):
    (p,) = landscape(f, w).points
    assert (p.at, p.kind, p.order) == (0, kind, order)


def test_the_global_minimum_at_irrational_points():
    found = landscape((w**2 - 2) ** 2 + w / 10, w)
    assert float(found.lowest.at) < 0
    assert found.judge_lowest().level == "proved"
    with pytest.raises(Impossible, match="without end"):
        landscape(w**3 - w, w).lowest  # noqa: B018
    with pytest.raises(Impossible, match="goes on without end"):
        landscape(w**3 - w, w).reached_from(sp.Integer(-3))
    with pytest.raises(Impossible, match="stands still"):
        landscape(w**2, w).reached_from(sp.Integer(0))


def test_a_planted_minimum_is_refuted():
    found = landscape(w**4 / 4 - w**2 / 2 + w / 10, w)
    high = max(found.minima, key=lambda p: float(p.value))
    low = replace(found, points=(high,))
    assert low.judge_lowest().level == "refuted"
    left_out = replace(found, points=tuple(p for p in found.points if p.kind == "minimum"))
    assert left_out.judge_lowest().level == "unknown"
    rational = landscape(w**4 / 4 - w**3 / 3 - w**2, w)
    assert replace(rational, points=rational.points[:1]).judge_lowest().level == "refuted"


def test_what_is_no_polynomial():
    for f in (sp.exp(w), c * w**2, w**2 + v, w**2 * sp.sqrt(2), 0.5 * w**2):
        with pytest.raises(NotSupported):
            landscape(f, w)
    with pytest.raises(Impossible, match="same slope"):
        landscape(3 * w, w)


# ------------------------------------------------------------------------------------- Newton


def test_one_step_on_a_quadratic():
    a, b, k = (real(n) for n in ("a", "b", "k"))
    line = newton(a * w**2 / 2 + b * w + k, [w])
    assert sp.simplify(line.update[0] + b / a) == 0
    assert line.judge().level == line.judge_one_step().level == "proved"


def test_one_step_in_two_and_three_dimensions():
    names = sp.symbols("a11 a12 a22 b1 b2", real=True)
    a11, a12, a22, b1, b2 = names
    plane = newton((a11 * w**2 + 2 * a12 * w * v + a22 * v**2) / 2 - b1 * w - b2 * v, [w, v])
    wanted = sp.Matrix([[a11, a12], [a12, a22]]).LUsolve(sp.Matrix([b1, b2]))
    assert [sp.simplify(p - q) for p, q in zip(plane.update, wanted, strict=True)] == [0, 0]
    assert plane.judge().level == plane.judge_one_step().level == "proved"
    u = sp.Matrix([w, v, real("u")])
    A, b = sp.Matrix([[4, 1, 0], [1, 3, 1], [0, 1, 2]]), sp.Matrix([1, 2, 3])
    f = sp.expand((u.T * A * u)[0] / 2 - (b.T * u)[0])
    found = newton(f, list(u))
    assert sp.Matrix(found.update) == A.LUsolve(b)
    assert found.after([1, 2, 3]) == tuple(A.LUsolve(b))


def test_no_single_step_elsewhere_and_no_curvature():
    assert newton(w**4 - 2 * w**2, [w]).judge_one_step().level == "refuted"
    planted = newton(w**2 - w, [w])
    assert replace(planted, step=(planted.step[0] * 2,)).judge().level == "refuted"
    assert replace(planted, model=planted.model + real("d")).judge().level == "refuted"
    with pytest.raises(Impossible, match="curvature is zero"):
        newton(3 * w, [w])


@pytest.mark.parametrize(
    ("f", "start", "minimum"),
    [
        (sp.exp(w) - 2 * w, "0.9", sp.log(2)),
        (w**4 / 4 - w, "1.2", sp.Integer(1)),
        (w - sp.log(w), "0.8", sp.Integer(1)),
    ],
)
def test_the_law_of_the_error_on_examples(f, start, minimum):
    """e'/e^2 goes to f'''/(2 f''), by SymPy's derivatives and a run with 200 digits."""
    law = error_law()
    assert law.verdict.level == "proved"
    at = {s: f.diff(w, k).subs(w, minimum) for s, k in zip(law.slopes, (2, 3, 4), strict=True)}
    wanted = sp.N(law.factor.subs(at), 40)
    assert wanted == sp.N((f.diff(w, 3) / (2 * f.diff(w, 2))).subs(w, minimum), 40)
    update, ctx = newton(f, [w]).update[0], precise(200)
    weight, errors = ctx.mpf(start), []
    root = ctx.mpf(str(sp.N(minimum, 200)))
    for _ in range(6):
        errors.append(weight - root)
        weight = evaluate(update, World({}, {w: weight}, ctx))
    ratio = (errors[5]) / errors[4] ** 2
    assert abs(ratio - ctx.mpf(str(wanted))) < mpmath.mpf("1e-6")
