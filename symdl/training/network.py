"""A list of layers and a loss as pieces of catalogue formulas, under the names of the model.

All layers of one kind share one formula object, so its adjoint is derived once.  Sizes stay
symbols: N for the rows of a batch, D0 for the columns of the data, D1, D2, ... for dense layers;
so what is derived does not depend on any width.  Layers that predict otherwise than they train
(normalization by batch, noise) make a second list of pieces, for prediction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.compose import Piece, Renaming, chain, elementwise
from symdl.catalog import activations, initializers, layers, losses
from symdl.errors import InputError, Mismatch
from symdl.formula import Equation, Formula, Variable
from symdl.notation.indices import Index, size_of
from symdl.notation.tensors import TensorSymbol
from symdl.training.formula_layer import FormulaLayer
from symdl.training.layers import ACTIVATIONS, Activation, Dense, Input, Layer
from symdl.training.losses import (
    check_last_activation,
    joins_activation,
    loss_formula,
    targets_of,
)

__all__ = [
    "DATA_SIZE",
    "Network",
    "Parameter",
    "activation_kind",
    "joint_kind",
    "layer_names",
    "network",
    "parameters_of",
    "sizes_of",
]

N, K = size_of("N"), size_of("K")
DATA_SIZE = size_of("D0")
_n, _j = Index("n", N), Index("j", K)
_z, _h = TensorSymbol("z", (N, K)), TensorSymbol("h", (N, K))
_LINEAR = activations.IDENTITY.name


@dataclass(frozen=True)
class Parameter:
    """A trained tensor, or a running statistic, and the formula of its initial values.

    following  the variable that holds the next value of a running statistic; None: it is trained
    """

    variable: TensorSymbol
    initializer: Formula
    following: TensorSymbol | None = None

    @property
    def name(self) -> str:
        """The name of the tensor, such as ``dense_1.W``."""
        return str(self.variable.name)

    def shape(self, sizes: Mapping[sp.Symbol, int]) -> tuple[int, ...]:
        """The shape in numbers."""
        return tuple(sizes[axis] for axis in self.variable.axes)


@dataclass(frozen=True)
class Network:
    """The pieces from the data to the loss, and the variables that are given or asked for.

    prediction  the pieces where they differ in prediction, with ``output`` as their output; None
                where prediction and training are the same
    state       running statistics, in the order of the layers
    random      each random tensor and the distribution that it is drawn from
    """

    pieces: tuple[Piece, ...]
    parameters: tuple[Parameter, ...]
    input: TensorSymbol
    target: TensorSymbol
    output: TensorSymbol
    loss: sp.Symbol
    batch: sp.Symbol = N
    prediction: tuple[Piece, ...] | None = None
    state: tuple[Parameter, ...] = ()
    random: tuple[tuple[TensorSymbol, str], ...] = ()

    @property
    def assumptions(self) -> tuple[Equation, ...]:
        """What the formulas take for granted of the data, under the names of the model."""
        return tuple(p.renaming.equation(a) for p in self.pieces for a in p.kind.assumptions)


@cache
def activation_kind(name: str) -> Formula:
    """Return the activation over z[n,j]: a formula of a scalar is taken element by element.

    >>> activation_kind("relu").equations[0].lhs
    h[n, j]
    """
    return _applied(ACTIVATIONS[name], _h)


@cache
def joint_kind(activation: str, loss: str) -> Formula:
    """Return the activation of z[n,j] followed by the loss, as one formula derived as a whole.

    >>> joint_kind("softmax", "categorical_crossentropy").name
    'softmax with categorical_crossentropy'
    """
    formula = loss_formula(loss)
    prediction = formula.inputs[0]
    return chain(_applied(ACTIVATIONS[activation], prediction), formula)


def _applied(activation: Formula, output: TensorSymbol) -> Formula:
    if not isinstance(activation.output, TensorSymbol):
        return elementwise(activation, _z[_n, _j], output)
    (given,) = activation.inputs
    renaming = Renaming({given: _z, activation.output: output}, {})
    return replace(
        activation,
        equations=tuple(renaming.equation(e) for e in activation.equations),
        inputs=(_z,),
        output=output,
    )


def layer_names(given: Sequence[Layer]) -> tuple[str, ...]:
    """Name layers by their kind and count: dense_1, activation_1, dense_2, ...

    >>> layer_names([Dense(3), Activation("relu"), Dense(1)])
    ('dense_1', 'activation_1', 'dense_2')
    """
    counts: dict[str, int] = {}
    names = []
    for layer in given:
        kind = type(layer).__name__.lower()
        if isinstance(layer, FormulaLayer):
            kind = layer.training.name
        counts[kind] = counts.get(kind, 0) + 1
        names.append(f"{kind}_{counts[kind]}")
    return tuple(names)


def network(given: Sequence[Layer], loss: str) -> Network:
    """Turn layers and the name of a loss into pieces.

    A loss that takes logarithms of its prediction forms one piece with the last activation: their
    gradient is derived jointly, where exponentials and logarithms cancel.

    Raises InputError where the loss cannot read the outputs, or there is no layer.

    >>> net = network([Dense(3, "relu"), Dense(1)], "mse")
    >>> [p.kind.name for p in net.pieces]
    ['dense', 'relu', 'dense', 'mean_squared_error']
    >>> [p.name for p in net.parameters]
    ['dense_1.W', 'dense_1.b', 'dense_2.W', 'dense_2.b']
    """
    steps, weights = _steps(given)
    formula = loss_formula(loss)
    check_last_activation(formula, steps[-1].activation)
    pieces = _pieces(steps, formula)
    end = pieces[-1]
    predicting = [step.predicting for step in steps]
    differs = predicting != steps
    prediction = _pieces([s for s in predicting if s is not None], formula) if differs else pieces
    return Network(
        pieces,
        tuple(p for p in weights if p.following is None),
        TensorSymbol("x", (N, DATA_SIZE)),
        end.variable(targets_of(formula)),
        prediction[-1].variable(formula.inputs[0]),
        end.variable(losses.L),
        prediction=prediction if differs else None,
        state=tuple(p for p in weights if p.following is not None),
        random=tuple(
            (piece.variable(v), draw)
            for step, piece in zip(steps, pieces, strict=False)
            for v, draw in step.draws
        ),
    )


def parameters_of(given: Sequence[Layer]) -> tuple[Parameter, ...]:
    """Return the parameters and the running statistics, in the order of the layers."""
    return _steps(given)[1]


def _pieces(steps: Sequence[_Step], loss: Formula) -> tuple[Piece, ...]:
    joint = joins_activation(loss)
    pieces, value = [], TensorSymbol("x", (N, DATA_SIZE))
    for step in steps[:-1] if joint else steps:
        piece, value = step.piece(value)
        pieces.append(piece)
    end = _joint(steps[-1], loss, value) if joint else _loss_alone(loss, value)
    return (*pieces, end)


@dataclass(frozen=True)
class _Step:
    """One piece to come: the affine part of a dense layer, an activation, or a layer's formula."""

    kind: Formula
    name: str
    size: Expr
    activation: str | None = None
    layer: FormulaLayer | None = None

    def piece(self, value: TensorSymbol) -> tuple[Piece, TensorSymbol]:
        """The piece that reads ``value``, and the tensor that it puts out."""
        given = self.kind.inputs[0]
        sizes = {layers.i.size: value.axes[1], K: self.size}
        short = "h" if self.activation else "z"
        names: dict[Variable, Variable] = {given: value}
        if self.layer is not None:
            short = "y"
            sizes |= {s: size_of(f"{s}_{self.name}") for s in self.layer.pieces_inside}
            names |= self.layer.constants
            plain = Renaming({}, sizes)
            for v in self.kind.inputs[1:]:  # the running statistics
                names[v] = _with_prefix(self.name, plain.variable(v))
        piece = _named(self.kind, sizes, names, layer=self.name, short=short)
        return piece, piece.variable(self.kind.output)

    @property
    def predicting(self) -> _Step | None:
        """The same step in prediction; None where it is left out."""
        if self.layer is None or self.layer.prediction is self.kind:
            return self
        kind = self.layer.prediction
        return None if kind is None else replace(self, kind=kind)

    @property
    def draws(self) -> tuple[tuple[Variable, str], ...]:
        """The random tensors of the kind, and what they are drawn from."""
        return () if self.layer is None else tuple(self.layer.draws.items())

    def weights(self, below: Expr) -> list[Parameter]:
        """The parameters and running statistics of a layer that is a formula."""
        assert self.layer is not None
        piece, _ = self.piece(TensorSymbol("x", (N, below)))
        found = [(v, None) for v in self.kind.parameters]
        found += [(old, piece.variable(new)) for old, new in self.kind.state]
        initial = self.layer.initial
        return [Parameter(piece.variable(v), initial[v], following) for v, following in found]


