"""Reading a formula from text, safely: a grammar and a walk, and no evaluator anywhere.

Numbers are exact (``0.1`` is 1/10), ``*`` is written, ``**`` and ``^`` are powers that bind as in
Python, ``log`` is natural.  ``pi`` and ``E`` are the constants; ``e`` is a symbol like any other.
Valid identifiers are real symbols.  ``sum[i](x[n,i]*W[i,j])`` sums, ``max[k](z[k])`` and
``argmax[k](z[k])`` search an axis, ``delta(i,j)``, ``step(z)`` and ``where(a < b, x, y)`` choose.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import sympy as sp
from sympy.core.expr import Expr

from symdl.notation.indices import Index
from symdl.notation.tensors import TensorSymbol
from symdl.notation.text_limits import check_text, measure, shown, wrong
from symdl.notation.text_names import CONSTANTS, Names, as_token, as_tree
from symdl.notation.text_reader import Reader

if TYPE_CHECKING:
    from lark import Lark, Token, Tree
    from lark.exceptions import UnexpectedInput

    from symdl.errors import InputError

__all__ = ["parse", "parse_equation", "parse_symbol"]

_OPERAND = "a number, a name or '('"
_OPERATOR = "an operator (+ - * / **)"
_WORDS = {
    "RPAR": "')'",
    "RSQB": "']'",
    "COMMA": "','",
    "COLON": "':'",
    "$END": "the end",
}
_PRODUCT = "a product is written with *, as in 2*x, and the body of sum[i](...) in parentheses"
_HINTS = {
    '"': "a formula holds no quoted text",
    "'": "a derivative is asked for, not written",
    ".": "a name has no attributes",
    ";": "give one formula at a time",
    ":": "a size is declared inside brackets, as in sum[i:D](x[i])",
    "!": "factorials and != are not known; swap the cases of where(a == b, x, y)",
    "|": "write abs(x)",
    "{": "group with ( )",
    "}": "group with ( )",
    "\\": "LaTeX is not read; write for instance exp(-x**2/2)",
    "%": "a remainder is not part of a formula",
    "=": "an equation, y = ..., has one '='; a comparison is ==",
    "<": "compare two sides only, as in where(x < 1, a, b)",
    ",": "several values stand only between the parentheses of a function",
}


def parse(
    text: str,
    *,
    indices: Mapping[str, Index] | None = None,
    tensors: Mapping[str, TensorSymbol] | None = None,
    symbols: Mapping[str, sp.Symbol] | None = None,
    functions: Mapping[str, Callable[..., Expr]] | None = None,
) -> Expr:
    """Read an expression.

    An index is given in ``indices`` or declared where it is used, with its size: ``sum[i:D](...)``.
    A tensor that is not in ``tensors`` gets the axes of its first use with plain indices; one that
    is used as an index, ``p[n, t[n]]``, holds labels of that axis.  A name in ``symbols`` is that
    symbol, any other the real symbol of that name.  ``functions`` adds functions by name.
    Whatever is wrong with the text is an ``InputError``.

    >>> parse("1/(1 + exp(-x))")
    1/(1 + exp(-x))
    >>> parse("sum[i:D](W[i]*x[i]) + b")
    b + sum[i](W[i]*x[i])
    >>> parse("2x")
    Traceback (most recent call last):
    symdl.errors.InputError: line 1, column 2: found 'x' after '2'; expected an operator \
