"""What normalizations do, judged and in plain NumPy; planted errors are seen."""

import numpy as np
import pytest
import sympy as sp

from symdl.catalog import normalization as nm
from symdl.evidence.normalizing import (
    elsewhere,
    judge_centred,
    judge_moved,
    judge_scale,
    judge_single,
    judge_spread,
    output_alone,
    scaling,
)  # fmt: skip
from symdl.formula import Equation
from symdl.notation.indices import size_of

N, D = size_of("N"), size_of("D")
AXES = {
    nm.BATCH_NORMALIZATION: (0,), nm.LAYER_NORMALIZATION: (1,), nm.RMS_NORMALIZATION: (1,),
    nm.GROUP_NORMALIZATION: (2, 3),
}  # fmt: skip
CENTRED = [f for f in AXES if f != nm.RMS_NORMALIZATION]


def called(f, name):
    return next(v for v in f.defined if v.name.lower() == name)


def sizes(f):
    return tuple(f.inputs[0].axes[k] for k in AXES[f])


def changed(f, name, change):
    """The formula with another right side for one variable."""
    equations = [
        Equation(e.lhs, change(e.rhs)) if e.variable.name.lower() == name else e
        for e in f.equations
    ]
    return replace_equations(f, equations)


def replace_equations(f, equations):
    domain = dict(f.domain)
    return type(f)(
        equations, output=f.output, inputs=f.inputs, parameters=f.parameters, state=f.state,
        random=f.random, hyper=f.hyper, domain=domain, name=f.name,
    )  # fmt: skip


@pytest.mark.parametrize("f", AXES, ids=lambda f: f.name)
def test_the_statistics_of_what_is_normalized(f):
    h, var = called(f, "h"), called(f, "var")
    centred = judge_centred(f, sizes(f), h)
    assert centred.level == ("proved" if f in CENTRED else "refuted")
    assert judge_spread(f, sizes(f), h, var, nm.epsilon).level == "proved"
    assert judge_spread(f, sizes(f), h, var, 2 * nm.epsilon).level == "refuted"
    wrong = changed(f, "h", lambda e: e * sp.Rational(1001, 1000))
    assert judge_spread(wrong, sizes(f), h, var, nm.epsilon).level == "refuted"


@pytest.mark.parametrize("f", AXES, ids=lambda f: f.name)
def test_shifts_and_scales(f):
    assert judge_moved(f, AXES[f]).level == ("proved" if f in CENTRED else "refuted")
    assert judge_scale(f, AXES[f], nm.epsilon).level == "proved"


def test_a_shift_along_the_other_axis_is_seen():
    assert judge_moved(nm.BATCH_NORMALIZATION, (1,)).level == "refuted"
    assert judge_moved(nm.LAYER_NORMALIZATION, (0,)).level == "refuted"


def test_planted_errors_in_the_scale():
    f = nm.LAYER_NORMALIZATION
    no_root = changed(f, "s", lambda e: e**2)
    powers, _ = scaling(no_root, (1,), nm.epsilon)
    assert not judge_scale(no_root, (1,), nm.epsilon).ok
    kept = changed(f, "y", lambda e: e * 1 + f.inputs[0][f.equation(f.output).index])
    assert not judge_scale(kept, (1,), nm.epsilon).ok
    assert dict(powers)[called(f, "s")] == 2
    assert not judge_scale(f, (1,), sp.Symbol("other", positive=True)).ok


def test_a_batch_of_one_gives_beta():
    f, beta, i = nm.BATCH_NORMALIZATION, nm.beta, nm.i
    assert judge_single(f, N, beta[i]).level == "proved"
    assert judge_single(f, N, beta[i] + nm.gamma[i]).level == "refuted"
    assert output_alone(f, N) == beta[i]
    no_mean = changed(f, "a", lambda e: f.inputs[0][f.equation(f.output).index])
    assert judge_single(no_mean, N, beta[i]).level == "refuted"
    assert judge_single(nm.LAYER_NORMALIZATION, D, beta[i]).level == "proved"
    assert judge_single(nm.LAYER_NORMALIZATION, N, beta[i]).level == "refuted"


def test_other_statistics_in_numpy():
    """Inputs of mean 2 and variance 9, normalized by mean 0 and variance 4."""
    found = elsewhere(
        nm.BATCH_NORMALIZATION_INFERENCE, (nm.running_mean, nm.running_var), nm.epsilon
    )
    x = np.array([2 - 3.0, 2 + 3.0])
    gamma, beta = 1.5, 0.25
    y = gamma * (x - 0) / np.sqrt(4 + 0.001) + beta
    i = nm.i
    at = {
        sp.Symbol("mu_x", real=True): 2, sp.Symbol("var_x", positive=True): 9,
        nm.gamma[i]: gamma, nm.beta[i]: beta, nm.running_mean[i]: 0, nm.running_var[i]: 4,
        nm.epsilon: 0.001,
    }  # fmt: skip
    assert abs(float(found.mean.xreplace(at)) - y.mean()) < 1e-12
    assert abs(float(found.variance.xreplace(at)) - y.var()) < 1e-12
    assert abs(float(found.moved.xreplace(at)) - gamma * 2 / 2) < 1e-12
    assert abs(float(found.widened.xreplace(at)) - 9 / 4) < 1e-12