def _steps(given: Sequence[Layer]) -> tuple[list[_Step], tuple[Parameter, ...]]:
    steps: list[_Step] = []
    parameters: list[Parameter] = []
    size, count, units = DATA_SIZE, 0, 0
    for layer, name, after in zip(given, layer_names(given), [*given[1:], None], strict=False):
        below = size
        if layer.units_out is not None and not isinstance(layer, Input):
            count, units = count + 1, layer.units_out
            size = size_of(f"D{count}")
        if isinstance(layer, Dense):
            kind = layers.DENSE if layer.use_bias else layers.DENSE_NO_BIAS
            steps.append(_Step(kind, name, size))
            kernel = TensorSymbol(f"{name}.W", (below, size))
            following = after.applied if isinstance(after, Activation) else None
            parameters.append(Parameter(kernel, layer.initializer(following)))
            if layer.use_bias:
                bias = TensorSymbol(f"{name}.b", (size,))
                parameters.append(Parameter(bias, initializers.ZEROS))
        elif isinstance(layer, FormulaLayer):
            steps.append(_Step(layer.training, name, size, layer=layer))
            parameters.extend(steps[-1].weights(below))
        if layer.applied is not None and layer.applied != _LINEAR:
            steps.append(_Step(activation_kind(layer.applied), name, size, layer.applied))
            _check_softmax(layer.applied, units)
    if not any(p.following is None for p in parameters):
        raise InputError("the model has no layer with weights: add Dense(units)")
    return steps, tuple(parameters)


