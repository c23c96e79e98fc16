"""A C file whose parts are compiled at the same time: the same functions, or none at all."""

import re
import stat

import numpy as np
import pytest

from symdl.backends import c_build, compiled
from symdl.backends.compiled import CompiledStep
from symdl.errors import NotSupported
from tests.backends import nets
from tests.backends.compiled_functions import needs_compiler
from tests.backends.nets import complex_step_gradients, dense_step, plain_loss
from tests.backends.test_step import ADAM

SIZES = [4, 8, 8, 3]
PART = re.compile(r"#if HERE\((\d) \* UNITS / (\d)\)")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    """A folder in which nothing is kept yet, and no step so small that it is one function."""
    needs_compiler()
    folder = tmp_path / "kept"
    monkeypatch.setenv("SYMDL_CACHE", str(folder))
    monkeypatch.setattr(compiled, "_SMALL", 0)
    return folder


@pytest.fixture
def step_of(monkeypatch):
    """A new step on the compiled backend, where so many processors may be used."""
    plain = nets.build_step

    def make(processors):
        monkeypatch.setattr(c_build, "processors", lambda: processors)
        with monkeypatch.context() as patch:
            patch.setattr(nets, "build_step", lambda *a, **k: plain(*a, kind=CompiledStep, **k))
            return dense_step(SIZES, update=ADAM)

    return make


@pytest.fixture
def commands(monkeypatch):
    """The compiler's calls, a list for those made at the same time."""
    found, run = [], c_build._run
    monkeypatch.setattr(c_build, "_run", lambda each: found.append(each) or run(each))
    return found


@pytest.mark.parametrize("processors", [1, 2, 3, 4, 64])
def test_parts_are_linked_to_the_same_functions(processors, step_of, commands):
    step, weights, x, target = step_of(processors)
    loss, gradients = step.gradients(x, target)
    assert step.backend == "compiled"
    parts = len(PART.findall(step.source))
    assert parts > 2
    units = min(processors, parts)
    assert [len(each) for each in commands] == ([1] if units == 1 else [units, 1])
    assert loss == pytest.approx(plain_loss(weights, x, target), rel=1e-13)
    expected = complex_step_gradients(weights, x, target)
    for found, right in zip(gradients.values(), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-11, atol=1e-14)


def test_each_loop_lies_in_one_part(step_of):
    step, _, x, target = step_of(2)
    step(x, target)
    common, *parts = re.split(r"(?=^#if HERE)", step.source, flags=re.MULTILINE)
    declared = re.findall(r"^NEST void (\w+)\(.*;$", common, re.MULTILINE)
    made = [name for p in parts for name in re.findall(r"^NEST void (\w+)\(.*{$", p, re.MULTILINE)]
    assert sorted(made) == sorted(declared)
    assert [tuple(map(int, PART.match(p).groups())) for p in parts] == [
        (k, len(parts)) for k in range(len(parts))
    ]


@pytest.mark.parametrize("unit", [0, 1])
def test_a_part_that_fails_loses_no_run(unit, step_of, empty_cache, monkeypatch, tmp_path):
    wrong = tmp_path / "cc"
    wrong.write_text(
        f'#!/bin/sh\ncase "$*" in *-DUNIT={unit}*) echo broken >&2; exit 1;; esac\n'
        f'exec {c_build.compiler()} "$@"\n'
    )
    wrong.chmod(wrong.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CC", str(wrong))
    step, weights, x, target = step_of(2)
    with pytest.warns(RuntimeWarning, match="failed: broken"):
        loss = step(x, target)
    assert loss == pytest.approx(plain_loss(weights, x, target), rel=1e-12)
    assert step.backend == "numpy"
    assert not list(empty_cache.glob("*.so"))
    assert not [f for f in empty_cache.iterdir() if f.is_dir()]


def test_a_part_that_is_left_out_or_made_twice_is_seen(step_of, monkeypatch):
    step, _, x, target = step_of(2)
    step(x, target)
    source = step.source
    assert source.count("#if HERE(") > 1
    c_build.compile_c(source + "\n")
    for wrong in ("#if 0\n#if HERE(", "#if 1 || HERE("):
        last = source.rindex("#if HERE(")
        planted = source[:last] + wrong + source[last + len("#if HERE(") :]
        planted += "\n#endif\n" if wrong.startswith("#if 0") else ""
        with pytest.raises(NotSupported, match="failed"):
            c_build.compile_c(planted)


def test_a_compiler_that_takes_too_long_is_stopped(step_of, monkeypatch, tmp_path):
    slow = tmp_path / "cc"
    slow.write_text('#!/bin/sh\n[ "$1" = --version ] && exit 0\nexec sleep 60\n')
    slow.chmod(slow.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CC", str(slow))
    step, _, x, target = step_of(2)
    c_build._version(str(slow))
    monkeypatch.setattr(c_build, "_LIMIT", 0.1)
    with pytest.warns(RuntimeWarning, match="did not run"):
        step(x, target)
    assert step.backend == "numpy"
