"""The gallery as files: whole, well formed, linked among themselves, made anew where needed."""

import dataclasses
import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from symdl.book import gallery as book
from symdl.book.gallery import gallery
from symdl.book.pages import pages
from symdl.book.site_page import body_of
from symdl.book.tex_page import tex_page
from symdl.cli import run
from symdl.derivation.html import style
from symdl.errors import InputError

CHOSEN = ("perceptron/learning_rule.md", "activations/softsign.md", "regularization/l1.md")
SOME = tuple(p for p in pages() if p.path in CHOSEN)
VOID = ("meta", "link", "br", "hr", "wbr", "img")
BOOK = Path(__file__).parents[2] / "derivations"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "out"
    done = gallery(folder, chosen=SOME)
    assert len(done.made) == len(SOME)
    assert not done.kept
    return folder


class Reader(HTMLParser):
    """Elements in their order; raises where one is closed that is not open."""

    def __init__(self, text):
        super().__init__()
        self.open, self.found, self.text = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs)
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, *tags):
        return [attrs for tag, attrs in self.found if tag in tags]


def read(path):
    return Reader(path.read_text(encoding="utf-8"))


def html_files(folder):
    return sorted(folder.rglob("*.html"))


# ------------------------------------------------------------------------------------ the site


def test_the_reader_finds_what_is_not_well_formed():
    for wrong in ("<p><b>x</p></b>", "<p>", "</p>"):
        with pytest.raises((AssertionError, IndexError)):
            Reader(wrong)


def test_every_page_is_well_formed_and_whole(site):
    assert len(html_files(site)) == len(SOME) + 1
    for path in html_files(site):
        page = read(path)
        assert len(page.all("title")) == len(page.all("h1")) == len(page.all("main")) == 1
        assert page.all("html") == [{"lang": "en"}]
        levels = [int(t[1]) for t, _ in page.found if re.fullmatch("h[1-6]", t)]
        assert levels[0] == 1
        assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
        assert not page.all("script", "iframe", "object")
        assert all(img["alt"] and (path.parent / img["src"]).is_file() for img in page.all("img"))
        assert path.name == "index.html" or page.all("math")
        assert all("aria-label" in nav for nav in page.all("nav"))
        assert len({nav["aria-label"] for nav in page.all("nav")}) == len(page.all("nav"))
        ids = [a["id"] for _, a in page.found if "id" in a]
        assert len(set(ids)) == len(ids)
        assert page.all("a")[0] == {"class": "skip", "href": "#main"}


def test_every_link_leads_somewhere_and_none_out(site):
    for path in html_files(site):
        for attrs in read(path).all("a", "link"):
            target, _, part = attrs["href"].partition("#")
            assert "://" not in target
            there = (path.parent / target).resolve() if target else path
            if there.relative_to(site.resolve()).with_suffix(".md").as_posix() in ALL - IN_SITE:
                continue  # a page of the book that these few do not include
            assert there.is_file(), (path, target)
            if part:
                assert part in [a.get("id") for _, a in read(there).found]
        assert "http:" not in path.read_text(encoding="utf-8")


ALL = {p.path for p in pages()}
IN_SITE = {p.path for p in SOME}


def test_pages_follow_one_another_in_the_order_of_the_index(site):
    linked = [a["href"] for a in read(site / "index.html").all("a") if a["href"][0] != "#"]
    assert linked == [p.path.replace(".md", ".html") for p in SOME]
    middle = {a["rel"]: a["href"] for a in read(site / linked[1]).all("a") if "rel" in a}
    assert middle == {"prev": f"../{linked[0]}", "next": f"../{linked[2]}"}
    ends = [[a["rel"] for a in read(site / linked[k]).all("a") if "rel" in a] for k in (0, -1)]
    assert ends == [["next"], ["prev"]]


def test_steps_fold_without_a_script(site):
    page = read(site / "activations/softsign.html")
    assert len(page.all("details")) == len(page.all("summary")) > 0


def test_the_style_reaches_nothing_outside():
    assert "url(" not in style()
    assert "@import" not in style()


def _luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(a, b):
    light, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_stands_out_in_light_and_in_dark():
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    blocks = re.findall(r":root \{(.*?)\}", style(), re.DOTALL)
    schemes = [dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in blocks]
    assert len(schemes) == 2
    for colours in schemes:
        for name in ("text", "quiet", "link", "good", "weak", "bad"):
            for back in ("back", "soft"):  # WCAG 2, level AA
                assert _contrast(colours[name], colours[back]) >= 4.5, (name, back)


# -------------------------------------------------------------------------- what is made again


def _changed(folder, made):
    return {p.name for p in html_files(folder) if p.stat().st_mtime_ns != made.get(p)}


