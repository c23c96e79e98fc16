"""Linear scores: templates, two and three layers, and the shapes of every product."""

from pathlib import Path

import sympy as sp

import symdl as sd
from symdl.book import page as md
from symdl.book.files import write_text
from symdl.calculus.adjoint import adjoint
from symdl.derivation.shapes import in_one, layers_of, shape_lines
from symdl.errors import Mismatch
from symdl.evidence.gradients import judge_adjoint
from symdl.evidence.verdict import Verdict
from symdl.evidence.written_out import element_symbol, write_out

SOURCE = "Goodfellow, Bengio, Courville (2016), Deep Learning, section 6.1"
i, h, g, k = sd.indices("i:D h:H g:G k:K")
x, W, f = sd.tensors("x[i] W[k,i] f[k]", i, h, g, k)
W1, W2, W3 = sd.tensors("W_1[h,i] W_2[g,h] W_3[k,g]", i, h, g, k)
top = sd.tensors("W_2[k,h]", i, h, g, k)
s, a, s2, a2 = sd.tensors("s_1[h] h_1[h] s_2[g] h_2[g]", i, h, g, k)

n, j, m = sd.indices("n:N j:J m:M")
row, first, b1, hidden = sd.tensors("x[n,i] W_1[i,j] b_1[j] h[n,j]", n, i, j, m)
second, b2, out = sd.tensors("W_2[j,m] b_2[m] y[n,m]", n, i, j, m)


def _formula(output: sp.Symbol, inputs: sp.Symbol, *equations: sp.Eq) -> sd.Formula:
    """Everything that is read, and neither given nor defined, is a parameter."""
    known = {e.lhs.tensor for e in equations} | {inputs}
    read = dict.fromkeys(a for e in equations for a in _tensors(e.rhs))
    parameters = [v for v in read if v not in known]
    return sd.Formula(
        list(equations), output=output, inputs=[inputs], parameters=parameters, source=SOURCE
    )


def _tensors(e: sp.Expr) -> list[sp.Symbol]:
    return [v.tensor for v in sp.preorder_traversal(e) if hasattr(v, "tensor")]


def _eq(lhs: sp.Expr, rhs: sp.Expr) -> sp.Eq:
    return sp.Eq(lhs, rhs, evaluate=False)


ONE = _formula(f, x, _eq(f[k], sd.total(W[k, i] * x[i], i)))
TWO = _formula(
    f, x,
    _eq(s[h], sd.total(W1[h, i] * x[i], i)),
    _eq(a[h], sp.Max(0, s[h])),
    _eq(f[k], sd.total(top[k, h] * a[h], h)),
)  # fmt: skip
THREE = _formula(
    f, x,
    _eq(s[h], sd.total(W1[h, i] * x[i], i)),
    _eq(a[h], sp.Max(0, s[h])),
    _eq(s2[g], sd.total(W2[g, h] * a[h], h)),
    _eq(a2[g], sp.Max(0, s2[g])),
    _eq(f[k], sd.total(W3[k, g] * a2[g], g)),
)  # fmt: skip
ROWS = _formula(
    out, row,
    _eq(hidden[n, j], sd.total(row[n, i] * first[i, j], i) + b1[j]),
    _eq(out[n, m], sd.total(hidden[n, j] * second[j, m], j) + b2[m]),
)  # fmt: skip

PIXELS = {"x": (4, 1), "W": (3, 4)}
STACKED = {"x": (3072, 1), "W_1": (100, 3072), "W_2": (10, 100)}
DEEPER = {"x": (3072, 1), "W_1": (100, 3072), "W_2": (50, 100), "W_3": (10, 50)}
NOTES = {"x": (1, 8), "W_1": (8, 8), "b_1": (1, 8), "W_2": (8, 3), "b_2": (1, 3)}
IMAGE = (sp.Integer(2), sp.Integer(0), sp.Integer(1), sp.Integer(3))
TEMPLATES = ((1, 0, 0, 2), (0, 3, 1, 0), (1, 1, 1, 1))


