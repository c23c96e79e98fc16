"""The pages in other languages: complete, with the same formulas and numbers."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from symdl.book import gallery
from symdl.book.chapters import CHAPTERS
from symdl.book.pages import Page, pages
from symdl.book.translation import Translation, masked, translation
from symdl.derivation.words import LANGUAGES, words_in
from symdl.errors import InputError

BOOK = Path(__file__).parents[2] / "derivations"
OTHERS = [lang for lang in LANGUAGES if lang != "en"]
PLACES = re.compile(r"\{(?:\d+|[a-z])\}")
TABLES = sorted([*BOOK.glob("*/*.toml"), *Path(gallery.__file__).parent.glob("words/*.toml")])


@pytest.mark.parametrize("lang", OTHERS)
def test_the_words_of_derivations_are_complete(lang):
    assert words_in(lang).keys() == words_in("en").keys()


@pytest.mark.parametrize("page", [p for p in pages() if p.is_in("ko")], ids=lambda p: p.path)
def test_a_page_is_translated_whole_with_all_its_formulas(page):
    text = (BOOK / page.path).read_text(encoding="utf-8")
    there = translation("ko", page.own_words("ko")).page(text)
    assert there != text
    blocks = re.compile(r"```(?:python|math)\n.*?```", re.DOTALL)
    plain = re.compile(r"\\text\{[^{}]*\}")
    assert [plain.sub("", b) for b in blocks.findall(there)] == [
        plain.sub("", b) for b in blocks.findall(text)
    ]
    here, now = (Counter(masked(blocks.sub("", t))[1]) for t in (text, there))
    assert not here - now
    assert all(re.fullmatch(r"\d", new) for new in now - here)  # "zero" may become "0"
    assert re.search("[가-힣]", there.split("\n")[0]) or page.entry


@pytest.mark.parametrize("path", TABLES, ids=lambda p: p.name)
def test_each_sentence_has_the_same_places_in_both_languages(path):
    for here, there in tomllib.loads(path.read_text(encoding="utf-8")).items():
        assert there, here
        assert sorted(PLACES.findall(here)) == sorted(PLACES.findall(there)), here


def test_a_file_of_words_stands_beside_a_script():
    for path in BOOK.glob("*/*.toml"):
        stem, lang = path.stem.rsplit(".", 1)
        assert (path.parent / f"{stem}.py").is_file(), path
        assert lang in OTHERS


@pytest.mark.parametrize("lang", OTHERS)
def test_the_chapters_are_translated(lang):
    for title in CHAPTERS.values():
        assert translation(lang).page(title) != title


def test_what_is_not_in_the_table_is_an_error_that_names_it():
    page = "# Title\n\nThe slope of $x^2$ is 2.\n\n| a word | 3 |\n"
    with pytest.raises(InputError, match=r'"Title"; "The slope of \{1\} is \{2\}."; "a word"'):
        Translation({}).page(page)


def test_what_is_no_words_stays():
    page = "```python\nx = 'any words'\n```\n\n<details>\n\n| $x$ | 0.5 |\n\n</details>\n"
    assert Translation({}).page(page) == page


def test_formulas_may_change_places_and_words_are_looked_up_in_turn():
    table = {
        "the {a} of {1} at {2}": "{2}에서 {1}의 {a}",
        "slope": "기울기",
        "*{a}; {b}*": "*{a}; {b}*",
        "chain rule": "연쇄 법칙",
        "for": "조건",
    }
    ko = Translation(table)
    assert ko.page("the slope of $`x_{1}`$ at -3") == "-3에서 $`x_{1}`$의 기울기"
    assert ko.page("the bend of $x$ at 1/2") == "1/2에서 $x$의 bend"
    assert ko.page("*chain rule; chain rule*") == "*연쇄 법칙; 연쇄 법칙*"
    assert ko.page("```math\n1 & \\text{for}\n```") == "```math\n1 & \\text{조건}\n```"


def test_a_page_without_words_is_said_to_be_in_english(tmp_path):
    script = tmp_path / "page.py"
    script.write_text('def page():\n    return "# One\\n\\nOf $x$.\\n"\n')
    page = Page("losses/page.md", script)
    assert not page.is_in("ko")
    done = gallery.gallery(tmp_path / "out", "ko", chosen=[page])
    assert done.english == (page.path,)
    text = (tmp_path / "out/losses/page.html").read_text(encoding="utf-8")
    assert '<html lang="ko">' in text
    assert '<main id="main" tabindex="-1" lang="en">' in text
    assert words_in("ko")["gallery.english"] in text
    script.with_suffix(".ko.toml").write_text('"One" = "하나"\n"Of {1}." = "{1}에 대하여."\n')
    done = gallery.gallery(tmp_path / "out", "ko", chosen=[page])
    assert done.english == ()
    assert done.made == (page.path,)
