"""The pages in derivations/ are what their scripts make of today's formulas."""

import re
from pathlib import Path

import pytest

from symdl.book import worked_page
from symdl.book.catalogue import entries
from symdl.book.index import index, title_of
from symdl.book.pages import pages
from symdl.book.worked_example import EXAMPLE, errors, updates
from symdl.derivation.numbers import decimal

FOLDER = Path(__file__).parents[2] / "derivations"
PAGES = {Path(p.path): p.markdown for p in pages()}
COMMITTED = sorted(p.relative_to(FOLDER) for p in FOLDER.glob("**/*.md"))


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_the_page_is_what_its_formula_makes(path):
    committed = (FOLDER / path).read_text(encoding="utf-8")
    assert PAGES[path]() == committed, f"run: python derivations {path.stem}"


def test_every_page_is_made_and_has_a_line_in_the_index():
    assert set(COMMITTED) - {Path("README.md")} == set(PAGES)
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\(([\w/]+\.md)\)", text)) == {p.as_posix() for p in PAGES}
    titles = {p.as_posix(): title_of((FOLDER / p).read_text(encoding="utf-8")) for p in PAGES}
    assert text == index(titles), "run: python derivations"
    assert len(set(titles.values())) == len(titles)


def test_every_entry_of_the_catalogue_has_its_page():
    for e in entries():
        assert Path(e.page).relative_to(FOLDER.name) in PAGES, e.name


@pytest.mark.parametrize("page", COMMITTED, ids=str)
def test_a_page_is_sound(page):
    text = (FOLDER / page).read_text(encoding="utf-8")
    assert text.count("$$") % 2 == 0
    assert text.count(r"\begin{aligned}") == text.count(r"\end{aligned}")
    assert not re.search(r"\| (refuted|unknown) \||; (refuted|unknown)\*$", text, re.MULTILINE)
    assert text.startswith("# ")
    if page.stem != "README":
        assert "Source: " in text


# By hand, to 8 decimals.
AFTER = "0.29959556 0.24919112 0.39964496 0.34928991 0.43703857 0.38685205 0.69629578 0.59624247"
NODES = "0.08000000 0.11000000 0.51998934 0.52747230 0.44498412 0.68047592 0.60944600 0.66384491"


def test_the_updates_of_the_worked_example():
    assert [decimal(u.after, 8) for u in updates()] == AFTER.split()
    assert [decimal(e, 8) for e in errors()] == ["0.02397190", "0.02323634"]
    slopes = {u.weight.name: decimal(u.slope, 8) for u in updates()}
    assert slopes["W5"] == "0.02592286"
    assert slopes["W1"] == "0.00080888"


def test_the_page_of_the_worked_example_shows_all_its_numbers():
    text = worked_page.markdown()
    for number in [*AFTER.split(), *NODES.split(), "0.02397190", "0.02323634"]:
        assert number in text
    (chain,) = re.findall(r"_\{5\}\} &= (.*) \\\\\n&= (0\.\d+ .*) \\\\\n&= 0.02592286\n", text)[:1]
    assert chain[0].count(r"\cdot") == 2  # dE/do1 * do1/dz3 * dz3/dW5
    assert chain[1] == r"0.20944600 \times 0.23802157 \times 0.51998934"


def test_the_example_has_eight_weights_and_no_biases():
    assert [w.name for w in EXAMPLE.parameters] == [f"W{k}" for k in range(1, 9)]
    assert all(v.level == "proved" for _, v in worked_page.verdicts())