def page() -> str:
    gradient = adjoint(ONE, (W,)).inlined(W)
    return md.joined(
        "# Linear scores",
        md.source(ONE),
        "A linear classifier turns an input, such as the pixels of an image in one long column, "
        "into one score for each class:",
        _equations(ONE),
        "With four pixels and three classes the shapes are",
        _shapes(ONE, PIXELS),
        "The sizes that meet in a product, the columns of the first factor and the rows of the "
        "second, must agree: here the 4 pixels. They are gone in the result.",
        "## The rows are templates",
        "The score of a class is the inner product of one row of the kernel with the input: it is "
        "large where the two agree. So a row is a template for its class, and the score says how "
        "well the input fits it.",
        md.table(
            ["class", f"row of {md.inline(W)}", f"score of {md.inline(x)} = {_row(IMAGE)}"],
            _scores(),
        ),
        "The gradient says the same. For the row of a class it is",
        md.display((md.latex(gradient.lhs), md.latex(gradient.rhs))),
        "the input itself times one number for that class. A step of descent adds to the template "
        "of a class whose score should rise a part of the input, and takes it away from one whose "
        "score should fall.",
        "## Two layers",
        "With one template for each class, a class that comes in several kinds is out of reach. "
        "Let the first layer have more templates than there are classes, keep the scores that are "
        "positive, and let a second layer weigh them:",
        _equations(TWO),
        _shapes(TWO, STACKED),
        f"The {md.inline(a)} are the scores of the first templates, and the second kernel says how "
        "much each of them speaks for each class. Without the maximum in between, the two kernels "
        "would be one, see "
        "[why layers need something non-linear](../activations/why_nonlinear.md).",
        "## Three layers",
        _equations(THREE),
        _shapes(THREE, DEEPER),
        "Layers are counted by their kernels; the input is no layer:",
        md.table(["formula", "layers"], _counted()),
        "## Rows instead of columns",
        "Code holds one example in a row, so the kernel comes behind, and a bias is added to "
        f"every row. With {_by(NOTES['x'])} times {_by(NOTES['W_1'])} plus {_by(NOTES['b_1'])}, "
        f"and then {_by(NOTES['x'])} times {_by(NOTES['W_2'])} plus {_by(NOTES['b_2'])}:",
        _shapes(ROWS, NOTES),
        "Where two shapes do not fit, that is an error, and it names both:",
        md.code(_refused(), "text"),
        "## What was checked",
        md.verdicts(_checked()),
    )


def _equations(formula: sd.Formula) -> str:
    return md.display(*((md.latex(e.lhs), md.latex(e.rhs)) for e in formula.equations))


def _shapes(formula: sd.Formula, shapes: dict[str, tuple[int, int]]) -> str:
    return md.display(*(line.latex() for line in shape_lines(formula, shapes)))


def _by(shape: tuple[int, int]) -> str:
    return "x".join(map(str, shape))


def _row(values: tuple[object, ...]) -> str:
    return f"({', '.join(map(str, values))})"


def _scores() -> list[list[str]]:
    """The formula written out at these sizes, with the numbers put in."""
    sizes = {i.size: len(IMAGE), k.size: len(TEMPLATES)}
    (equation,) = ONE.equations
    values = {element_symbol(x, (p,)): v for p, v in enumerate(IMAGE)}
    rows = []
    for c, template in enumerate(TEMPLATES):
        values.update((element_symbol(W, (c, p)), sp.Integer(v)) for p, v in enumerate(template))
        score = write_out(equation.rhs, sizes, {k: c}).subs(values)
        rows.append([str(c + 1), _row(template), str(score)])
    return rows


def _counted() -> list[list[str]]:
    shapes = ((ONE, PIXELS), (TWO, STACKED), (THREE, DEEPER))
    return [[md.inline(f, in_one(shape_lines(e, s))), str(layers_of(e))] for e, s in shapes]


def _refused() -> str:
    try:
        shape_lines(ROWS, {**NOTES, "W_2": (5, 3)})
    except Mismatch as error:
        return str(error)
    raise AssertionError("shapes that do not fit were taken")


def _checked() -> list[tuple[str, Verdict]]:
    formulas = (("one layer", ONE), ("two layers", TWO), ("three layers", THREE))
    return [
        (f"{name}: {what}", verdict)
        for name, formula in formulas
        for what, verdict in judge_adjoint(formula, formula.parameters)
        if what.startswith("gradient")
    ]


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
