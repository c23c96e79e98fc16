"""Models in files: .npz with the weights by name, and the architecture as JSON text inside."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdl.errors import InputError, SymdlError
from symdl.training.choices import choose
from symdl.training.compile import Setup, setup
from symdl.training.known_layers import LAYERS
from symdl.training.layers import Layer
from symdl.training.optimizers import OPTIMIZERS, Optimizer

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
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **content)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise InputError(f"{target}: the model cannot be written: {error.strerror}") from error


def _described(model: Saved) -> dict[str, object]:
    return {
        "format": _FORMAT,
        "name": model.name,
        "seed": model.seed,
        "columns": model.columns,
        "layers": [_with_class(layer) for layer in model.layers],
        "compile": None if model.setup is None else _described_setup(model.setup),
    }


def _with_class(value: Layer | Optimizer) -> dict[str, object]:
    return {"class": type(value).__name__, **asdict(value)}


def _described_setup(chosen: Setup) -> dict[str, object]:
    optimizer = None if chosen.optimizer is None else _with_class(chosen.optimizer)
    return {**asdict(chosen), "optimizer": optimizer}


def read_model(path: str | os.PathLike[str]) -> tuple[Saved, dict[str, Array]]:
    """Read a model and its weights; raise InputError for any file of another kind."""
    arrays = _arrays(Path(path))
    if _ARCHITECTURE not in arrays:
        raise InputError(f"{path}: there is no model in this file; was it written by save()?")
    try:
        return _restored(json.loads(str(arrays.pop(_ARCHITECTURE)))), arrays
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


def _restored(found: Mapping[str, Any]) -> Saved:
    if found["format"] != _FORMAT:
        raise InputError(f"the format is {found['format']}, this version reads {_FORMAT}")
    layers = tuple(_made("layer", d, _LAYERS) for d in found["layers"])
    chosen = None if found["compile"] is None else _restored_setup(found["compile"])
    columns = None if found["columns"] is None else int(found["columns"])
    return Saved(str(found["name"]), int(found["seed"]), columns, layers, chosen)


def _restored_setup(found: Mapping[str, Any]) -> Setup:
    given = found["optimizer"]
    optimizer = None if given is None else _made("optimizer", given, _OPTIMIZERS)
    metrics: Sequence[str] = found["metrics"]
    return setup(found["loss"], optimizer, metrics, found["dtype"], found["backend"])


def _made(what: str, found: Mapping[str, Any], known: Mapping[str, type[Any]]) -> Any:
    values = dict(found)
    made = choose(what, values.pop("class"), known)
    strange = values.keys() - {f.name for f in fields(made)}
    if strange:
        raise InputError(f"{made.__name__} has no {', '.join(sorted(strange))}")
    return made(**values)
