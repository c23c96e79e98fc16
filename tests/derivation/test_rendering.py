import json
import re
from xml.etree import ElementTree

import pytest
import sympy as sp

from symdl.calculus.compose import chain
from symdl.calculus.rules import RULES
from symdl.calculus.tree import Deriv
from symdl.catalog.activations import LEAKY_RELU, SIGMOID, SOFTMAX, TANH
from symdl.catalog.layers import DENSE
from symdl.catalog.losses import CATEGORICAL_CROSSENTROPY, SPARSE_CATEGORICAL_CROSSENTROPY
from symdl.derivation.derivation import Derivation
from symdl.derivation.derive import derive
from symdl.derivation.names import GREEK
from symdl.derivation.plain_printer import plain_text
from symdl.derivation.printer import latex, latex_name
from symdl.derivation.shown import Times
from symdl.derivation.words import en, ko, words_in
from symdl.errors import InputError
from symdl.evidence.verdict import LEVELS
from symdl.notation.binders import Total
from symdl.notation.indices import indices
from symdl.notation.tensors import real, tensors
from tests.derivation.examples import VALUES, network

x, y, t = real("x"), real("y"), real("t")

DERIVATIONS = {
    "gaussian": lambda: derive("x*exp(-x**2)", "x"),
    "sigmoid": lambda: derive(SIGMOID, "x"),
    "tanh": lambda: derive(TANH, "x"),
    "cases": lambda: derive(LEAKY_RELU, "x"),
    "maximum": lambda: derive("max(0, x)", "x"),
    "row": lambda: derive("exp(z[j:K])/sum[k:K](exp(z[k]))", "z"),
    "dense": lambda: derive(DENSE, "W"),
    "crossentropy": lambda: derive(chain(SOFTMAX, CATEGORICAL_CROSSENTROPY), "z"),
    "labels": lambda: derive(chain(SOFTMAX, SPARSE_CATEGORICAL_CROSSENTROPY), "z"),
    "network": lambda: derive(network(), "W1").at(VALUES),
}


@pytest.fixture(params=DERIVATIONS, scope="module")
def derivation(request: pytest.FixtureRequest) -> Derivation:
    return DERIVATIONS[request.param]()


def balanced(shown: str) -> bool:
    depth = 0
    for c in re.sub(r"\\[{}\\]", "", shown):
        depth += (c == "{") - (c == "}")
        if depth < 0:
            return False
    lefts, rights = re.findall(r"\\left\b", shown), re.findall(r"\\right\b", shown)
    return depth == 0 and len(lefts) == len(rights)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_rendering_is_well_formed(derivation, lang):
    for shown in (derivation.latex(lang=lang), derivation.markdown(lang)):
        assert balanced(shown)
        for name in ("align*", "aligned", "bmatrix", "cases"):
            begins, ends = shown.count(rf"\begin{{{name}}}"), shown.count(rf"\end{{{name}}}")
            assert begins == ends
    page = derivation.html(lang)
    assert page.count("<details") == page.count("</details>")
    body = page.partition("<body>")[2].partition("</body>")[0].replace("&nbsp;", " ")
    ElementTree.fromstring(body.strip())
    assert "None" not in derivation.text(lang)


def test_every_line_shows_its_rule_and_its_verdict(derivation):
    for shown in (derivation.text(), derivation.markdown(), derivation.html(), derivation.latex()):
        for line in derivation.lines:
            if line.section != "given":
                assert line.verdict is not None
                assert en.WORDS[f"rule.{line.rule}"] in shown
    assert derivation.text().count("proved)") == sum(
        line.section != "given" for line in derivation.lines
    )


def test_json_is_a_tree_of_rules(derivation):
    tree = json.loads(json.dumps(derivation.json(), ensure_ascii=False))

    def check(node: dict[str, object]) -> None:
        assert {"rule", "before", "after", "conditions", "verdict", "children"} <= node.keys()
        for child in node["children"]:  # type: ignore[attr-defined]
            check(child)

    check(tree)


