"""Models in files: .npz with the weights by name, and the architecture as JSON text inside."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdl.errors import InputError, SymdlError
from symdl.formula import Formula
from symdl.training.choices import choose
from symdl.training.compile import Setup, setup
from symdl.training.described import by_name, described, found, is_described
from symdl.training.known_layers import LAYERS
from symdl.training.layers import Layer
from symdl.training.losses import Loss
from symdl.training.optimizers import OPTIMIZERS, Optimizer
from symdl.training.whole_file import write_whole

__all__ = ["Saved", "read_model", "write_model"]

Array = NDArray[Any]

_ARCHITECTURE = "architecture"
_FORMAT = 1
_LAYERS: dict[str, type[Layer]] = {c.__name__: c for c in LAYERS}
_OPTIMIZERS: dict[str, type[Optimizer]] = {c.__name__: c for c in OPTIMIZERS.values()}


@dataclass(frozen=True)
class Saved:
    """All of a model but its weights; ``columns`` is the size of its input."""

    name: str
    seed: int
    columns: int | None
    layers: tuple[Layer, ...]
    setup: Setup | None


def write_model(path: str | os.PathLike[str], model: Saved, weights: Mapping[str, Array]) -> None:
    """Write a model to ``path``, through a temporary file that is renamed.

    Raises InputError where the folder is missing or may not be written to.
    """
    target = Path(path)
    content = {_ARCHITECTURE: np.array(json.dumps(_described(model))), **weights}
    write_whole(target, lambda file: np.savez(file, allow_pickle=False, **content), "the model")


def _described(model: Saved) -> dict[str, object]:
    return {
        "format": _FORMAT,
        "name": model.name,
        "seed": model.seed,
        "columns": model.columns,
        "layers": [_with_class(layer) for layer in model.layers],
        "compile": None if model.setup is None else _described_setup(model.setup),
    }


def _with_class(layer: Layer) -> dict[str, object]:
    values = {f.name: _plain(getattr(layer, f.name)) for f in fields(layer)}
    return {"class": type(layer).__name__, **values}


def _plain(value: Any) -> Any:
    """A field as JSON can hold it; a formula of a user's own is described."""
    if isinstance(value, Formula):
        return described(value)
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _described_setup(chosen: Setup) -> dict[str, object]:
    values: dict[str, object] = {f.name: getattr(chosen, f.name) for f in fields(chosen)}
    if isinstance(chosen.loss, Loss):
        values["loss"] = {f.name: _plain(getattr(chosen.loss, f.name)) for f in fields(Loss)}
    if chosen.optimizer is not None:
        name = type(chosen.optimizer).__name__
        values["optimizer"] = {"class": name, **asdict(chosen.optimizer)}
    return values


def read_model(
    path: str | os.PathLike[str], formulas: Iterable[Formula] = ()
) -> tuple[Saved, dict[str, Array]]:
    """Read a model and its weights; raise InputError for any file of another kind.

    ``formulas`` are those of a user's own that the model uses.
    """
    arrays, known = _arrays(Path(path)), by_name(formulas)
    if _ARCHITECTURE not in arrays:
        raise InputError(f"{path}: there is no model in this file; was it written by save()?")
    try:
        return _restored(json.loads(str(arrays.pop(_ARCHITECTURE))), known), arrays
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: the description of the model is damaged ({error})") from error
    except SymdlError as error:
        raise type(error)(f"{path}: {error}") from error


def _arrays(path: Path) -> dict[str, Array]:
    try:
        with path.open("rb") as handle:
            found = np.load(handle, allow_pickle=False)
            if not isinstance(found, np.lib.npyio.NpzFile):
                raise InputError(f"{path}: one array, not a model; was it written by save()?")
            with found:
                return {name: found[name] for name in found.files}
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a model written by save(), or damaged ({error})") from error


def _restored(read: Mapping[str, Any], formulas: Mapping[str, Formula]) -> Saved:
    if read["format"] != _FORMAT:
        raise InputError(f"the format is {read['format']}, this version reads {_FORMAT}")
    layers = tuple(_made("layer", d, _LAYERS, formulas) for d in read["layers"])
    chosen = None if read["compile"] is None else _restored_setup(read["compile"], formulas)
    columns = None if read["columns"] is None else int(read["columns"])
    return Saved(str(read["name"]), int(read["seed"]), columns, layers, chosen)


def _restored_setup(read: Mapping[str, Any], formulas: Mapping[str, Formula]) -> Setup:
    given, loss = read["optimizer"], read["loss"]
    optimizer = None if given is None else _made("optimizer", given, _OPTIMIZERS, formulas)
    if not isinstance(loss, str):
        loss = Loss(_filled(loss["name"], formulas), loss["reduction"])
    metrics: Sequence[str] = read["metrics"]
    return setup(loss, optimizer, metrics, read["dtype"], read["backend"])


def _made(
    what: str,
    read: Mapping[str, Any],
    known: Mapping[str, type[Any]],
    formulas: Mapping[str, Formula],
) -> Any:
    values = dict(read)
    made = choose(what, values.pop("class"), known)
    strange = values.keys() - {f.name for f in fields(made)}
    if strange:
        raise InputError(f"{made.__name__} has no {', '.join(sorted(strange))}")
    return made(**{name: _filled(value, formulas) for name, value in values.items()})


def _filled(value: Any, formulas: Mapping[str, Formula]) -> Any:
    """A value of a file with the formulas themselves in place of their descriptions."""
    if is_described(value):
        return found(value, formulas)
    return [_filled(v, formulas) for v in value] if isinstance(value, list) else value