def _check_softmax(activation: str, units: int) -> None:
    if activation == activations.SOFTMAX.name and units == 1:
        raise InputError(
            "softmax over a single unit is always 1; use 'sigmoid' for one probability, or two "
            "units and 'softmax'"
        )


def _joint(step: _Step, loss: Formula, value: TensorSymbol) -> Piece:
    assert step.activation is not None
    kind = joint_kind(step.activation, loss.name)
    names = {kind.inputs[0]: value}
    return _named(kind, {K: step.size}, names, layer=step.name, short="h", output=loss.inputs[0])


def _loss_alone(loss: Formula, value: TensorSymbol) -> Piece:
    return _named(loss, {K: value.axes[1]}, {loss.inputs[0]: value}, layer="loss")


def _named(
    kind: Formula,
    sizes: Mapping[Expr, Expr],
    names: Mapping[Variable, Variable],
    *,
    layer: str = "",
    short: str = "",
    output: Variable | None = None,
) -> Piece:
    """Name variables after their layer and the output ``short``; constants become numbers."""
    plain = Renaming({}, sizes)
    output = kind.output if output is None else output
    found: dict[Variable, Variable] = dict(kind.hyper)
    old = (v for v, _ in kind.state)
    for v in (*kind.inputs, *kind.parameters, *kind.random, *old, *kind.defined):
        if isinstance(v, TensorSymbol):
            sized = plain.variable(v)
            found[v] = _with_prefix(layer, sized, short if v == output else v.name)
            if v in kind.inputs:
                found[v] = _called(sized, "t")
    return Piece(kind, Renaming({**found, **names}, sizes))


def _with_prefix(layer: str, v: TensorSymbol, short: str = "") -> TensorSymbol:
    return _called(v, f"{layer}.{short or v.name}")


def _called(v: TensorSymbol, name: str) -> TensorSymbol:
    return TensorSymbol(name, v.axes, v.positive_elements, v.labels)


def sizes_of(given: Sequence[Layer], columns: int | None = None) -> dict[sp.Symbol, int]:
    """Return the number behind each size symbol; ``columns`` is what the data has, if known.

    Raises Mismatch where two layers disagree, InputError where the size of the input is unknown.

    >>> sizes_of([Dense(3, input_dim=2), Dense(1)])
    {D0: 2, D1: 3, D2: 1}
    """
    below, width = "the data", given[0].columns if given else None
    width = columns if width is None else width
    if width is None:
        raise InputError(
            "the size of the input is not known yet: begin the model with Input(columns), give "
            "the first layer input_dim=, or fit the model to data"
        )
    found, count = {DATA_SIZE: width}, 0
    for layer, name in zip(given, layer_names(given), strict=True):
        if layer.columns not in (None, width):
            raise Mismatch(f"{name} expects {layer.columns} columns, but {below} puts out {width}")
        if layer.units_out is not None and not isinstance(layer, Input):
            count += 1
            found[size_of(f"D{count}")] = layer.units_out
        if isinstance(layer, FormulaLayer):
            inside = layer.pieces_inside.items()
            found |= {size_of(f"{s}_{name}"): number for s, number in inside}
        width, below = layer.units_out or width, name
    if columns not in (None, found[DATA_SIZE]):
        name = layer_names(given)[0]
        raise Mismatch(f"{name} expects {found[DATA_SIZE]} columns, but x has {columns}")
    return found
