"""The pictures of the book: read back from their files, they show what the formulas say."""

import math
import re
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import mpmath
import numpy as np
import pytest

from symdl.book.catalogue import entries, entry
from symdl.book.pages import pages
from symdl.book.pictures.depth import by_depth
from symdl.book.pictures.entries import pictures_of
from symdl.book.pictures.losses import loss
from symdl.book.pictures.paths import START, STEPS
from symdl.book.pictures.words import in_language
from symdl.catalog import losses
from symdl.errors import InputError, NotSupported

BOOK = Path(__file__).parents[2] / "derivations"
FILES = sorted(BOOK.glob("*/*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
PIXEL = 0.15  # matplotlib leaves out points that lie on the line within a ninth of a pixel


def drawn(name):
    pytest.importorskip("matplotlib")
    (picture,) = pictures_of(entry(name))
    return ET.fromstring(picture.make())


# ------------------------------------------------------------------------- the files in the book


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_file_needs_nothing_else_and_says_what_it_shows(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < 60_000
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert {"width", "height", "viewBox"} <= set(root.keys())
    assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert all(child.text for child in list(root)[:2])
    for e in root.iter():
        assert e.tag.removeprefix(SVG) not in ("script", "image", "foreignObject", "metadata")
        for key, value in e.attrib.items():
            assert not key.endswith("href") or value.startswith("#")
            assert not key.startswith("on")
    names = [e.get("id") for e in root.iter() if "id" in e.attrib]
    assert len(names) == len(set(names))
    assert not any(" " in name for name in names)
    assert not re.search(r"url\((?!#)|@import", text)
    assert len(re.findall(r"https?://", text)) == len(re.findall(r'xmlns(?::\w+)?="http://', text))


def test_every_picture_is_shown_once_and_has_its_file():
    shown = {}
    for page in BOOK.glob("*/*.md"):
        for file in re.findall(r"^!\[[^\]]+\]\(([^)]*)\)$", page.read_text("utf-8"), re.MULTILINE):
            shown[page.parent / file] = page.name
    assert shown.keys() == set(FILES)
    made = [(p.chapter, picture.file) for p in pages() for picture in p.pictures()]
    assert len(made) == len(set(made))
    assert {BOOK / chapter / file for chapter, file in made} == set(FILES)


@pytest.mark.parametrize("page", [p for p in pages() if p.pictures()], ids=lambda p: p.path)
def test_the_file_is_what_the_formula_draws(page):
    pytest.importorskip("matplotlib")
    found, left_out = page.drawn()
    assert not left_out
    for file, text in found.items():
        committed = ET.fromstring((BOOK / page.chapter / file).read_text(encoding="utf-8"))
        same(ET.fromstring(text), committed)


def same(new, old):
    """The same words and lines; numbers may differ in the last digit from machine to machine."""
    assert new.get("viewBox") == old.get("viewBox")
    assert [e.text for e in new.iter(f"{SVG}text")] == [e.text for e in old.iter(f"{SVG}text")]
    assert Counter(e.tag for e in new.iter()) == Counter(e.tag for e in old.iter())
    lines, before = (dict(named(r)) for r in (new, old))
    assert lines.keys() == before.keys()
    for name, points in lines.items():
        assert np.allclose(points, before[name], atol=0.05), name


def named(root):
    """The points of everything that has a name."""
    for e in root.iter(f"{SVG}g"):
        if "id" in e.attrib:
            yield e.get("id"), [p for path in e.iter(f"{SVG}path") for p in points_of(path)]


def test_the_same_picture_twice_is_the_same_file():
    pytest.importorskip("matplotlib")
    for name in ("tanh", "adam", "hinge"):
        (picture,) = pictures_of(entry(name))
        assert picture.make() == picture.make()


# ---------------------------------------------------------------------------- reading them back


def points_of(path):
    return [(float(x), float(y)) for x, y in re.findall(r"[ML] (\S+) (\S+)", path.get("d"))]


def group(root, name):
    (found,) = [e for e in root.iter(f"{SVG}g") if e.get("id") == name]
    return found


def line(root, name):
    """The points of a line, in pixels, and those of them where it starts anew."""
    (path,) = [p for p in group(root, name).iter(f"{SVG}path") if not p.get("id")]
    return points_of(path), [
        (float(x), float(y)) for x, y in re.findall(r"M (\S+) (\S+)", path.get("d"))
    ]


def markers(root, name):
    found = group(root, name).iter(f"{SVG}use")
    return np.array([(float(e.get("x")), float(e.get("y"))) for e in found])


def scales(root):
    """From pixels to numbers, by the ticks: (slope, offset) of x and of y."""
    across, up = [], []
    for g in root.iter(f"{SVG}g"):
        use = [u for child in g for u in child.findall(f"{SVG}g/{SVG}use")]
        text = [t for child in g for t in child.findall(f"{SVG}text")]
        if len(use) == 1 and len(text) == 1 and re.fullmatch(r"−?[\d.]+", text[0].text):
            value = float(text[0].text.replace("−", "-"))
            x, y = float(use[0].get("x")), float(use[0].get("y"))
            if abs(float(text[0].get("x")) - x) < 1:  # the number stands below its tick
                across.append((x, value))
            else:
                up.append((y, value))
    return tuple(np.polyfit(*zip(*ticks, strict=True), 1) for ticks in (across, up))


def read(root, name):
    (a, b), (c, d) = scales(root)
    return [(a * x + b, c * y + d) for x, y in line(root, name)[0]], abs(c) * PIXEL + abs(a) * 0.1


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


FUNCTIONS = {
    "sigmoid": sigmoid,
    "tanh": mpmath.tanh,
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: x * mpmath.ncdf(x),
    "mish": lambda x: x * mpmath.tanh(mpmath.log(1 + mpmath.exp(x))),
    "elu": lambda x: x if x > 0 else mpmath.exp(x) - 1,
    "leaky_relu": lambda x: x if x > 0 else x / 10,
    "relu": lambda x: max(x, 0),
    "hard_silu": lambda x: x * min(max(x / 6 + mpmath.mpf(1) / 2, 0), 1),
    "softsign": lambda x: x / (1 + abs(x)),
    "half_squared_error": lambda y: y**2 / 2,
    "mean_absolute_error": abs,
    "huber": lambda y: y**2 / 2 if abs(y) < 1 else abs(y) - mpmath.mpf(1) / 2,
    "log_cosh": lambda y: mpmath.log(mpmath.cosh(y)),
    "categorical_crossentropy": lambda p: -mpmath.log(p),
}
KINKS = {"relu": [0], "leaky_relu": [0], "hard_silu": [-3, 3], "mean_absolute_error": [0]}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_curve_and_its_slope_lie_where_the_function_does(name):
    root, f = drawn(name), FUNCTIONS[name]
    value, near = read(root, "value")
    assert len(value) > 1
    for x, y in value:
        assert abs(f(mpmath.mpf(x)) - y) < near
    slope, near = read(root, "slope")
    for x, y in slope:
        if all(abs(x - k) > 0.05 for k in KINKS.get(name, ())):
            wrong = abs(mpmath.diff(f, x, h=1e-6) - y)
            steep = 40 / x**2 if name == "categorical_crossentropy" else 0
            assert wrong < near * (1 + steep)


def test_the_reader_sees_a_wrong_curve():
    root = drawn("tanh")
    value, near = read(root, "value")
    assert any(abs(mpmath.tanh(1.01 * x) - y) > near for x, y in value)


def test_a_line_is_interrupted_where_it_jumps_and_a_dot_shows_the_value_there():
    root = drawn("relu")
    (a, b), (c, d) = scales(root)
    ends = [a * x + b for x, _ in line(root, "slope")[1]]
    assert np.allclose(ends, [-4, 0], atol=0.01)  # the line begins anew at the kink
    ((x, y),) = markers(root, "slope-at-0")
    assert math.isclose(a * x + b, 0, abs_tol=0.01)
    assert math.isclose(c * y + d, 0, abs_tol=0.02)
    assert len(line(drawn("tanh"), "slope")[1]) == 1


@pytest.mark.parametrize(("name", "rates"), [("sgd", (0.01, 0.1, 0.19))])
def test_a_descent_follows_its_recursion(name, rates):
    root = drawn(name)
    (a, b), (c, d) = scales(root)
    k = np.arange(STEPS + 1)
    for place, rate in enumerate(rates, 1):
        found = markers(root, f"path-{place}")
        assert np.allclose(a * found[:, 0] + b, START[0] * (1 - rate) ** k, atol=0.02)
        assert np.allclose(c * found[:, 1] + d, START[1] * (1 - 10 * rate) ** k, atol=0.02)


def test_gradients_by_depth_stand_at_their_logarithms():
    pytest.importorskip("matplotlib")
    norms = {"tanh, glorot uniform": [1e-6, 1e-4, 1e-1], "relu, he uniform": [2.0, 1.0, 0.5]}
    root = ET.fromstring(by_depth(norms).make())
    one, two = markers(root, "net-1"), markers(root, "net-2")
    per_decade = (one[0, 1] - one[2, 1]) / 5
    assert math.isclose(one[1, 1] - one[2, 1], 3 * per_decade, abs_tol=0.03)
    assert math.isclose(two[1, 1] - two[0, 1], math.log10(2) * per_decade, abs_tol=0.03)
    assert math.isclose(one[2, 1], two[2, 1], abs_tol=0.01)  # the last over itself


def test_the_learning_rate_falls_where_it_should():
    root = drawn("step_decay")
    (a, b), (c, d) = scales(root)
    found = [(a * x + b, c * y + d) for x, y in line(root, "value")[0]]
    far = [(x, y) for x, y in found if abs(x - 1000.5) > 3]
    assert {x < 1000 for x, _ in far} == {True, False}
    assert all(math.isclose(y, 0.01 if x < 1000 else 0.001, abs_tol=1e-4) for x, y in far)


# ------------------------------------------------------------------------------ what there is not


def test_which_entries_have_a_picture():
    with_one = {e.name for e in entries() if pictures_of(e)}
    assert {"tanh", "relu", "mean_squared_error", "hinge", "adam", "cosine_decay"} <= with_one
    assert not with_one & {"softmax", "prelu", "batch_normalization", "glorot_uniform", "l2"}
    assert {e.name for e in entries() if e.kind in ("optimizer", "schedule")} <= with_one


def test_a_loss_whose_predictions_act_together_has_no_curve():
    assert loss(losses.CATEGORICAL_CROSSENTROPY_FROM_LOGITS) is None
    assert loss(losses.SPARSE_CATEGORICAL_CROSSENTROPY) is None


def test_without_matplotlib_a_plot_is_left_out_with_its_reason(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(NotSupported, match=r"need matplotlib: pip install symdl\[plot\]"):
        pictures_of(entry("tanh"))[0].make()
    (page,) = [p for p in pages() if p.path == "activations/tanh.md"]
    assert page.drawn() == ({}, {"tanh.svg": "plots need matplotlib: pip install symdl[plot]"})
    (page,) = [p for p in pages() if p.path == "backpropagation/computational_graphs.md"]
    assert len(page.drawn()[0]) == 3  # graphs need nothing


# ------------------------------------------------------------------------------------- languages

NAMES = {"tanh", "relu", "glorot", "uniform", "target", "total"}  # as they are written in code


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_every_word_of_a_picture_is_in_korean_too(path):
    text = path.read_text(encoding="utf-8")
    assert in_language(text, "en") == text
    root = ET.fromstring(in_language(text, "ko"))
    assert re.search("[가-힣]", root.find(f"{SVG}title").text)
    untouched = {t for e in root.iter() if e.get("translate") == "no" for t in e.iter()}
    said = [e.text for e in root.iter() if e.text and e not in untouched]
    words = [w for s in said for w in re.findall("[A-Za-z]{4,}", "" if s.startswith("*{") else s)]
    assert set(words) <= NAMES


def test_a_word_without_a_translation_is_an_error():
    text = f'<svg xmlns="{SVG[1:-1]}"><text>A flight of 3 steps</text></svg>'
    with pytest.raises(InputError, match=r'not translated: "A flight of \{1\} steps"'):
        in_language(text, "ko")
