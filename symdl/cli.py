"""The command line: words for what the rooms do, and a paragraph for what goes wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from symdl.errors import SymdlError

__all__ = ["app", "main", "run"]

_INTERRUPTED, _MISTAKE, _FAILED = 130, 2, 1

app = typer.Typer(
    name="symdl",
    help="Derives deep learning on paper, and runs what it derived.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Format = Literal["text", "markdown", "latex", "html", "json"]
Level = Literal["brief", "normal", "full"]
Language = Literal["en", "ko"]
Notation = Literal["index", "matrix"]
Layout = Literal["denominator", "numerator"]
Style = Literal["leibniz", "bar", "nabla"]


# --------------------------------------------------------------------------------- the commands


@app.callback(invoke_without_command=True)
def _symdl(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from symdl import __version__

        typer.echo(f"symdl {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def quickstart(
    folder: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Where the files are written.")
    ] = Path("symdl-quickstart"),
) -> None:
    """Derive a worked example, train XOR and iris, verify it all: under a minute."""
    from symdl.book import quickstart as book

    book.quickstart(folder, Console())


@app.command()
def derive(
    *,
    expression: Annotated[
        str, typer.Argument(metavar="EXPR", help='Such as "x*exp(-x**2)" or "y = 1/(1+exp(-x))".')
    ],
    wrt: Annotated[str, typer.Option(metavar="x", help="The variable to differentiate for.")],
    shown_as: Annotated[Format, typer.Option("--format", help="How to write it.")] = "text",
    level: Annotated[Level, typer.Option(help="How many steps to show.")] = "normal",
    lang: Annotated[Language, typer.Option(help="The language of the words.")] = "en",
    notation: Annotated[
        Notation | None, typer.Option(help="By default as the formula is written.")
    ] = None,
    layout: Annotated[
        Layout, typer.Option(help="The shape of a derivative in matrix notation.")
    ] = "denominator",
    style: Annotated[
        Style | None, typer.Option(help="The names of derivatives: dL/dW, Wbar or a nabla.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write to a file.")
    ] = None,
) -> None:
    """Derive an expression, step by step, each with its verdict."""
    from symdl.book.derivation_text import rendered
    from symdl.book.files import check_folder_of, write_text

    if output is not None:
        check_folder_of(output)
    text = rendered(
        expression, wrt, shown_as, level=level, lang=lang, notation=notation, layout=layout,
        style=style,
    )  # fmt: skip
    if output is None:
        typer.echo(text, nl=False)
    else:
        _tell(f"written: {write_text(output, text)}")


@app.command()
def train(
    *,
    data: Annotated[Path, typer.Option(metavar="FILE.csv", help="A table with a header line.")],
    target: Annotated[str, typer.Option(metavar="COL", help="The column to predict.")],
    layers: Annotated[
        str, typer.Option(metavar="TEXT", help="Such as 8:relu,8:relu,3:softmax or 8:relu,1.")
    ],
    optimizer: Annotated[
        str, typer.Option(metavar="NAME", help="adam, sgd, rmsprop, ... .")
    ] = "adam",
    learning_rate: Annotated[
        float | None, typer.Option(metavar="R", help="By default 0.01 for adam, 0.1 for sgd.")
    ] = None,
    loss: Annotated[
        str | None, typer.Option(metavar="NAME", help="By default what fits the last layer.")
    ] = None,
    epochs: Annotated[int, typer.Option(metavar="N", help="Passes over the data.")] = 100,
    batch: Annotated[int, typer.Option(metavar="B", help="Rows of an update.")] = 16,
    validation: Annotated[
        float, typer.Option(metavar="PART", help="The part of the rows that is held out.")
    ] = 0.2,
    smoothing: Annotated[
        float | None,
        typer.Option(metavar="S", help="Spread of one-hot targets: by default 0.1 for softmax."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Decides all that is random.")] = 0,
    dtype: Annotated[str, typer.Option(metavar="TYPE", help="float64 or float32.")] = "float64",
    features: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Columns to read; by default all others.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="MODEL.npz", help="Where to write the model.")
    ] = None,
) -> None:
    """Train dense layers on a CSV file, and measure them on rows that were held out."""
    from symdl.book import terminal
    from symdl.book.csv_training import Options, train_csv
    from symdl.book.files import check_folder_of

    if save is not None:
        check_folder_of(save)
    console = Console()
    columns = None if features is None else tuple(name.strip() for name in features.split(","))
    options = Options(
        layers, optimizer, learning_rate, loss, epochs, batch,
        validation, smoothing, seed, dtype, columns,
    )  # fmt: skip
    with terminal.EpochBar(console, epochs) as bar:
        report = train_csv(data, target, options, [bar])
    console.print(terminal.training(report))
    for note in report.notes:
        _tell(f"note: {note}")
    if save is not None:
        report.model.save(save)
        _tell(f"written: {save}; it reads the columns as they stand in the file")


@app.command("compile")
def compile_step(
    *,
    model: Annotated[
        Path | None, typer.Argument(metavar="MODEL", help="A model that was saved: model.npz.")
    ] = None,
    layers: Annotated[
        str | None, typer.Option(metavar="TEXT", help="In place of MODEL, as in 8:relu,3:softmax.")
    ] = None,
    columns: Annotated[
        int | None, typer.Option(metavar="N", help="The columns that the first of --layers reads.")
    ] = None,
    loss: Annotated[
        str | None, typer.Option(metavar="NAME", help="By default the model's own.")
    ] = None,
    optimizer: Annotated[
        str | None, typer.Option(metavar="NAME", help="By default the model's own.")
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(metavar="TYPE", help="float64 or float32; by default the model's.")
    ] = None,
    backend: Annotated[
        str, typer.Option(metavar="NAME", help="numpy, or compiled for C.")
    ] = "numpy",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="step.py, or step.c.")
    ] = None,
    driver: Annotated[
        Path | None,
        typer.Option(metavar="FILE.py", help="Beside C: a module that compiles it and trains."),
    ] = None,
) -> None:
    """Write a model's training step as one file that runs without symdl: NumPy, or C."""
    from symdl.book.compiling import Options, written
    from symdl.book.files import write_text

    words = Options(model, layers, columns, loss, optimizer, dtype, backend, output, driver)
    for path, text in written(words).items():
        if path is None:
            typer.echo(text, nl=False)
        else:
            _tell(f"written: {write_text(path, text)}")