(+ - * / **) or the end; a product is written with *, as in 2*x, and the body of sum[i](...) \
in parentheses.
    """
    tree = _tree(text, "a formula such as 1/(1 + exp(-x))", functions or {})
    if tree.data == "equation":
        raise wrong(tree.children[1], "'='", "an expression", "give the right side alone")
    return Reader(Names(indices, tensors, symbols, functions)).read(tree)[0]


def parse_equation(
    text: str,
    *,
    indices: Mapping[str, Index] | None = None,
    tensors: Mapping[str, TensorSymbol] | None = None,
    symbols: Mapping[str, sp.Symbol] | None = None,
    functions: Mapping[str, Callable[..., Expr]] | None = None,
) -> tuple[Expr, Expr]:
    """Read an equation that defines a symbol or a tensor; return its two sides.

    >>> parse_equation("y[n:N,j:K] = sum[i:D](x[n,i]*W[i,j]) + b[j]")
    (y[n, j], b[j] + sum[i](W[i, j]*x[n, i]))
    """
    tree = _tree(text, "an equation such as y = a*x + b", functions or {})
    if tree.data != "equation":
        raise wrong(tree, "no '='", "an equation such as y = a*x + b")
    left = tree.children[0]
    if isinstance(left, str) or left.data not in ("name", "access"):
        raise wrong(tree, "a left side that is no variable", "a name, or a tensor as in y[n,j]")
    lhs, rhs = Reader(Names(indices, tensors, symbols, functions)).read(
        left, as_tree(tree.children[2])
    )
    at = lhs.args[1:]
    if lhs.is_number or len(set(at)) < len(at) or not all(isinstance(i, Index) for i in at):
        raise wrong(left, shown(str(lhs)), "a name, or a tensor at different plain indices")
    return lhs, rhs


def parse_symbol(
    text: str,
    *,
    tensors: Mapping[str, TensorSymbol] | None = None,
    symbols: Mapping[str, sp.Symbol] | None = None,
) -> sp.Symbol:
    """Read one name: a symbol, or the tensor of that name.

    >>> parse_symbol(" α ")
    α
    """
    tree = _tree(text, "one name such as x", {})
    if tree.data != "name":
        raise wrong(tree, shown(text.strip()), "one name such as x")
    token = as_token(tree.children[0])
    names = Names({}, tensors, symbols, {})
    for known in (names.symbols, names.tensors):
        if token in known:
            return known[str(token)]
    if token in CONSTANTS:
        raise wrong(tree, f"the constant '{token}'", "a name that can vary")
    return names.plain(token)


def _tree(text: str, expected: str, functions: Mapping[str, object]) -> Tree[Token]:
    """Return the tree of the text, which holds to the limits on size, depth and work."""
    from lark.exceptions import UnexpectedInput

    text = check_text(text, expected)
    try:
        tree = _grammar().parse(text)
    except UnexpectedInput as error:
        raise _explained(error, text) from None
    measure(tree, functions)
    return tree


@lru_cache(maxsize=1)
def _grammar() -> Lark:
    """The parser, built when the first text comes: importing symdl stays light."""
    from lark import Lark

    return Lark.open(
        "grammar.lark",
        rel_to=__file__,
        parser="lalr",
        propagate_positions=True,
        maybe_placeholders=False,
        lexer_callbacks={"NAME": _allowed_name},
    )


def _allowed_name(token: Token) -> Token:
    """Return the name in its normal form (as Python does), or refuse it."""
    if not token.isidentifier():
        hint = "a power is written x**2"
        raise wrong(token, shown(token), "a name of letters, digits and _", hint)
    name = unicodedata.normalize("NFKC", token)
    if name.startswith("__"):
        raise wrong(token, shown(name), "a name that does not begin with two underscores")
    if keyword.iskeyword(name):
        hint = "write λ or lamda" if name == "lambda" else f"try {name}_"
        raise wrong(token, f"{shown(name)}, a word of Python", "another name", hint)
    return token.update(value=name)


def _explained(error: UnexpectedInput, text: str) -> InputError:
    """Say where, what, what instead, and what to try."""
    from lark import Token
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    if isinstance(error, UnexpectedCharacters):
        lines = text.split("\n")[: error.line]
        before = "\n".join([*lines[:-1], lines[-1][: error.column - 1]])
        c = text[len(before)]
        token = Token("", c, line=error.line, column=error.column)
        expected = _expected(_possible(set(error.allowed or ()), before))
        return wrong(token, shown(c), expected, _HINTS.get(c, ""))
    if not isinstance(error, UnexpectedToken):
        raise TypeError(error)
    token, allowed = error.token, set(error.accepts)
    if token.type == "$END":
        lines = text.rstrip().split("\n")
        token = Token("$END", "", line=len(lines), column=len(lines[-1]) + 1)
        return wrong(token, "the end of the text", _expected(allowed))
    last = error.token_history[-1] if error.token_history else ""
    found = f"{shown(token)} after {shown(last)}" if last else shown(token)
    hint = _HINTS.get(token, "")
    if "NAME" not in allowed and token.type in ("NAME", "NUMBER", "LPAR", "LSQB"):
        hint = _PRODUCT
    return wrong(token, found, _expected(allowed), hint)


def _possible(allowed: set[str], before: str) -> set[str]:
    """Return what of ``allowed`` may stand in the innermost bracket that is open."""
    if "NAME" in allowed:
        return {"NAME"}
    opened = [""]
    for c in before:
        if c in "([":
            opened.append(c)
        elif c in ")]":
            opened.pop()
    closing = {"(": ("RPAR", "COMMA"), "[": ("RSQB", "COMMA"), "": ("$END",)}
    return {"ADD", *closing[opened[-1]]}


def _expected(allowed: set[str]) -> str:
    """Put the terminals of the grammar that may follow into words."""
    words = [_OPERAND] if "NAME" in allowed else []
    words += [_OPERATOR] if "ADD" in allowed and "NAME" not in allowed else []
    words += [word for terminal, word in _WORDS.items() if terminal in allowed]
    return ", ".join(words[:-1]) + (" or " if words[1:] else "") + (words[-1] if words else "less")
