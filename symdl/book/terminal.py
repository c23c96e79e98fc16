"""What the command line shows: verdicts, the catalogue and training, legible at 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from symdl.book.catalogue import KINDS, STATED, Entry
from symdl.book.csv_training import Report
from symdl.evidence.verdict import LEVELS, Verdict, weakest
from symdl.training.callbacks import Callback

__all__ = [
    "EpochBar",
    "catalogue",
    "checked",
    "indented",
    "level_text",
    "one",
    "overall",
    "say",
    "training",
    "verdict_table",
]

_STYLES = {
    "proved": "green",
    "instance": "cyan",
    "numeric": "cyan",
    "float": "cyan",
    "unknown": "bold yellow",
    "refuted": "bold red",
    STATED: "dim",
}


def level_text(level: str) -> Text:
    """A verdict's level in its color."""
    return Text(level, style=_STYLES[level])


def say(console: Console, text: str, style: str = "") -> None:
    """Print a line of words, wrapped at blanks; nothing in it is markup."""
    console.print(Text(text, style=style))


def indented(shown: RenderableType, by: int = 3) -> Padding:
    """Something set in by some blanks, wrapped to what is left of the line."""
    return Padding(shown, (0, 0, 0, by), expand=False)


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def verdict_table(rows: Iterable[tuple[str, Verdict]]) -> Table:
    """What was checked, the verdict, and how it was reached or where it fails."""
    table = _table("checked", "verdict", "how")
    for what, verdict in rows:
        table.add_row(Text(what), level_text(verdict.level), Text(_how(verdict)))
    return table


def _how(verdict: Verdict) -> str:
    shown = verdict.reason
    if verdict.counterexample:
        shown += ": " + ", ".join(f"{k} = {v}" for k, v in verdict.counterexample)
    return shown


def checked(entries: Iterable[Entry]) -> Table:
    """One row an entry: how much was checked of it, and the weakest verdict."""
    table = _table("name", "verdict", "checked")
    for e in entries:
        table.add_row(Text(e.name), level_text(e.level), Text(_what(e)))
    return table


def one(e: Entry) -> Group:
    """All that was checked of one entry, under what it says and where that comes from."""
    head = (Text("\n".join(e.equations)), Text(e.source, style="dim"), Text(""))
    if not e.verdicts:
        return Group(*head, Text(_what(e)))
    return Group(*head, verdict_table(e.verdicts))


def _what(e: Entry) -> str:
    """The whole claims by name; the steps that lead to them by their number."""
    if not e.verdicts:
        return "taken as its source states it; it claims nothing that could be checked"
    bad = [f"{what}: {_how(v)}" for what, v in e.verdicts if not v.ok]
    if bad:
        return "; ".join(bad)
    steps = [w for w, _ in e.verdicts if w.startswith(("adjoint", "elimination"))]
    whole = [w for w, _ in e.verdicts if w not in steps]
    gradients = [w.removeprefix("gradient of ") for w in whole if w.startswith("gradient of ")]
    words = [f"gradient of {', '.join(gradients)} ({_count(steps)})"] if gradients else []
    return "; ".join(words + [w for w in whole if not w.startswith("gradient of ")])


def _count(steps: Sequence[str]) -> str:
    return _many(len(steps), "step")


def _many(number: int, word: str) -> str:
    return f"{number} {word}" + ("s" if number != 1 else "")


def overall(found: Sequence[Verdict], stated: int = 0) -> Text:
    """How many claims reached which level; ``stated`` entries claim nothing and do not count."""
    levels = [v.level for v in found]
    counts = ", ".join(f"{levels.count(k)} {k}" for k in reversed(LEVELS) if k in levels)
    words = [f"{_many(len(found), 'claim')}: {counts}"] if found else []
    if stated:
        words.append(f"{_many(stated, 'formula')} stated, with nothing to check")
    return Text("; ".join(words), style=_STYLES[weakest(found).level if found else STATED])


def catalogue(console: Console, entries: Sequence[Entry]) -> None:
    """Print all entries, kind by kind: name and verdict, and under them formula and source."""
    for kind in KINDS:
        console.print(Text(kind.upper(), style="bold"))
        for e in (e for e in entries if e.kind == kind):
            head = Text("  ").append(e.name, style="bold").append("  ")
            console.print(head.append_text(level_text(e.level)))
            console.print(indented(Text("\n".join(e.equations)), 6))
            console.print(indented(Text(e.source, style="dim"), 6))
        console.print()


def training(report: Report) -> Table:
    """The report of a training run."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for what, said in _report_rows(report):
        table.add_row(what, Text(said))
    return table


def _report_rows(report: Report) -> list[tuple[str, str]]:
    o, t = report.options, report.targets
    held = "a share of each class" if report.stratified else "at random"
    rows = [
        ("data", f"{len(report.table.y)} rows, {', '.join(report.table.features)}"),
        ("target", _target(report)),
        ("loss", t.loss + (f", targets smoothed by {t.smoothing:g}" if t.smoothing else "")),
        ("trained", f"on {report.trained_on} rows, {o.optimizer}, {o.epochs} epochs, {o.dtype}"),
        ("held out", f"{report.held_out} rows, {held}, seed {o.seed}"),
    ]
    if t.classes:
        right = f"{report.measure:.4f}  (always the commonest class: {report.baseline:.4f})"
        return [*rows, ("held-out accuracy", right), ("held-out loss", f"{report.loss:.6g}")]
    off = f"{report.measure:.6g}  (always the mean: {report.baseline:.6g})"
    return [*rows, ("mean absolute error", off), ("held-out loss", f"{report.loss:.6g}")]


def _target(report: Report) -> str:
    if report.table.classes:
        return f"{report.table.target}: {', '.join(report.table.classes)}"
    kind = f"labels 0 to {report.targets.classes - 1}" if report.targets.classes else "numbers"
    return f"{report.table.target}: {kind}"


class EpochBar(Callback):
    """One bar over all epochs on a terminal, nothing elsewhere; used as a context."""

    def __init__(self, console: Console, epochs: int, what: str = "training") -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task(what, total=epochs, loss="")

    def __enter__(self) -> EpochBar:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self._bar.update(self._task, completed=epoch + 1, loss=f"loss {logs['loss']:.4g}")