@app.command()
def verify(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One formula; without it, all.")
    ] = None,
) -> None:
    """Judge the formulas of the catalogue; the exit status is 1 unless all of them pass."""
    from symdl.book import terminal
    from symdl.book.catalogue import entries, entry
    from symdl.book.judging import judged

    console = Console()
    chosen = judged(entries() if name is None else [entry(name)], console)
    console.print(terminal.checked(chosen) if name is None else terminal.one(chosen[0]))
    claims = [v for e in chosen for _, v in e.verdicts]
    console.print()
    console.print(terminal.overall(claims, sum(not e.verdicts for e in chosen)))
    if not all(e.ok for e in chosen):
        raise typer.Exit(_FAILED)


@app.command("list")
def list_entries(
    json: Annotated[bool, typer.Option("--json", help="An array of objects.")] = False,
) -> None:
    """List the formulas of the catalogue: what each says, its source and its verdict."""
    from symdl.book import terminal
    from symdl.book.catalogue import as_json, entries
    from symdl.book.judging import judged

    found = judged(entries(), Console(stderr=json))
    if json:
        typer.echo(as_json(found))
    else:
        terminal.catalogue(Console(), found)


@app.command()
def gallery(
    folder: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Where the pages are written.")
    ],
    lang: Annotated[Language, typer.Option(help="The language of the words.")] = "en",
    shown_as: Annotated[
        Literal["html", "latex"],
        typer.Option("--format", help="A static site, or a LaTeX document a page."),
    ] = "html",
) -> None:
    """Write the book of derivations; a page that did not change is not made again."""
    from symdl.book import gallery as book

    done = book.gallery(folder, lang, shown_as, console=Console(stderr=True))
    _tell(f"{len(done.made)} pages made, {len(done.kept)} kept as they were")
    if done.english:
        _tell(f"{len(done.english)} pages have no words in this language yet: they are in English")
    _tell(f"written: {done.start}")


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def bench(context: typer.Context) -> None:
    """Time training steps beside other libraries; needs a checkout.  See symdl bench --help."""
    from symdl.book.benchmarks import bench as run_benchmarks

    raise typer.Exit(run_benchmarks(context.args))


# ------------------------------------------------------------------------------------- the frame

# What typer raises for wrong usage; it brings its own click, or uses the one that is installed.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def main() -> NoReturn:
    """Run the command line and leave with its exit status."""
    status = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = _closed()
    sys.exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return the exit status.

    0 done; 1 a verdict that is no pass; 2 a mistake of the user, told in one paragraph; 130 Ctrl-C.

    >>> run(["--version"])
    symdl 0.1.0
    0
    """
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Callable[..., None] | None = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    try:
        status = app(args=list(arguments), prog_name="symdl", standalone_mode=False)
    except SymdlError as error:
        return _wrong(str(error))
    except _UsageError as error:
        return _wrong(_usage(error))
    except (KeyboardInterrupt, typer.Abort):
        _tell("interrupted")
        return _INTERRUPTED
    except BrokenPipeError:
        return _closed()
    except RecursionError:
        return _wrong("this is nested too deeply; take it apart")
    if status == _INTERRUPTED:
        _tell("interrupted")
    return status if isinstance(status, int) else 0


def _usage(error: Exception) -> str:
    """What typer says of wrong usage, and where help is."""
    said = error.format_message() if hasattr(error, "format_message") else str(error)
    said = said.replace("Value error, ", "")
    option = getattr(error, "option_name", "") or ""
    if option[:1] == "-" and option[:2] != "--":
        said += "; an expression that begins with a minus goes into parentheses, '(-x)'"
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "symdl"
    return f"{said.rstrip('.')}; try '{command} --help'"


def _wrong(said: str) -> int:
    _tell(" ".join(said.split()), "symdl: ")
    return _MISTAKE


def _tell(text: str, label: str = "") -> None:
    """Print to stderr: wrapped on a terminal, one line elsewhere."""
    console = Console(stderr=True)
    console.print(
        Text(label, style="bold red").append(text, style="not bold default"),
        soft_wrap=not console.is_terminal,
    )


def _closed() -> int:
    """The reader of the output went away: nothing more can be said to it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _FAILED


if __name__ == "__main__":
    main()