GAUSSIAN = """\
  d/dx [x·exp(-x²)] = exp(-x²)·dx/dx + x·d/dx [exp(-x²)]    (product rule; proved)
                    = exp(-x²) + x·d/dx [exp(-x²)]
                    = exp(-x²) - 2·x²·exp(-x²)
    d/dx [exp(-x²)] = d/du [exp(u)]|{u = -x²}·d/dx [-x²]    (chain rule; proved)
                    = exp(-x²)·d/dx [-x²]
                    = -2·x·exp(-x²)
      d/dx [-x²] = -d/dx [x²] = -2·x    (constant factor rule; proved)
  d/dx [x·exp(-x²)] = exp(-x²) - 2·x²·exp(-x²) = exp(-x²)·(1 - 2·x²)    (simplification; proved)
"""

SIGMOID_TEXT = """\
식
  y = 1/(1 + exp(-x))
  dy/dx = d/dx [1/(1 + exp(-x))]    (역수의 미분법; 증명됨)
        = -d/dx [1 + exp(-x)]/(1 + exp(-x))²
        = exp(-x)/(1 + exp(-x))²
    d/dx [1 + exp(-x)] = d/dx [1] + d/dx [exp(-x)] = d/dx [exp(-x)] = -exp(-x)    (합의; 증명됨)
      d/dx [exp(-x)] = d/du [exp(u)]|{u = -x}·d/dx [-x] = -exp(-x)    (연쇄 법칙; 증명됨)
  dy/dx = exp(-x)/(1 + exp(-x))² = y·(1 - y)    (출력값으로 나타내기; 증명됨)
""".replace("합의", "합의 미분법")

DENSE_TEXT = """\
Formula
  y[n,j] = Σ[i] W[i,j]·x[n,i] + b[j]

Chain rule along the graph
  Wbar[i,j] = Σ[n,k] ybar[n,k] · ∂y[n,k]/∂W[i,j]    (chain rule; proved)
    the adjoint, for whatever loss follows: ybar[n,j] = ∂L/∂y[n,j]

Local derivatives
  ∂y[n,k]/∂W[i,j] = ∂/∂W[i,j] [Σ[l] W[l,k]·x[n,l] + b[k]]    (local derivative; proved)
                  = Σ[l] δ[i,l]·δ[j,k]·x[n,l]
                  = δ[j,k]·x[n,i]

Put together
  Wbar[i,j] = Σ[n,k] ybar[n,k] · δ[j,k]·x[n,i] = Σ[n] x[n,i]·ybar[n,j]    (LABEL; proved)
""".replace("LABEL", "contracting the deltas")


@pytest.mark.parametrize(
    ("name", "lang", "expected"),
    [("gaussian", "en", GAUSSIAN), ("sigmoid", "ko", SIGMOID_TEXT), ("dense", "en", DENSE_TEXT)],
)
def test_short_derivations_read_as_they_should(name, lang, expected):
    assert DERIVATIONS[name]().text(lang) == expected


def test_cross_entropy_ends_as_people_write_it():
    shown = DERIVATIONS["crossentropy"]().text()
    assert "∂L/∂z[n,j] = ∂L/∂e[n,j] · ∂e[n,j]/∂z[n,j]" in shown
    assert "= (p[n,j] - t[n,j])/N\n    solved: e[n,j] = S[n]·p[n,j]\n" in shown
    assert shown.endswith("    assumption: Σ[j] t[n,j] = 1\n")


@pytest.mark.parametrize(
    ("e", "expected"),
    [
        (-t + y, "y - t"),
        (1 - y, "1 - y"),
        (y * (1 - y), r"y \left(1 - y\right)"),
        (1 + sp.exp(-x), "1 + e^{- x}"),
        (x + 1, "x + 1"),
        (x**2 + x + 1, "x^{2} + x + 1"),
        (real("h1") * real("W5"), "W_{5} h_{1}"),
        ((t - y) ** 2 / 2, r"\frac{1}{2}\left(t - y\right)^{2}"),
        (x / 2, r"\frac{x}{2}"),
        (-x / (1 + y), r"-\frac{x}{y + 1}"),
        (Times(Deriv(y, x), x), r"\frac{\partial y}{\partial x} \cdot x"),
        ((y - t) / x, r"\frac{y - t}{x}"),
        (2 * 3**x, r"2 \cdot 3^{x}"),
    ],
)  # fmt: skip
def test_the_order_is_the_order_of_notes(e, expected):
    shown = latex(e).replace("{-x}", "{- x}")
    assert shown in (expected, expected.replace(r"\frac{1}{2}\left", r"\frac{1}{2} \left"))


