"""Lines of mathematics break where people break them, and nothing gets lost on the way."""

import json
import re

import pytest

from symdl.book.catalogue import entries
from symdl.derivation.breaking import aligned_rows, broken, factors, pieces
from symdl.derivation.derive import derive
from symdl.derivation.latex import display
from symdl.derivation.mathml import inline, mathml
from symdl.derivation.widths import width
from symdl.errors import InputError

LONG = (
    r"\left(a + \frac{b}{c + d}\right) \left(e - f\right) + \sum_{n} x_{n} \left(g + h\right) - 2"
)


def bare(lines):
    """The letters of a formula without what breaking it adds."""
    return re.sub(r"\\cdot|\\quad|\\(left|right|Bigl|Bigr)\b|[\s&]", "", "".join(lines))


@pytest.mark.parametrize("wide", [3, 5, 8, 12, 40])
def test_nothing_is_lost_and_lines_fit_where_they_can(wide):
    lines = broken(LONG, wide)
    assert bare(lines) == bare([LONG])
    if wide >= 8:
        assert all(width(line) <= wide for line in lines)
    assert (len(lines) == 1) == (wide == 40)


def test_brackets_and_scripts_are_not_broken():
    assert pieces(r"\left(a + b\right)^{c + d} = -e - \begin{cases} a + b & c\end{cases}") == [
        r"\left(a + b\right)^{c + d}", "= -e", r"- \begin{cases} a + b & c\end{cases}",
    ]  # fmt: skip
    assert pieces(r"\left.\frac{d}{du}\right|_{u = -x} + 1") == [
        r"\left.\frac{d}{du}\right|_{u = -x}", "+ 1",
    ]  # fmt: skip


def test_a_sum_stays_with_what_it_sums():
    assert factors(r"a \sum_{n} \left(b\right) \left(c\right)") == [
        "a", r"\sum_{n} \left(b\right)", r"\left(c\right)",
    ]  # fmt: skip


def test_a_wide_numerator_and_a_wide_bracket_get_lines_of_their_own():
    (line,) = broken(r"= \frac{aaaaaaaa + bbbbbbbb}{c}", 8)
    assert line == r"= \frac{\begin{gathered} aaaaaaaa \\ + bbbbbbbb \end{gathered}}{c}"
    lines = broken(r"= \left(aaaaaaaa + bbbbbbbb\right)^{2}", 8)
    assert lines == [r"= \Bigl( aaaaaaaa", r"\quad + bbbbbbbb \Bigr)^{2}"]


def test_rows_are_told_apart_from_those_of_a_matrix():
    rows = (
        r"\begin{aligned} a &= \begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix} \\ &= c \end{aligned}"
    )
    assert aligned_rows(rows) == [
        ["a", r"= \begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}"], ["", "= c"],
    ]  # fmt: skip
    assert display(rows).count("bmatrix") == 2


@pytest.mark.parametrize("wrong", [r"\unheard{x}", "a & b", r"\left(a"])
def test_what_cannot_be_converted_is_refused(wrong):
    with pytest.raises(InputError, match="cannot be written as MathML"):
        mathml(wrong)


def test_a_sign_belongs_to_what_it_stands_with():
    assert '<mo form="prefix">−</mo>' in mathml("= -x")
    assert '<mo form="infix">−</mo>' in inline("aaaaaaaaaaaaaaaaaaaa + b - c")
    assert "<mi>running_mean</mi>" in mathml(r"\mathrm{running\_mean}")


@pytest.mark.parametrize("entry", entries(), ids=lambda e: e.name)
def test_a_notebook_shows_every_formula(entry):
    shown = entry.formula._repr_latex_()
    assert shown.startswith(r"$\displaystyle\begin{aligned}")
    math = shown[1:-1].removeprefix(r"\displaystyle")
    for row in aligned_rows(math):
        for cell in row:
            assert inline(cell)


def keys_of(tree):
    yield set(tree)
    for child in tree["children"]:
        yield from keys_of(child)


@pytest.mark.parametrize("name", ["tanh", "softmax", "dense", "hinge", "l2"])
def test_the_rule_tree_is_json(name):
    f = next(e.formula for e in entries() if e.name == name)
    v = (*f.parameters, *f.inputs)[0]
    tree = json.loads(json.dumps(derive(f, v.name).json(verdicts=False)))
    assert all(
        {"rule", "before", "after", "conditions", "verdict", "children"} <= keys
        for keys in keys_of(tree)
    )
