"""Hostile text is refused at once, large honest text is read, and no text does anything else."""

import subprocess
import sys
from pathlib import Path

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from symdl.errors import InputError
from symdl.notation.text import parse


def nested(before, after, times, core="x"):
    return before * times + core + after * times


HOSTILE = {
    "long": "x+" * 10_001 + "x",
    "many": "+".join(["x"] * 9_000),
    "parentheses": nested("(", ")", 5_000),
    "unclosed": "(" * 5_000,
    "brackets": "x[" * 5_000,
    "calls": nested("exp(", ")", 3_000),
    "minus": "-" * 15_000 + "x",
    "tower of 2": "**".join(["2"] * 5_000),
    "tower of x": "**".join(["x"] * 5_000),
    "sums": nested("sum[i:D](", ")", 90),
    "maxima": nested("max(x,min(y,2*", "))", 20),
    "maxima of maxima": "max("
    + ",".join([f"max({','.join(f'x{q}' for q in range(16))})"] * 16)
    + ")",
    "absolute values": nested("abs(x-", ")", 30),
    "digits": "9" * 15_000,
    "exponent digits": "1e" + "9" * 15_000,
    "1e99999": "1e99999",
    "1e-99999": "1e-99999",
    "9**9**9**9": "9**9**9**9",
    "x**100000000": "x**100000000",
    "x**-100000000": "x**-100000000",
    "2**(10**9)": "2**(10**9)",
    "2^1000^1000": "2^1000^1000",
    "10**10**10": "10**10**10",
    "(2**1000)**1000": "(2**1000)**1000**1000",
    "powers of powers": nested("(", ")**1000", 50, "2"),
    "products": "*".join(["2**4000"] * 400),
    "hidden": "2**(x+10**9)*2**(-x)",
    "logarithm": "exp(10**9*log(2))",
    "symbolic logarithm": "exp((x+10**9)*log(2))",
    "coefficient": "(2**1000*x)**1000",
    "degree": "((x+1)**1000)**1000",
    "towers of exp": nested("exp(", ")", 9, "9"),
    "sine of a tower": "sin(exp(10**9))",
    "tanh of a tower": "tanh(exp(10**18))",
    "compared tower": "where(exp(exp(exp(9))) > 1, x, y)",
    "pi towers": "pi**pi**pi**pi",
    "roots": "(2**3000+1)**(1/7)",
    "fractions": "+".join(f"1/(2**4000+{q})" for q in range(1, 100)),
    "zero in disguise": "abs((sqrt(2)+sqrt(3)+sqrt(5))**2-10-2*(sqrt(6)+sqrt(10)+sqrt(15)))",
    "constants": nested("erf(1+", ")", 48, "2"),
    "many indices": f"sum[{','.join(f'i{q}:D' for q in range(40))}](x)",
    "size": "sum[i:1" + "0" * 2_000 + "](x)",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_at_once(name):
    with pytest.raises(InputError) as caught:
        parse(HOSTILE[name])  # a text that is not refused at once hangs here
    assert len(str(caught.value)) < 400


ALLOWED = {
    "exponential": "exp(10**9)",
    "compared exponential": "where(exp(10**9) > 1, x, y)",
    "depth": nested("(", ")", 90),
    "deep": nested("sin(1+", ")", 45),
    "polynomial": "+".join(f"0.{q}12345678*x**{q}" for q in range(1, 100)),
    "factors": "*".join(f"x{q}" for q in range(900)),
    "fractions": "/".join(f"x{q}" for q in range(900)),
    "cases": "".join(f"where(x<{q},y**{q}," for q in range(30)) + "y" + ")" * 30,
    "symmetric": "sum[a:D,b:D,c:D,d:D,e:D](x[a]*x[b]*x[c]*x[d]*x[e])",
}


def test_a_deep_stack_of_the_caller_is_no_traceback():
    def called_at(depth):
        return called_at(depth - 1) if depth else parse(ALLOWED["deep"])

    with pytest.raises(InputError, match="too deep for this machine's stack"):
        called_at(sys.getrecursionlimit() - 250)


@pytest.mark.parametrize("name", ALLOWED)
def test_large_text_within_the_limits_is_read(name):
    assert isinstance(parse(ALLOWED[name]), sp.Expr)


def test_the_parser_is_not_loaded_before_it_is_needed():
    code = "import sys, symdl.notation.text; assert 'lark' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def read_or_refused(text):
    try:
        return parse(text)
    except InputError as error:
        return str(error)


WORDS = """x y u[ u[i] [i:D] [i] i ( ) ] , : + - * / ** ^ 2 0 1e9 0.5 < == = exp( log( sqrt( abs(
max( min( sum[i:D]( max[i:D]( argmax[i:D]( where( x<1, step( delta( pi E I . ; ' " lambda __x"""


def judged(text):
    """Reading ``text`` gives an expression or an ``InputError``."""
    found = read_or_refused(text)
    assert isinstance(found, sp.Expr) or found.isprintable()


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    judged(text)


@given(st.lists(st.sampled_from(WORDS.split()), max_size=14).map("".join))
def test_any_words_are_read_or_refused(text):
    judged(text)


@given(st.text(alphabet="xy019+-*/^().,<=[]i: e", max_size=40))
def test_any_marks_are_read_or_refused(text):
    judged(text)
