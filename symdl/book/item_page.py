"""The page of one entry of the catalogue, made from its formula alone."""

from __future__ import annotations

from collections.abc import Iterator

from symdl.book import item_numbers as numbers
from symdl.book import page as md
from symdl.book.catalogue import Entry
from symdl.book.pictures.entries import pictures_of
from symdl.calculus.adjoint import place_of, vjp
from symdl.calculus.tree import Deriv
from symdl.catalog.initializers import variance
from symdl.derivation.derive import derive
from symdl.formula import Formula, Variable
from symdl.notation.tensors import TensorSymbol
from symdl.training.compile import compile_formula
from symdl.training.gradient import compile_gradient
from symdl.training.network import activation_kind

__all__ = ["item_page"]

_ADJOINT = (
    "Whatever comes after hands down the adjoint of the output: the derivative of the loss with "
    "respect to each of its elements."
)


def item_page(entry: Entry) -> str:
    """The page as Markdown: formula, derivation, numbers, verdicts, and the code that runs.

    >>> from symdl.book.catalogue import entry
    >>> item_page(entry("softsign")).splitlines()[0]
    '# Softsign'
    """
    f = entry.formula
    title = f.title or f.name
    return md.joined(
        f"# {title[0].upper()}{title[1:]}",
        md.source(f),
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in f.equations)),
        "\n".join(_facts(f)),
        *(p.markdown() for p in pictures_of(entry)),
        *_derived(entry),
        *_in_numbers(entry),
        *_checked(entry),
        *_code(entry),
    )


def _facts(f: Formula) -> Iterator[str]:
    """What is given, from which set, with which usual value; where the slope jumps."""
    usual = dict(f.hyper)
    roles = dict.fromkeys(f.inputs, "given") | dict.fromkeys(f.parameters, "trained")
    roles |= dict.fromkeys((old for old, _ in f.state), "kept from step to step")
    roles |= dict.fromkeys(f.random, "drawn") | dict.fromkeys(usual, "chosen")
    for v in f.given:
        default = f", by default {md.number(usual[v])}" if v in usual else ""
        within = rf"{md.latex(place_of(v))} \in {md.latex(f.domain_of(v))}"
        yield f"- ${within}$: {roles[v]}{default}"
    for kink in f.kinks:
        yield f"- kink: {md.escaped(kink)}"
    for a in f.assumptions:
        yield f"- assumed of the data: {md.inline(a.lhs, a.rhs)}"


# ------------------------------------------------------------------------------- derivation


def _derived(entry: Entry) -> Iterator[str]:
    for place, v in enumerate(asked(entry)):
        alone = len(entry.formula.equations) == 1
        d = derive(entry.formula, v.name, level="full" if alone else "normal")
        if isinstance(d.goal, Deriv):
            yield f"## The derivative {md.inline(d.goal)}"
        else:
            yield f"## The adjoint {md.inline(d.goal)}"
            yield "" if place else _ADJOINT
        yield md.without(d, "given").markdown()
        yield md.display((md.latex(d.goal), md.latex(d.result)))


def asked(entry: Entry) -> tuple[Variable, ...]:
    """The variables whose derivatives the page derives: of a loss, only the prediction."""
    f = entry.formula
    if not entry.has_gradient:
        return ()
    return f.inputs[:1] if "loss" in entry.kind else vjp(f).wrt


# ---------------------------------------------------------------------------------- numbers


def _in_numbers(entry: Entry) -> Iterator[str]:
    f = entry.formula
    if entry.kind == "activation" and _is_curve(f):
        yield "## In numbers"
        if f.hyper:
            yield f"For {', '.join(md.inline(*pair) for pair in f.hyper)}:"
        yield numbers.curve(f)
    elif entry.kind == "optimizer":
        yield "## In numbers"
        yield (
            "Five updates with the usual constants on half the square of the weight, whose "
            "gradient is the weight itself. What is kept from step to step starts at 0:"
        )
        yield numbers.descent(f)
    elif entry.kind == "schedule":
        yield "## In numbers"
        yield numbers.rates(f)
    elif entry.kind == "gate" and f.inputs and not _has_tensors(f):
        yield "## In numbers"
        yield numbers.truth(f)
    elif entry.kind == "initializer" and variance in f.defined and _reads_sizes(f):
        yield "## In numbers"
        yield numbers.fans(f)


def _is_curve(f: Formula) -> bool:
    return not f.parameters and not _has_tensors(f)


def _has_tensors(f: Formula) -> bool:
    return any(isinstance(v, TensorSymbol) for v in (*f.given, *f.defined))


def _reads_sizes(f: Formula) -> bool:
    return any(s.is_integer for e in f.equations for s in e.rhs.free_symbols)


# ------------------------------------------------------------------------- verdicts and code


def _checked(entry: Entry) -> Iterator[str]:
    yield "## What was checked"
    if entry.verdicts:
        yield md.verdicts(entry.verdicts)
    else:
        yield "The formula is taken as its source states it; it claims nothing beyond that."


def _code(entry: Entry) -> Iterator[str]:
    f = entry.formula
    if entry.kind == "initializer":
        return
    yield "## The code that runs"
    if not entry.has_gradient:
        yield md.code(md.function(compile_formula(f).source, "function"))
        return
    if entry.kind == "activation" and not _has_tensors(f) and not f.parameters:
        f = activation_kind(f.name)
        yield "For all elements of an array at once, with the derivative in the same pass:"
    yield md.code(md.function(compile_gradient(f).source, "function"))
