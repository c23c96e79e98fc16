"""The quickstart: a worked example derived, XOR and iris trained, and everything verified."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.text import Text

from symdl.book import terminal, worked_page
from symdl.book.csv_training import Options, Report, train_csv
from symdl.book.files import made_folder, write_text
from symdl.book.worked_example import EXAMPLE, derived, errors, updates
from symdl.derivation.plain_printer import plain_text
from symdl.evidence.verdict import Verdict, weakest
from symdl.training.backprop import backprop
from symdl.training.layers import Dense, Input
from symdl.training.optimizers import Adam
from symdl.training.sequential import Sequential

__all__ = ["Xor", "quickstart", "xor"]

Claims = tuple[tuple[str, Verdict], ...]

_LAYERS = "8:relu,8:relu,3:softmax"
_XOR_EPOCHS = 500
_NEXT = (
    'symdl derive "x*exp(-x**2)" --wrt x',
    "symdl train --data FILE.csv --target COLUMN --layers 8:relu,3:softmax",
    "symdl list",
    "symdl verify softmax",
)


class Xor:
    """A model trained on the four rows of exclusive or."""

    rows = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    targets = np.array([[0.0], [1.0], [1.0], [0.0]])

    def __init__(self, layers: Sequence[Dense], seed: int = 0) -> None:
        self.model = Sequential([Input(2), *layers], seed=seed)
        self.model.compile(Adam(learning_rate=0.05), "binary_crossentropy", metrics=["accuracy"])

    def train(self, epochs: int = _XOR_EPOCHS) -> tuple[float, float]:
        """Train on all four rows at once; return loss and accuracy."""
        self.model.fit(self.rows, self.targets, epochs=epochs, batch_size=4, verbose=0)
        loss, accuracy = self.model.evaluate(self.rows, self.targets)  # type: ignore[misc]
        return loss, accuracy


def xor() -> tuple[Xor, Xor]:
    """Exclusive or with a hidden layer, and without one.

    >>> [xor.model.layers[-1].activation for xor in xor()]
    ['sigmoid', 'sigmoid']
    """
    last = Dense(1, activation="sigmoid")
    return Xor([Dense(4, activation="tanh"), last]), Xor([last])


def quickstart(folder: str | os.PathLike[str], console: Console) -> tuple[Path, ...]:
    """Show what symdl does, and write it into a folder; return the files that were written."""
    target = made_folder(folder)
    claims: list[tuple[str, Verdict]] = []
    written: list[Path] = []
    parts: tuple[tuple[str, Callable[[Path, Console], tuple[Claims, list[Path]]]], ...] = (
        ("1  A derivation with numbers: a 2-2-2 network", _worked_example),
        ("2  Exclusive or needs a hidden layer", _xor),
        ("3  Iris, held out and measured", _iris),
    )
    for heading, part in parts:
        terminal.say(console, heading, "bold")
        found, made = part(target, console)
        claims += found
        written += made
        console.print()
    terminal.say(console, "4  What was verified", "bold")
    console.print(terminal.indented(terminal.verdict_table(claims)))
    console.print()
    terminal.say(console, "Written", "bold")
    _lines(console, map(str, written))
    terminal.say(console, "Next", "bold")
    _lines(console, _NEXT)
    return tuple(written)


def _say(console: Console, text: str) -> None:
    console.print(terminal.indented(Text(text)))


def _lines(console: Console, lines: Sequence[str] | map[str]) -> None:
    """Lines to copy: never wrapped."""
    for line in lines:
        console.print(f"   {line}", markup=False, highlight=False, soft_wrap=True)


def _worked_example(folder: Path, console: Console) -> tuple[Claims, list[Path]]:
    with console.status("deriving"):
        page = worked_page.markdown()
    path = write_text(folder / "backprop-2-2-2.md", page)
    for name in ("W5", "W1"):
        d = derived(name)
        value = next(u.slope for u in updates() if u.weight.name == name)
        shown = f"{plain_text(d.goal)} = {plain_text(d.result)} = {float(value):.8f}"
        _say(console, shown)
    before, after = (float(e) for e in errors())
    name = EXAMPLE.output.name
    _say(console, f"one update of all 8 weights: {name} {before:.8f} -> {after:.8f}")
    derivations: Claims = tuple(
        (f"derivation of {plain_text(derived(name).goal)}", derived(name).verify())
        for name in ("W5", "W1")
    )
    gradients = weakest(v for _, v in worked_page.verdicts())
    return (*derivations, ("2-2-2: gradients of all 8 weights", gradients)), [path]


def _xor(folder: Path, console: Console) -> tuple[Claims, list[Path]]:
    with_hidden, without = xor()
    for what, model in (("2-4-1", with_hidden), ("2-1, no hidden layer", without)):
        with console.status(f"training {what}"):
            loss, accuracy = model.train()
        _say(console, f"{what}: loss {loss:.4f}, accuracy {accuracy:.2f}")
    words = "No line separates the two classes: without a hidden layer the best loss is log 2 ="
    _say(console, f"{words} {np.log(2):.4f}, and at least one row stays wrong.")
    return _verified("XOR 2-4-1", with_hidden.model, "binary_crossentropy", console), []


def _iris(folder: Path, console: Console) -> tuple[Claims, list[Path]]:
    options = Options(_LAYERS)
    with (
        as_file(files("symdl") / "data" / "iris.csv") as data,
        terminal.EpochBar(console, options.epochs, "   iris") as bar,
    ):
        report = train_csv(data, "species", options, [bar])
    console.print(terminal.indented(terminal.training(report)))
    claims = _verified("iris 4-8-8-3", report.model, report.targets.loss, console)
    return claims, [_source(folder, report)]


def _source(folder: Path, report: Report) -> Path:
    return write_text(folder / "iris_step.py", report.model.step.source)


def _verified(name: str, model: Sequential, loss: str, console: Console) -> Claims:
    """The weakest verdict on the kinds of layers, and the weakest on all gradients."""
    with console.status(f"verifying {name}"):
        found = backprop(model, loss).verify()
    whole = [v for what, v in found if what.startswith("gradient of ")]
    kinds = [v for what, v in found if not what.startswith("gradient of ")]
    return (
        (f"{name}: its kinds of layers", _together(kinds)),
        (f"{name}: gradients of all {len(whole)} parameters", weakest(whole)),
    )


def _together(found: Sequence[Verdict]) -> Verdict:
    """The weakest of several verdicts; where all are passes the reason is how many they are."""
    worst = weakest(found)
    return Verdict(worst.level, f"{len(found)} claims, each by itself") if worst.ok else worst
