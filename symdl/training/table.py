"""Tables from CSV files: numbers in the columns that are read, or an error that says where not."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symdl.errors import InputError
from symdl.training.choices import suggestion

__all__ = ["Table", "read_csv"]

Array = NDArray[Any]
Line = tuple[int, list[str]]


@dataclass(frozen=True)
class Table:
    """Columns of a file: x (rows, features) as float64, and the target y (rows,).

    features  the names of the columns of x
    classes   the sorted names that the labels in y stand for; empty where y holds numbers
    """

    x: Array
    y: Array
    features: tuple[str, ...]
    target: str
    classes: tuple[str, ...] = ()


def read_csv(
    path: str | os.PathLike[str],
    target: str,
    features: Sequence[str] | None = None,
    delimiter: str = ",",
    encoding: str = "utf-8-sig",
) -> Table:
    r"""Read a table with a header line; all columns but the target are features by default.

    Features must be finite numbers.  A target of numbers stays numbers; names become labels
    0, 1, 2, ... in sorted order.  Lines without any text are passed over.

    Raises InputError with file, line and column for anything that cannot be read.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "pets.csv")
    ...     _ = file.write_text("weight,kind\n4.5,dog\n1.5,cat\n")
    ...     table = read_csv(file, target="kind")
    >>> table.x.tolist(), table.y.tolist(), table.classes
    ([[4.5], [1.5]], [1, 0], ('cat', 'dog'))
    """
    file = Path(path)
    lines = _lines(file, delimiter, encoding)
    header = _header(file, lines, delimiter)
    rows = _rows(file, lines, header)
    chosen = [name for name in header if name != target] if features is None else list(features)
    for name in (target, *chosen):
        if name not in header:
            hint = suggestion(name, header)
            raise InputError(f"{file}: there is no column {name!r}{hint}")
    if target in chosen:
        raise InputError(f"{file}: the target {target!r} cannot be one of the features too")
    if not chosen:
        raise InputError(f"{file}: there is no column beside the target {target!r}")
    places = {name: place for place, name in enumerate(header)}
    columns = [_numbers(file, rows, places[name], name) for name in chosen]
    y, classes = _target(file, rows, places[target], target)
    return Table(np.stack(columns, axis=1), y, tuple(chosen), target, classes)


def _lines(file: Path, delimiter: str, encoding: str) -> list[Line]:
    """The records of the file with the line each one ends on."""
    try:
        with file.open(newline="", encoding=encoding) as text:
            return list(_records(file, csv.reader(text, delimiter=delimiter, strict=True)))
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file}: not {encoding.removesuffix('-sig')} text ({error.reason}, byte "
            f"{error.start}); save it as UTF-8, or give encoding=, such as 'utf-16' or 'cp1252'"
        ) from error
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from error
    except LookupError as error:
        raise InputError(f"unknown encoding {encoding!r}; try 'utf-8'") from error
    except TypeError as error:
        raise InputError(f"delimiter must be a single character, not {delimiter!r}") from error


def _records(file: Path, reader: Any) -> Iterator[Line]:
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                yield reader.line_num, [cell.strip() for cell in record]
    except csv.Error as error:
        raise InputError(f"{file}, line {reader.line_num}: {error}") from error


def _header(file: Path, lines: list[Line], delimiter: str) -> list[str]:
    if not lines:
        raise InputError(f"{file}: the file is empty; its first line must name the columns")
    number, header = lines[0]
    if all(_number(cell) is not None for cell in header):
        raise InputError(
            f"{file}, line {number}: the first line must name the columns, but it holds numbers"
        )
    for place, name in enumerate(header):
        if not name:
            raise InputError(f"{file}, line {number}: column {place + 1} has no name")
        if name in header[:place]:
            raise InputError(f"{file}, line {number}: two columns are called {name!r}")
    other = next((d for d in ";\t|" if len(header) == 1 and d in header[0]), None)
    if other is not None and delimiter != other:
        raise InputError(
            f"{file}, line {number}: a single column {header[0]!r}; the file seems to be "
            f"separated by {other!r}: give delimiter={other!r}"
        )
    return header


def _rows(file: Path, lines: list[Line], header: list[str]) -> list[Line]:
    rows = lines[1:]
    if not rows:
        raise InputError(f"{file}: there is a header but no row of data")
    for number, cells in rows:
        if len(cells) != len(header):
            raise InputError(
                f"{file}, line {number}: {len(cells)} columns, but the header has {len(header)} "
                f"({', '.join(header)})"
            )
    return rows


def _number(cell: str) -> float | None:
    """The number that a cell holds, which may be nan or infinite; None for text."""
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _numbers(file: Path, rows: list[Line], place: int, name: str) -> Array:
    values = np.empty(len(rows))
    for row, (number, cells) in enumerate(rows):
        cell = cells[place]
        value = _number(cell)
        if value is None or not math.isfinite(value):
            what = "the cell is empty" if not cell else f"{cell!r} is not a number"
            what = what if value is None else f"{cell!r} is not a finite number"
            raise InputError(f"{file}, line {number}, column {name!r}: {what}")
        values[row] = value
    return values


def _target(file: Path, rows: list[Line], place: int, name: str) -> tuple[Array, tuple[str, ...]]:
    """Numbers where every cell holds one; else labels of the sorted names."""
    found = [_number(cells[place]) for _, cells in rows]
    if any(value is not None and math.isfinite(value) for value in found):
        return _numbers(file, rows, place, name), ()
    for (number, cells), value in zip(rows, found, strict=True):
        if not cells[place] or value is not None:
            what = f"{cells[place]!r} is no class" if cells[place] else "the cell is empty"
            raise InputError(f"{file}, line {number}, column {name!r}: {what}")
    classes = tuple(sorted({cells[place] for _, cells in rows}))
    labels = {name: label for label, name in enumerate(classes)}
    return np.array([labels[cells[place]] for _, cells in rows]), classes
