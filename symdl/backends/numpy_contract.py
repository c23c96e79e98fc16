"""A contraction as NumPy code: matrix products over views, ``einsum`` where that is impossible."""

from __future__ import annotations

from collections.abc import Sequence

from symdl.backends.views import Arrays
from symdl.program.border import Affine, AffineAdjoint
from symdl.program.ir import Contract, Read

__all__ = ["write_contract", "write_sum"]


def write_contract(s: Contract, arrays: Arrays) -> str:
    """Return the line that computes the contraction."""
    if isinstance(s, (Affine, AffineAdjoint)):
        return _write_joined(s, arrays)
    one, two = arrays.labels(s.left), arrays.labels(s.right)
    if not s.labels:
        return _full(s, arrays, one, two)
    out = arrays.labels(Read(s.target, s.labels))
    left, right = s.left, s.right
    if out[-1] in one and out[-1] not in two:  # the last axis of the result is that of columns
        left, right, one, two = right, left, two, one
    shared = set(one) & set(two)
    batch = [n for n in out if n in shared]
    rows = [n for n in out if n in one and n not in shared]
    columns = [n for n in out if n in two and n not in shared]
    summed = [n for n in one if n in shared and n not in out]
    covered = set(one) | set(two) == {*batch, *rows, *columns, *summed}
    if covered and summed:
        product = _Product(s, arrays, batch=batch, rows=rows, columns=columns, summed=summed)
        line = product.write(left, right, one, two, out)
        if line:
            return line
    return f"{_einsum(s, arrays, out)[:-1]}, out={arrays.target(s.target)})"


def _write_joined(s: Affine | AffineAdjoint, arrays: Arrays) -> str:
    """The product with a row of ones: a bias is added, or the sum over the batch left beside."""
    arrays.text.used.add("dot")
    matrix, beside = arrays.joined[s.joined], arrays.with_ones(s.left)
    if isinstance(s, Affine):
        transposed = arrays.named(f"{matrix}.T", f"{matrix}_T")
        return f"dot({transposed}, {beside}, out={arrays.target(s.target)})"
    right = arrays.view(s.right, s.right.labels)
    return f"dot({beside}, {right}, out={matrix})"


