"""The picture of a graph: all its numbers, its nodes apart, and few crossings."""

import itertools
import re
import xml.etree.ElementTree as ET
from fractions import Fraction

import pytest
import sympy as sp

import symdl as sd
from symdl.book.worked_example import EXAMPLE, VALUES
from symdl.derivation.graph_layout import layout
from symdl.derivation.graph_svg import MOST_NODES
from symdl.derivation.table import node_table

SVG = "{http://www.w3.org/2000/svg}"
NEURON = "1/(1 + exp(-(w0*x0 + w1*x1 + w2)))"
AT = {"w0": 2, "w1": -3, "w2": -3, "x0": -1, "x1": -2}


def tables():
    yield sd.graph("(x + y)*z", at={"x": -2, "y": 5, "z": -4})
    yield sd.graph(NEURON, at=AT, digits=3)
    yield sd.graph("(x*y + z)*x*y", at={"x": "1/2", "y": 3, "z": "-1/4"})
    yield sd.graph("max(x, y)*log(1 - x**2) + sqrt(y)/x - 2*y", at={"x": "1/2", "y": 3})
    yield node_table(EXAMPLE, {k: v for k, v in VALUES.items() if k != "alpha"}, digits=5)


def nodes(svg):
    """What is written of each node: the label, the value, the gradient, and the rest."""
    root = ET.fromstring(svg)
    return {
        g.get("data-node"): [t.text for t in g.iter(f"{SVG}text")]
        for g in root.iter(f"{SVG}g")
        if "data-node" in g.attrib
    }


@pytest.mark.parametrize("table", list(tables()), ids=lambda t: str(len(t.rows)))
def test_every_node_has_its_value_and_its_gradient(table):
    found = nodes(table.svg())
    assert found.keys() == {r.variable.name for r in table.rows}
    for row in table.rows:
        _, value, gradient, *_ = found[row.variable.name]
        assert gradient == table.number(row.gradient)
        if row.rhs is None:
            assert Fraction(value) == Fraction(str(table.number(row.value)))
        else:
            assert value == table.number(row.value)


def test_the_numbers_of_a_small_graph():
    found = nodes(sd.graph("(x + y)*z", at={"x": -2, "y": 5, "z": -4}).svg())
    assert found == {
        "x": ["x", "-2", "-4"],
        "y": ["y", "5", "-4"],
        "z": ["z", "-4", "3"],
        "q1": ["+", "3", "-4", "q1"],
        "f": ["×", "-12", "1", "f"],
    }


def test_what_several_readers_hand_back_adds_up():
    # f = (q + z) q with q = x y = 3/2 and z = -1/4: q + z from the product, q through the sum
    table = sd.graph("(x*y + z)*x*y", at={"x": "1/2", "y": 3, "z": "-1/4"})
    _, value, gradient, _, *parts = nodes(table.svg())["q1"]
    assert (value, gradient) == ("3/2", "11/4")
    assert sorted(parts) == ["+ 5/4", "= 3/2"] or sorted(parts) == ["+ 3/2", "= 5/4"]
    net = node_table(EXAMPLE, {k: v for k, v in VALUES.items() if k != "alpha"}, digits=8)
    _, _, gradient, *rest = nodes(net.svg())["h1"]
    parts = [float(p.lstrip("=+ ").strip("()")) for p in rest if p[0] in "=+"]
    assert len(parts) == 2
    assert sum(parts) == pytest.approx(float(gradient), abs=2e-8)


def test_operations_whose_order_matters_say_it():
    x, y = sp.symbols("x y", real=True)
    found = nodes(sd.graph(x - y, at={x: 1, y: 2}).svg())
    assert found["f"][0] == "x - y"
    found = nodes(sd.graph((1 - x) ** 2 + 3 * y, at={x: 1, y: 2}).svg())
    assert {v[0] for v in found.values()} == {"x", "y", "1 -", "x²", "×3", "+"}


@pytest.mark.parametrize("table", list(tables()), ids=lambda t: str(len(t.rows)))
def test_no_two_nodes_overlap_and_nothing_leaves_the_picture(table):
    root = ET.fromstring(table.svg())
    width, height = float(root.get("width")), float(root.get("height"))
    boxes = []
    for g in root.iter(f"{SVG}g"):
        if "data-node" in g.attrib:
            texts = list(g.iter(f"{SVG}text"))
            y = [float(t.get("y")) for t in texts]
            line = re.match(r"M(\S+) (\S+)H(\S+)", g.find(f"{SVG}path").get("d"))
            label = float(texts[0].get("x"))
            boxes.append((label, float(line[3]), min(y) - 9, max(y) + 2))
    for left, right, top, bottom in boxes:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
    for a, b in itertools.combinations(boxes, 2):
        assert a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2]


def test_lines_run_to_the_right_and_past_the_nodes_between():
    reads = {"a": [], "b": ["a"], "c": ["b"], "d": ["c", "a"]}
    placed = layout(reads, dict.fromkeys(reads, (1.0, 1.0)))
    assert [len(layer) for layer in placed.layers] == [1, 2, 2, 1]
    assert placed.ways["a", "d"] == ("a", ("a", "d", 1), ("a", "d", 2), "d")
    for layer in placed.layers:
        heights = [placed.y[i] for i in layer]
        assert all(b - a >= 1.4 for a, b in itertools.pairwise(heights))


def test_the_order_avoids_a_crossing():
    reads = {
        "a": [],
        "b": [],
        "c": [],
        "p": ["b"],
        "q": ["a", "c"],
        "r": ["a"],
        "f": ["p", "q", "r"],
    }
    placed = layout(reads, dict.fromkeys(reads, (1.0, 1.0)))
    y = placed.y
    edges = [(s, t) for t in "pqr" for s in reads[t]]
    crossed = [
        (e, g)
        for e, g in itertools.combinations(edges, 2)
        if (y[e[0]] - y[g[0]]) * (y[e[1]] - y[g[1]]) < 0
    ]
    assert not crossed


def test_the_words_are_in_the_language_and_the_file_is_the_same_each_time():
    table = sd.graph("x*y", at={"x": 2, "y": 3})
    assert table.svg() == table.svg("en") == sd.graph("x*y", at={"x": 2, "y": 3}).svg()
    english, korean = table.svg(), table.svg("ko")
    assert "<title>Computational graph</title>" in english
    assert "x: value 2, gradient 3; " in english
    assert "<title>계산 그래프</title>" in korean
    assert "x: 값 2, 기울기 3; " in korean
    with pytest.raises(sd.InputError, match="language"):
        table.svg("fr")


def test_names_and_text_are_escaped():
    a = sp.Symbol("a<b>&", real=True)
    root = ET.fromstring(sd.graph(a**2, at={a: 3}).svg())
    assert "a<b>&" in {t.text for t in root.iter(f"{SVG}text")}


def test_a_graph_too_large_to_be_read_is_no_picture():
    x = sp.symbols("x0:70", real=True)
    table = sd.graph(sp.Add(*(sp.sin(v) for v in x)), at=dict.fromkeys(x, 1))
    assert len(table.rows) > MOST_NODES
    with pytest.raises(sd.NotSupported, match=rf"{MOST_NODES} is the most; .*\.text\(\)"):
        table.svg()
    assert table._repr_html_() is None
    assert sd.graph("x*y", at={"x": 2, "y": 3})._repr_html_().startswith("<svg ")
