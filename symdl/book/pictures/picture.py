"""A picture of a page, and how a plot becomes an SVG file that is the same every time."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from symdl.book.pictures.words import SVG, register
from symdl.derivation.table import NodeTable
from symdl.errors import NotSupported

__all__ = ["COLOURS", "DASHES", "INK", "QUIET", "Picture", "graph_picture", "plot"]

INK, QUIET = "#1c1d22", "#8a8f9c"
# told apart by people who see few colours, and by their dashes where there is no colour
COLOURS = ("#0b5cad", "#c2410c", "#00796b", "#7b1fa2")
DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))

_FONTS = "DejaVu Sans, Verdana, Noto Sans, Noto Sans CJK KR, Malgun Gothic, sans-serif"
_LONG = re.compile(r"-?\d+\.\d{3,}")
_COUNTED = re.compile(r"[\w.]+_\d+")
_FONT = re.compile(r"font-family: [^;]*; ")
_UNTURNED = re.compile(r"rotate\(-?0 .*\)")
_SETTINGS = {
    "svg.fonttype": "none",  # text stays text: small, searchable, in any language
    "svg.hashsalt": "symdl",
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 10.0,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e6ec",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "legend.frameon": False,
    "legend.handlelength": 3.0,
    "lines.linewidth": 1.8,
}


@dataclass(frozen=True)
class Picture:
    """A picture by the name of its file, with its title; ``make`` draws it, in English.

    It returns the text of an SVG file that needs nothing else.
    """

    name: str
    title: str
    make: Callable[[], str]

    @property
    def file(self) -> str:
        """The file beside the page."""
        return f"{self.name.replace(' ', '_')}.svg"

    def markdown(self) -> str:
        """The line of a page that shows it."""
        return f"![{self.title}]({self.file})"


def graph_picture(name: str, title: str, table: NodeTable) -> Picture:
    """The computational graph of a table of nodes."""
    return Picture(name, title, table.svg)


def plot(
    name: str, title: str, draw: Callable[[Any], str], size: tuple[float, float] = (5.4, 3.2)
) -> Picture:
    """A plot: ``draw`` takes matplotlib's figure and returns a description of what it drew.

    What stands in italics is mathematics: no other language changes it.  The size is in inches.
    Drawing raises NotSupported where there is no matplotlib.
    """
    return Picture(name, title, partial(_plotted, title, draw, size))


def _plotted(title: str, draw: Callable[[Any], str], size: tuple[float, float]) -> str:
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise NotSupported("plots need matplotlib: pip install symdl[plot]") from error
    file = io.StringIO()
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        figure = Figure(figsize=size, dpi=72, layout="constrained")
        FigureCanvasSVG(figure)
        description = draw(figure)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return _tidied(file.getvalue(), title, description)


def _tidied(text: str, title: str, description: str) -> str:
    """The file with its title and description, and without what nobody needs."""
    register()
    root = ET.fromstring(text)
    for metadata in root.findall(f"{{{SVG}}}metadata"):
        root.remove(metadata)
    for e in root.iter():
        if "italic" in e.get("style", ""):
            e.set("translate", "no")
        _shorten(e)
    _share_styles(root)
    root.attrib |= {"role": "img", "font-family": _FONTS}
    for place, (tag, words) in enumerate((("title", title), ("desc", description))):
        child = ET.Element(f"{{{SVG}}}{tag}")
        child.text = words
        root.insert(place, child)
    ET.indent(root, space="")
    return ET.tostring(root, encoding="unicode") + "\n"


def _shorten(e: ET.Element) -> None:
    """Two decimals, no names that only count, and one list of fonts for all."""
    for key, value in e.attrib.items():
        e.set(key, " ".join(_LONG.sub(_rounded, _FONT.sub("", value)).split()))
    if e.tag == f"{{{SVG}}}g" and _COUNTED.fullmatch(e.get("id", "")):
        del e.attrib["id"]
    if _UNTURNED.fullmatch(e.get("transform", "")):
        del e.attrib["transform"]


def _share_styles(root: ET.Element) -> None:
    """A style that many elements have is written once."""
    found = Counter(e.get("style") for e in root.iter())
    often = [style for style, count in found.items() if style and count > 2]
    names = {style: f"s{k}" for k, style in enumerate(often)}
    for e in root.iter():
        if e.get("style") in names:
            e.set("class", names[e.attrib.pop("style")])
    sheet = root.find(f"{{{SVG}}}defs/{{{SVG}}}style")
    assert sheet is not None
    sheet.text = (sheet.text or "") + "".join(f".{n} {{{s}}}" for s, n in names.items())


def _rounded(number: re.Match[str]) -> str:
    shown = f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown
