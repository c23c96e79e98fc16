"""The worked example: a 2-2-2 network with a number beside every symbol."""

from pathlib import Path

from symdl.book import worked_page
from symdl.book.files import write_text
from symdl.book.pictures.picture import Picture


def page() -> str:
    return worked_page.markdown()


def pictures() -> tuple[Picture, ...]:
    return worked_page.pictures()


if __name__ == "__main__":
    write_text(Path(__file__).with_suffix(".md"), page())