def test_numbers_stand_in_the_place_of_symbols():
    table = {y: "0.6", t: "-0.4"}
    assert latex(y - t, table) == r"0.6 - \left(-0.4\right)"
    assert latex(y * t * 2, table) == r"2 \times \left(-0.4\right) \times 0.6"
    assert plain_text(y**2 / t, table) == "0.6²/(-0.4)"


def test_bound_indices_never_share_a_name_with_free_ones():
    i, k = indices("i:D k:D")
    z = tensors("z[i]", i)
    d = Deriv(Total(z[i] ** 2, i), z[k])
    assert latex(d) == r"\frac{\partial}{\partial z_{k}}\left[\sum_{i} z_{i}^{2}\right]"
    d = Deriv(Total(z[k] ** 2, k), z[i])
    assert latex(d) == r"\frac{\partial}{\partial z_{i}}\left[\sum_{j} z_{j}^{2}\right]"
    assert latex(Total(z[i], i) ** 2) == r"\left(\sum_{i} z_{i}\right)^{2}"


NAMES = [
    "W5", "target_o1", "zbar", "dense_1.W", "epsilon", "learning_rate", "m_hat", "beta_1", "x_",
    "_", "a__b", "ν", "가중치", r"\input{/etc/passwd}", "$x$", "a%b", "x^2~", "</script>", "a&b#c",
    "x y", "w_new", "\u202ex",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_are_never_commands(name):
    shown = latex_name(name)
    assert balanced(shown)
    allowed = {
        "mathrm", "text", "bar", "hat", "tilde", "backslash", "wedge", "sim", "textbackslash",
        "textasciicircum", "textasciitilde", "textless", "textgreater", *GREEK,
    }  # fmt: skip
    assert set(re.findall(r"\\([A-Za-z]+)", shown)) <= allowed
    assert not re.search(r"(?<!\\)[$%#&]", shown)
    d = derive(real(name) ** 2, real(name))
    assert balanced(d.latex())
    assert "</script>" not in d.html()
    assert "\u202e" not in d.text() + d.latex()


def test_names_read_as_in_notes():
    assert latex_name("W5") == "W_{5}"
    assert latex_name("target_o1") == r"\mathrm{target}_{o_{1}}"
    assert latex_name("zbar") == r"\bar{z}"
    assert latex_name("m_hat") == r"\hat{m}"
    assert latex_name("w_new") == r"w_{\mathrm{new}}"
    i, j = indices("i:D j:K")
    W = tensors("W1[i,j]", i, j)
    assert latex(W[i, j]) == "W^{(1)}_{i j}"
    assert latex(W[i, j] ** 2) == r"\left(W^{(1)}_{i j}\right)^{2}"


def test_the_catalogues_have_the_same_keys_and_every_rule():
    assert en.WORDS.keys() == ko.WORDS.keys()
    assert {f"rule.{r.name}" for r in RULES} <= en.WORDS.keys()
    assert {f"verdict.{v}" for v in LEVELS} <= en.WORDS.keys()
    assert len(set(ko.WORDS.values())) > 40
    with pytest.raises(InputError, match="not one of en, ko"):
        words_in("fr")


def test_a_document_compiles_alone_and_a_fragment_does_not_pretend_to():
    d = derive(SIGMOID, "x")
    assert r"\documentclass" not in d.latex()
    english, korean = d.latex(document=True), d.latex(lang="ko", document=True)
    assert english.startswith("% pdflatex\n")
    assert korean.startswith("% xelatex\n")
    assert english.rstrip().endswith(r"\end{document}")
    assert r"\usepackage{kotex}" in korean
    assert "kotex" not in english


def test_jupyter_shows_goal_and_result():
    d = derive(SIGMOID, "x")
    assert d._repr_latex_() == r"$\displaystyle \frac{dy}{dx} = y \left(1 - y\right)$"
    assert '<div class="symdl">' in d._repr_html_()