class _Product:
    """A matrix product, or a stack of them along the labels of ``batch``."""

    def __init__(
        self,
        s: Contract,
        arrays: Arrays,
        *,
        batch: list[str],
        rows: list[str],
        columns: list[str],
        summed: list[str],
    ) -> None:
        self.s, self.arrays = s, arrays
        self.batch, self.rows, self.columns, self.summed = batch, rows, columns, summed

    def write(
        self, left: Read, right: Read, one: Sequence[str], two: Sequence[str], out: Sequence[str]
    ) -> str | None:
        """Return the line, or nothing where the axes cannot be brought together without a copy."""
        many = max(len(self.rows), len(self.columns), len(self.summed)) > 1
        if not self.batch and not many and list(out) == [*self.rows, *self.columns]:
            return self._plain(left, right)
        if not self.batch and many:
            return self._merged(left, right, one, two, out)
        return None if many else self._stack(left, right)

    def _plain(self, left: Read, right: Read) -> str:
        a = self.arrays.view(left, [*self.rows, *self.summed])
        b = self.arrays.view(right, [*self.summed, *self.columns])
        return self._dot(a, b, self.arrays.target(self.s.target))

    def _dot(self, a: str, b: str, out: str) -> str:
        self.arrays.text.used.add("dot")
        return f"dot({a}, {b}, out={out})"

    def _stack(self, left: Read, right: Read) -> str:
        """A product for each place of the batch axes."""
        view, target = self.arrays.view, Read(self.s.target, self.s.labels)
        self.arrays.target(self.s.target)
        if not self.rows and not self.columns:
            a, b = (view(r, [*self.batch, *self.summed]) for r in (left, right))
            self.arrays.text.used.add("vecdot")
            return f"vecdot({a}, {b}, out={view(target, self.batch)})"
        a = view(left, [*self.batch, *(self.rows or ["-"]), *self.summed])
        b = view(right, [*self.batch, *self.summed, *(self.columns or ["-"])])
        out = view(target, [*self.batch, *(self.rows or ["-"]), *(self.columns or ["-"])])
        self.arrays.text.used.add("matmul")
        return f"matmul({a}, {b}, out={out})"

    def _merged(
        self, left: Read, right: Read, one: Sequence[str], two: Sequence[str], out: Sequence[str]
    ) -> str | None:
        """Merge neighbouring axes, where each array has them side by side in memory."""
        if list(out) != [*self.rows, *self.columns]:
            return None
        for summed in ([n for n in one if n in self.summed], [n for n in two if n in self.summed]):
            a = self._matrix(left, one, self.rows, summed)
            b = self._matrix(right, two, summed, self.columns)
            if a is not None and b is not None:
                return self._dot(a, b, self._merged_target())
        return None

    def _merged_target(self) -> str:
        out = self.arrays.target(self.s.target)
        groups = [g for g in (self.rows, self.columns) if g]
        if all(len(g) == 1 for g in groups):
            return out
        return self.arrays.named(f"{out}.reshape({self._shape(groups)})", f"{out}_2d")

    def _matrix(
        self, read: Read, labels: Sequence[str], rows: list[str], columns: list[str]
    ) -> str | None:
        """Return ``read`` as the matrix (rows, columns), a view of contiguous memory."""
        straight = list(labels) == [*rows, *columns]
        if not read.plain or not (straight or list(labels) == [*columns, *rows]):
            return None
        name = self.arrays.view(read, labels)
        groups = [g for g in ((rows, columns) if straight else (columns, rows)) if g]
        text = name
        if any(len(g) > 1 for g in groups):
            text = self.arrays.named(f"{name}.reshape({self._shape(groups)})", f"{name}_2d", read)
        if not straight and len(groups) > 1:
            text = self.arrays.named(f"{text}.T", f"{text}_T", read)
        return text

    def _shape(self, groups: Sequence[Sequence[str]]) -> str:
        sizes = self.s.sizes
        return ", ".join(" * ".join(self.arrays.size(sizes[n]) for n in g) for g in groups)


def _full(s: Contract, arrays: Arrays, one: Sequence[str], two: Sequence[str]) -> str:
    """The sum of all products of two arrays of the same axes."""
    out = arrays.target(s.target)
    if tuple(one) == tuple(two) and s.left.plain and s.right.plain:
        arrays.text.used.add("vdot")
        return f"{out} = float(vdot({arrays.view(s.left, one)}, {arrays.view(s.right, two)}))"
    return f"{out} = float({_einsum(s, arrays, ())})"


def _einsum(s: Contract, arrays: Arrays, out: Sequence[str]) -> str:
    one, two = arrays.labels(s.left), arrays.labels(s.right)
    letters = {n: chr(ord("a") + k) for k, n in enumerate(dict.fromkeys((*out, *one, *two)))}
    spec = ",".join("".join(letters[n] for n in part) for part in (one, two))
    spec += "->" + "".join(letters[n] for n in out)
    arrays.text.used.add("einsum")
    return f'einsum("{spec}", {arrays.view(s.left, one)}, {arrays.view(s.right, two)})'


def write_sum(source: Read, target: Read, arrays: Arrays) -> str | None:
    """Return the sum over the first or last axes as a product with ones: BLAS does it fastest."""
    labels, out = arrays.labels(source), arrays.labels(target)
    summed = [n for n in labels if n not in out]
    first = labels == (*summed, *out)
    if not source.plain or not out or not (first or labels == (*out, *summed)):
        return None
    sizes = source.sizes
    count, rest = (" * ".join(arrays.size(sizes[n]) for n in g) for g in (summed, out))
    view, result = arrays.view(source, labels), arrays.target(target.slot)
    if len(labels) > 2:
        shape = f"{count}, {rest}" if first else f"{rest}, {count}"
        view = arrays.named(f"{view}.reshape({shape})", f"{view}_2d", source)
    if len(out) > 1:
        result = arrays.named(f"{result}.reshape({rest})", f"{result}_1d")
    ones = arrays.named(f"np.ones({count}, dtype)", "ones")
    arrays.text.used.add("dot")
    return f"dot({ones}, {view}, out={result})" if first else f"dot({view}, {ones}, out={result})"
