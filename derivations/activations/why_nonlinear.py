"""Why there is something non-linear between layers: without it a stack is one layer."""

from pathlib import Path

from symdl.book import page as md
from symdl.book.files import write_text
from symdl.calculus.compose import chain, elementwise
from symdl.catalog.activations import RELU
from symdl.catalog.layers import DENSE
from symdl.evidence.identities import judge_affine, stacked
from symdl.evidence.verdict import Verdict, negated
from symdl.formula import Formula
from symdl.notation.indices import Index
from symdl.notation.tensors import Elem, TensorSymbol

DEPTHS = (2, 3, 5)
X = DENSE.inputs[0]


def page() -> str:
    two = stacked(DENSE, 2)
    kernel, bias, _ = judge_affine(two, X)
    return md.joined(
        "# Why layers need something non-linear between them",
        md.source(DENSE),
        "Put one dense layer on another, with nothing in between:",
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in two.equations)),
        "Put the first equation into the second, multiply out, and change the order of the two "
        "sums. What stands by the input is a kernel that does not depend on the input, and the "
        "rest is a bias that does not either:",
        md.display(
            (r"\text{kernel}_{i j}", md.latex(kernel)),
            (r"\text{bias}_{j}", md.latex(bias)),
        ),
        "So the two layers are one dense layer: its kernel is the product of the two kernels, and "
        "its bias is the first bias sent through the second layer. The sizes of all three layers "
        "are symbols, so that holds whatever they are.",
        "## Any depth",
        "Take a stack of any depth and suppose that it is one dense layer. With one more layer on "
        "top it is two dense layers, and these are one, by what was just shown for all sizes. A "
        "stack of one layer is one layer to begin with. By induction every stack of linear layers "
        "is one linear layer, and more of them add nothing but rounding.",
        "Some depths written out in full, each proved on its own:",
        md.table(["layers", "kernel of the one layer"], _depths()),
        "## With an activation in between",
        "Between the same two layers, relu:",
        md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in _with_relu().equations)),
        "Now the derivative with respect to the input still depends on it, and there is no one "
        "kernel. "
        "If there were, the values at an input and at the opposite one would always have the value "
        "at 0 for their mean; a kink is enough to break that.",
        "## What was checked",
        md.verdicts(_checked()),
    )


def _depths() -> list[list[str]]:
    return [[str(d), md.inline(judge_affine(stacked(DENSE, d), X)[0])] for d in DEPTHS]


def _with_relu() -> Formula:
    first, second = _layers()
    h = first.output
    n, j = (Index(name, size) for name, size in zip("nj", h.axes, strict=True))
    bent = TensorSymbol("a", h.axes)
    relu = elementwise(RELU, Elem(h, n, j), bent)
    moved = Formula(
        [e.to_sympy().xreplace({h: bent}) for e in second.equations],
        output=second.output, inputs=[bent], parameters=second.parameters, name="second",
    )  # fmt: skip
    return chain(chain(first, relu), moved)


def _layers() -> tuple[Formula, Formula]:
    two = stacked(DENSE, 2)
    first, second = two.equations
    kernels, biases = two.parameters[::2], two.parameters[1::2]
    return (
        Formula(first, output=first.variable, inputs=[X], parameters=[kernels[0], biases[0]]),
        Formula(second, output=second.variable, inputs=[first.variable],
                parameters=[kernels[1], biases[1]]),
    )  # fmt: skip


def _checked() -> list[tuple[str, Verdict]]:
    found = [(f"{d} layers are one", judge_affine(stacked(DENSE, d), X)[2]) for d in DEPTHS]
    found[0] = ("one layer more on a layer is one layer, for all sizes", found[0][1])
    return [*found, ("with relu in between they are not", negated(_one_layer(_with_relu())))]


def _one_layer(net: Formula) -> Verdict:
    return judge_affine(net, X)[2]


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
