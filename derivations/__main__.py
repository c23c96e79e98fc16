"""Write pages anew: ``python derivations`` all of them, ``python derivations tanh`` that one.

Their pictures too, where matplotlib is installed; where it is not they are left as they are.

``python derivations --words ko minima`` prints what minima.ko.toml lacks, to be filled in.
"""

import json
import sys
from pathlib import Path

from rich.progress import track

from symdl.book.files import write_text
from symdl.book.index import index, title_of
from symdl.book.pages import Page, pages
from symdl.book.pool import each
from symdl.book.translation import translation

FOLDER = Path(__file__).parent


def main(names: list[str]) -> None:
    made = {Path(p.path): p for p in pages()}
    chosen = [page for path, page in made.items() if not names or path.stem in names]
    for page, text in track(
        each(Page.markdown, chosen), "writing pages", len(chosen), transient=True
    ):
        (FOLDER / page.path).parent.mkdir(exist_ok=True)
        write_text(FOLDER / page.path, text)
    for reason, files in draw(chosen).items():
        print(f"left as they are, {reason}:", *sorted(files))
    titles = {p.as_posix(): title_of((FOLDER / p).read_text(encoding="utf-8")) for p in made}
    write_text(FOLDER / "README.md", index(titles))
    left = {p.relative_to(FOLDER) for p in FOLDER.glob("*/*.md")} - set(made)
    if left:
        print("made by nothing, to be deleted:", *sorted(map(str, left)))
    unknown = set(names) - {path.stem for path in made}
    if unknown:
        sys.exit(f"there is no page called {', '.join(sorted(unknown))}")


def draw(chosen: list[Page]) -> dict[str, list[str]]:
    """Write the pictures; return those that cannot be drawn, by the reason."""
    left_out: dict[str, list[str]] = {}
    made = each(Page.drawn, chosen)
    for page, (found, why) in track(made, "drawing", len(chosen), transient=True):
        for file, text in found.items():
            write_text(FOLDER / page.chapter / file, text)
        for file, reason in why.items():
            left_out.setdefault(reason, []).append(f"{page.chapter}/{file}")
    return left_out


def words(lang: str, names: list[str]) -> None:
    for page in pages():
        if not names or Path(page.path).stem in names:
            table = translation(lang, page.own_words(lang))
            text = (FOLDER / page.path).read_text(encoding="utf-8")
            for key in table.missing(text):
                print(f'{json.dumps(key, ensure_ascii=False)} = ""')


if __name__ == "__main__":
    if sys.argv[1:2] == ["--words"]:
        words(sys.argv[2], sys.argv[3:])
    else:
        main(sys.argv[1:])