def test_only_what_changed_or_was_damaged_is_made_again(tmp_path, monkeypatch):
    gallery(tmp_path, chosen=SOME)
    text = (tmp_path / "regularization/l1.html").read_text(encoding="utf-8")
    again = gallery(tmp_path, chosen=SOME)
    assert not again.made
    assert len(again.kept) == len(SOME)
    (tmp_path / "regularization/l1.html").write_text("damaged")
    assert gallery(tmp_path, chosen=SOME).made == ("regularization/l1.md",)
    assert (tmp_path / "regularization/l1.html").read_text(encoding="utf-8") == text
    (tmp_path / "activations/softsign.html").unlink()
    assert gallery(tmp_path, chosen=SOME).made == ("activations/softsign.md",)
    monkeypatch.setattr(book, "fingerprint", lambda: "another symdl")
    monkeypatch.setattr(book, "_make", lambda page, lang, shown_as: ("Other", "<h1>Other</h1>\n"))
    monkeypatch.setattr(book, "each", lambda work, things: [(t, work(t)) for t in things])
    assert len(gallery(tmp_path, chosen=SOME).made) == len(SOME)


def test_a_changed_script_is_made_again_with_its_neighbours(tmp_path, monkeypatch):
    script = tmp_path / "a.py"
    script.write_text('def page():\n    return "# One\\n\\nOf $x$.\\n"\n')
    first, *rest = SOME
    own = (dataclasses.replace(first, script=script), *rest)
    gallery(tmp_path / "out", chosen=own)
    script.write_text('def page():\n    return "# Two\\n\\nOf $x$.\\n"\n')
    assert gallery(tmp_path / "out", chosen=own).made == (first.path, rest[0].path)
    assert "Two →" not in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "← Two" in (tmp_path / "out/activations/softsign.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("damage", ["", "[]", '{"a": 1}', '{"a": {"b": "c"}}'])
def test_a_damaged_manifest_is_no_manifest(tmp_path, damage):
    one = SOME[1:2]
    gallery(tmp_path, chosen=one)
    (tmp_path / ".gallery-html.json").write_text(damage)
    assert len(gallery(tmp_path, chosen=one).made) == 1
    assert json.loads((tmp_path / ".gallery-html.json").read_text())


# ------------------------------------------------------------------------------------ mistakes


def test_mistakes_are_told_and_nothing_is_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for words, said in (
        (["-o", str(tmp_path / "file")], "is a file"),
        (["-o", str(tmp_path / "no" / "where")], "there is no folder"),
        (["-o", str(tmp_path / "x"), "--lang", "xx"], "'en', 'ko'"),
        (["-o", str(tmp_path / "x"), "--format", "pdf"], "'html', 'latex'"),
        ([], "Missing option"),
    ):
        assert run(["gallery", *words]) == 2
        assert said in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    with pytest.raises(InputError, match="en, ko"):
        gallery(tmp_path / "x", "xx")
    with pytest.raises(InputError, match="there is no format"):
        gallery(tmp_path / "x", shown_as="pdf")
    assert not (tmp_path / "x").exists()


def test_a_page_that_cannot_be_made_leaves_the_old_site(tmp_path, monkeypatch):
    one = SOME[1:2]
    gallery(tmp_path, chosen=one)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    monkeypatch.setattr(book, "fingerprint", lambda: "another symdl")
    monkeypatch.setattr(type(one[0]), "markdown", lambda self: "# T\n\n$\\unheard{x}$\n")
    with pytest.raises(InputError, match=r"softsign.md: .*unheard"):
        gallery(tmp_path, chosen=one)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_what_the_converters_do_not_know_is_refused():
    for page, said in (
        ("# T\n\n<div>x</div>\n", "HTML other than a fold"),
        ("# T\n\n```math\n\\unheard{x}\n```\n", "MathML"),
        ("# T\n\n[a](https://example.org)\n", "needs no network"),
    ):
        with pytest.raises(InputError, match=said):
            body_of(page, "en")
    with pytest.raises(InputError, match="no LaTeX"):
        tex_page("# T\n\n> quoted\n", "en")
    with pytest.raises(InputError, match="no LaTeX is known for ☃"):
        tex_page("# T\n\nA ☃.\n", "en")


# -------------------------------------------------------------------------- the committed pages


@pytest.mark.parametrize("path", sorted(ALL))
def test_every_formula_of_the_book_becomes_html_and_latex(path):
    text = (BOOK / path).read_text(encoding="utf-8")
    page = Reader(body_of(text, "en"))
    formulas = len(re.findall(r"```math\n", text))
    assert (
        len([a for a in page.all("div") if "symdl-math" in a.get("class", "").split()]) == formulas
    )
    assert not re.search(r"[$\\]", re.sub(r"\\[|_*<>\[\]{}~]", "", "".join(page.text))), path
    assert tex_page(text, "en").count(r"\begin{align*}") == formulas


def test_a_korean_site_says_which_pages_are_english(tmp_path):
    one = tuple(p for p in pages() if p.path in ("perceptron/learning_rule.md", CHOSEN[1]))
    other = dataclasses.replace(one[0], path="perceptron/other.md", script=None, entry="xor")
    done = gallery(tmp_path, "ko", chosen=(*one, other))
    assert done.english == ()
    page = (tmp_path / "perceptron/learning_rule.html").read_text(encoding="utf-8")
    assert '<html lang="ko">' in page
    assert "퍼셉트론 학습 규칙" in page
    assert "epoch" not in page
