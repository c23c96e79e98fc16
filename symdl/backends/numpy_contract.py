"""A contraction as NumPy code: matrix products over views where that is possible."""

from __future__ import annotations

from collections.abc import Sequence

from symdl.backends.views import Arrays
from symdl.program.ir import Contract, Read

__all__ = ["write_contract"]


def write_contract(s: Contract, arrays: Arrays) -> str:
    """Return the line that computes the contraction."""
    left, right = s.left, s.right
    one, two = arrays.labels(left), arrays.labels(right)
    out = tuple(arrays.order(Read(s.target, s.labels)))
    out_labels = tuple(str(p) for p in out)
    if not s.labels:
        return _full(s, arrays, one, two)
    shared = set(one) & set(two)
    batch = [n for n in out_labels if n in shared]
    summed = shared - set(out_labels)
    only_left = [n for n in out_labels if n in one and n not in two]
    only_right = [n for n in out_labels if n in two and n not in one]
    covered = set(one) | set(two) == {*batch, *summed, *only_left, *only_right}
    if not covered or not summed:
        return _einsum(s, arrays, one, two, out_labels)
    if out_labels[: len(batch)] != tuple(batch):
        return _einsum(s, arrays, one, two, out_labels)
    inner = out_labels[len(batch) :]
    if inner == (*only_right, *only_left) and only_left and only_right:
        left, right, one, two = right, left, two, one
        only_left, only_right = only_right, only_left
    elif inner != (*only_left, *only_right):
        return _einsum(s, arrays, one, two, out_labels)
    product = _Product(s, arrays, batch, only_left, only_right)
    return product.write(left, right, one, two) or _einsum(s, arrays, one, two, out_labels)


class _Product:
    """A matrix product, or a stack of them along the labels of ``batch``."""

    def __init__(
        self,
        s: Contract,
        arrays: Arrays,
        batch: Sequence[str],
        rows: Sequence[str],
        columns: Sequence[str],
    ) -> None:
        self.s, self.arrays = s, arrays
        self.batch, self.rows, self.columns = list(batch), list(rows), list(columns)

    def write(
        self, left: Read, right: Read, one: Sequence[str], two: Sequence[str]
    ) -> str | None:
        """Return the line, or nothing where the axes cannot be brought together without a copy."""
        summed = [n for n in one if n in two and n not in self.batch]
        many = max(len(self.rows), len(self.columns), len(summed)) > 1
        if self.batch:
            return None if many else self._stack(left, right, summed[0])
        if not many:
            return self._plain(left, right, summed[0])
        return self._merged(left, right, one, two, summed)

    def _plain(self, left: Read, right: Read, summed: str) -> str:
        a = self.arrays.view(left, [*self.rows, summed])
        b = self.arrays.view(right, [summed, *self.columns])
        out = self.arrays.target(self.s.target)
        self.arrays.text.used.add("dot")
        return f"dot({a}, {b}, out={out})"

    def _stack(self, left: Read, right: Read, summed: str) -> str:
        view, out = self.arrays.view, self.arrays.target(self.s.target)
        if not self.rows and not self.columns:
            a, b = (view(r, [*self.batch, summed]) for r in (left, right))
            self.arrays.text.used.add("vecdot")
            return f"vecdot({a}, {b}, out={out})"
        a = view(left, [*self.batch, *(self.rows or ["-"]), summed])
        b = view(right, [*self.batch, summed, *(self.columns or ["-"])])
        if not self.rows:
            out = self.arrays.named(f"{out}[..., None, :]", f"{out}_row")
        if not self.columns:
            out = self.arrays.named(f"{out}[..., None]", f"{out}_col")
        self.arrays.text.used.add("matmul")
        return f"matmul({a}, {b}, out={out})"

    def _merged(
        self, left: Read, right: Read, one: Sequence[str], two: Sequence[str], summed: list[str]
    ) -> str | None:
        """Merge neighbouring axes, where each operand has them side by side in memory."""
        a = self._matrix(left, one, self.rows, summed)
        b = self._matrix(right, two, summed, self.columns)
        if a is None or b is None:
            return None
        out = self.arrays.target(self.s.target)
        groups = [g for g in (self.rows, self.columns) if g]
        if any(len(g) > 1 for g in groups):
            shape = ", ".join(self._size(g) for g in groups)
            out = self.arrays.named(f"{out}.reshape({shape})", f"{out}_2d")
        self.arrays.text.used.add("dot")
        return f"dot({a}, {b}, out={out})"

    def _matrix(
        self, read: Read, labels: Sequence[str], rows: list[str], columns: list[str]
    ) -> str | None:
        """Return ``read`` as the matrix (rows, columns), a view of contiguous memory."""
        if not read.plain:
            return None
        straight, turned = [*rows, *columns], [*columns, *rows]
        if list(labels) not in (straight, turned):
            return None
        name = self.arrays.view(read, labels)
        groups = [rows, columns] if list(labels) == straight else [columns, rows]
        groups = [g for g in groups if g]
        text = name
        if any(len(g) > 1 for g in groups):
            shape = ", ".join(self._size(g) for g in groups)
            text = self.arrays.named(f"{text}.reshape({shape})", f"{name}_2d", read)
        if list(labels) != straight and len(groups) > 1:
            text = self.arrays.named(f"{text}.T", f"{text}_T", read)
        return text

    def _size(self, labels: Sequence[str]) -> str:
        sizes = self.s.sizes
        return " * ".join(self.arrays.size(sizes[n]) for n in labels)


def _full(s: Contract, arrays: Arrays, one: Sequence[str], two: Sequence[str]) -> str:
    """The sum of all products of two arrays of the same axes."""
    out = arrays.target(s.target)
    if tuple(one) == tuple(two) and s.left.plain and s.right.plain:
        arrays.text.used.add("vdot")
        return f"{out} = float(vdot({arrays.view(s.left, one)}, {arrays.view(s.right, two)}))"
    return f"{out} = float({_einsum_call(s, arrays, one, two, ())})"


def _einsum(
    s: Contract, arrays: Arrays, one: Sequence[str], two: Sequence[str], out: Sequence[str]
) -> str:
    call = _einsum_call(s, arrays, one, two, out)
    return f"{call[:-1]}, out={arrays.target(s.target)})"


def _einsum_call(
    s: Contract, arrays: Arrays, one: Sequence[str], two: Sequence[str], out: Sequence[str]
) -> str:
    letters = {n: chr(ord("a") + k) for k, n in enumerate(dict.fromkeys((*out, *one, *two)))}
    spec = ",".join("".join(letters[n] for n in part) for part in (one, two))
    spec += "->" + "".join(letters[n] for n in out)
    arrays.text.used.add("einsum")
    return f'einsum("{spec}", {arrays.view(s.left, one)}, {arrays.view(s.right, two)})'
