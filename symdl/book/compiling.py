"""What ``symdl compile`` writes: the step of a saved model, or of one described by words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from symdl.book.c_driver import c_driver
from symdl.book.c_file import c_file
from symdl.book.files import check_folder_of
from symdl.book.layers_text import read_layers
from symdl.book.step_file import step_file
from symdl.book.targets import usual_loss
from symdl.errors import InputError
from symdl.training.choices import one_of, positive_int
from symdl.training.compile import DTYPES, Setup
from symdl.training.layers import Input
from symdl.training.run_formula import check_backend
from symdl.training.sequential import Sequential

__all__ = ["Options", "written"]

_ENDINGS = {"numpy": ".py", "compiled": ".c"}


@dataclass(frozen=True)
class Options:
    """The words of the command line; what is None is taken from the model, or is usual.

    model   a file that ``save`` wrote; else ``layers``, which read that many ``columns``
    output  where the step goes; driver: where the module goes that compiles it and trains by it
    """

    model: Path | None = None
    layers: str | None = None
    columns: int | None = None
    loss: str | None = None
    optimizer: str | None = None
    dtype: str | None = None
    backend: str = "numpy"
    output: Path | None = None
    driver: Path | None = None


def written(options: Options) -> dict[Path | None, str]:
    """Return the text of each file; None stands for the terminal.

    Raises InputError for words that do not fit together, before any work is done, and for a model
    that has no loss or no optimizer.

    >>> (text,) = written(Options(layers="8:relu,3:softmax", columns=4)).values()
    >>> "def make_gradients(parameters, gradient, *, D0, D1, D2, N):" in text
    True
    """
    check_backend(options.backend)
    _check_files(options)
    model = _compiled(options)
    stem = options.output.stem if options.output is not None else "step"
    if options.backend == "numpy":
        return {options.output: step_file(model, stem)}
    found: dict[Path | None, str] = {options.output: c_file(model, stem)}
    if options.driver is not None:
        found[options.driver] = c_driver(model, f"{stem}.c", options.driver.stem)
    return found


def _check_files(options: Options) -> None:
    """Refuse places where nothing can be written, and names that nothing can be imported by."""
    output, driver = options.output, options.driver
    if output is not None:
        _check_name(output, _ENDINGS[options.backend], f"--backend {options.backend}")
    if driver is None:
        return
    if options.backend == "numpy" or output is None or driver.parent != output.parent:
        raise InputError(
            f"--driver {driver}: it goes beside C code, as in --backend compiled -o "
            f"{driver.with_suffix('.c')} --driver {driver}"
        )
    _check_name(driver, ".py", "the driver")


def _check_name(path: Path, ending: str, what: str) -> None:
    if path.suffix != ending or not path.stem.isidentifier():
        raise InputError(f"{path}: {what} is a file with a name such as step{ending}")
    check_folder_of(path)


def _compiled(options: Options) -> Sequential:
    """The model, compiled as the words say."""
    if options.dtype is not None:
        one_of("--dtype", options.dtype, DTYPES)
    model = _described(options) if options.model is None else _saved(options, options.model)
    before = model.setup or Setup("", None)
    loss, optimizer = options.loss or before.loss, options.optimizer or before.optimizer
    for word, found, such in (("loss", loss, "mse"), ("optimizer", optimizer, "adam")):
        if not found:
            raise InputError(
                f"{options.model}: the model was saved without {word}: give one, such as "
                f"--{word} {such}"
            )
    model.compile(optimizer, loss, dtype=options.dtype or before.dtype)
    return model


def _saved(options: Options, path: Path) -> Sequential:
    if options.layers is not None or options.columns is not None:
        raise InputError(
            f"{path} is a model: leave --layers and --columns away, which describe one"
        )
    return Sequential.load(path)


def _described(options: Options) -> Sequential:
    """A model of dense layers; what is not said is as ``symdl train`` has it."""
    if options.layers is None or options.columns is None:
        raise InputError(
            "name a model that was saved, as in 'symdl compile model.npz', or describe one, as in "
            "--layers 8:relu,3:softmax --columns 4"
        )
    layers = read_layers(options.layers)
    model = Sequential([Input(positive_int("--columns", options.columns)), *layers])
    model.compile("adam", options.loss or usual_loss(layers[-1]))
    return model
