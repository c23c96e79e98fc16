"""Write pages anew: ``python derivations`` all of them, ``python derivations tanh`` that one."""

import runpy
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.progress import track

from symdl.book.catalogue import entries
from symdl.book.files import write_text
from symdl.book.index import index, title_of
from symdl.book.item_page import item_page

FOLDER = Path(__file__).parent


def pages() -> dict[Path, Callable[[], str]]:
    """Each page of the book by its path from this folder, and what makes it.

    A script of the name of an entry makes that entry's page.
    """
    made: dict[Path, Callable[[], str]] = {}
    for script in sorted(FOLDER.glob("*/*.py")):
        made[script.relative_to(FOLDER).with_suffix(".md")] = partial(_of_script, script)
    for e in entries():
        made.setdefault(Path(e.page).relative_to(FOLDER.name), partial(item_page, e))
    return made


def _of_script(script: Path) -> str:
    text: str = runpy.run_path(str(script))["page"]()
    return text


def main(names: list[str]) -> None:
    made = pages()
    chosen = [path for path in made if not names or path.stem in names]
    for path in track(chosen, "writing pages", transient=True):
        (FOLDER / path).parent.mkdir(exist_ok=True)
        write_text(FOLDER / path, made[path]())
    titles = {p.as_posix(): title_of((FOLDER / p).read_text(encoding="utf-8")) for p in made}
    write_text(FOLDER / "README.md", index(titles))
    left = {p.relative_to(FOLDER) for p in FOLDER.glob("*/*.md")} - set(made)
    if left:
        print("made by nothing, to be deleted:", *sorted(map(str, left)))
    unknown = set(names) - {path.stem for path in made}
    if unknown:
        sys.exit(f"there is no page called {', '.join(sorted(unknown))}")


if __name__ == "__main__":
    main(sys.argv[1:])
