"""A list of layers and a loss as pieces of catalogue formulas, under the names of the model.

All layers of one kind share one formula object, so its adjoint is derived once.  Sizes stay
symbols: N for the rows of a batch, D0 for the columns of the data, D1, D2, ... for dense layers;
so what is derived does not depend on any width.  Layers that predict otherwise than they train
(normalization by batch, noise) make a second list of pieces, for prediction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import sympy as sp
from sympy.core.expr import Expr

from symdl.calculus.compose import Piece, Renaming
from symdl.catalog import activations, initializers, layers
from symdl.errors import InputError, Mismatch, NotSupported
from symdl.formula import Equation, Formula, Variable
from symdl.notation.indices import size_of
from symdl.notation.tensors import TensorSymbol, real
from symdl.training import constraints
from symdl.training.formula_layer import LayerOfFormula
from symdl.training.kinds import K, N, activation_kind, joins, joint_kind, over_rows
from symdl.training.layers import Activation, Dense, Input, Layer
from symdl.training.losses import Loss, check_last_activation, loss_of
from symdl.training.noise import Dropout, GaussianNoise
from symdl.training.own import axes_of, called
from symdl.training.penalties import Penalty, added
from symdl.training.rectifiers import PReLU

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

DATA_SIZE = size_of("D0")
_LINEAR = activations.IDENTITY.name
_WORD = re.compile(r"\W+")


@dataclass(frozen=True)
class Parameter:
    """A trained tensor, or a running statistic, and the formula of its initial values.

    following  the variable that holds the next value of a running statistic; None: it is trained
    """

    variable: Variable
    initializer: Formula
    following: Variable | None = None

    @property
    def name(self) -> str:
        """The name of the tensor, such as ``dense_1.W``."""
        return str(self.variable.name)

    def shape(self, sizes: Mapping[sp.Symbol, int]) -> tuple[int, ...]:
        """The shape in numbers."""
        axes = axes_of(self.variable)
        return tuple(int(a) if a.is_Integer else sizes[a] for a in axes)


@dataclass(frozen=True)
class Network:
    """The pieces from the data to the loss, and the variables that are given or asked for.

    prediction  the pieces where they differ in prediction, with ``output`` as their output; None
                where prediction and training are the same
    trained     the output in training
    weights     the weights of the rows, where the loss reads them
    state       running statistics, in the order of the layers
    random      each random tensor and the distribution that it is drawn from
    constraints each parameter that is brought back after an update, by which formula
    """

    pieces: tuple[Piece, ...]
    parameters: tuple[Parameter, ...]
    input: TensorSymbol
    target: TensorSymbol
    output: TensorSymbol
    trained: TensorSymbol
    loss: sp.Symbol
    batch: sp.Symbol = N
    prediction: tuple[Piece, ...] | None = None
    weights: TensorSymbol | None = None
    state: tuple[Parameter, ...] = ()
    random: tuple[tuple[TensorSymbol, str], ...] = ()
    constraints: tuple[tuple[TensorSymbol, Formula], ...] = ()

    @property
    def assumptions(self) -> tuple[Equation, ...]:
        """What the formulas take for granted of the data, under the names of the model."""
        return tuple(p.renaming.equation(a) for p in self.pieces for a in p.kind.assumptions)


def layer_names(given: Sequence[Layer]) -> tuple[str, ...]:
    """Name layers by their kind and count: dense_1, activation_1, dense_2, ...

    >>> layer_names([Dense(3), Activation("relu"), Dense(1)])
    ('dense_1', 'activation_1', 'dense_2')
    """
    counts: dict[str, int] = {}
    names = []
    for layer in given:
        kind = type(layer).__name__.lower()
        if isinstance(layer, LayerOfFormula):
            kind = _WORD.sub("_", layer.training.name) or kind
        counts[kind] = counts.get(kind, 0) + 1
        names.append(f"{kind}_{counts[kind]}")
    return tuple(names)


def network(given: Sequence[Layer], loss: str | Loss | Formula, weighted: bool = False) -> Network:
    """Turn layers and a loss (its name, or a formula of one's own) into pieces.

    ``weighted``: the loss reads a weight of each row, after the targets.

    A loss that takes logarithms of its prediction forms one piece with the last activation: their
    gradient is derived jointly, where exponentials and logarithms cancel.  Penalties follow the
    loss, and their sum with it ends the network.

    Raises InputError where the loss cannot read the outputs, or there is no layer.

    >>> net = network([Dense(3, "relu"), Dense(1)], "mse")
    >>> [p.kind.name for p in net.pieces]
    ['dense', 'relu', 'dense', 'mean_squared_error']
    >>> [p.name for p in net.parameters]
    ['dense_1.W', 'dense_1.b', 'dense_2.W', 'dense_2.b']
    """
    steps, weights = _steps(given)
    formula = over_rows(loss_of(loss).reduced(weighted))
    last = steps[-1].activation
    if not steps[-1].own:
        check_last_activation(formula, None if last is None else last.name)
    pieces, end = _pieces(steps, formula)
    predicting = [step.predicting for step in steps]
    differs = predicting != steps
    prediction, judged = pieces, end
    if differs:
        prediction, judged = _pieces([s for s in predicting if s is not None], formula)
    outputs, targets, *weight = formula.inputs
    return Network(
        pieces,
        tuple(p for p in weights if p.following is None),
        TensorSymbol("x", (N, DATA_SIZE)),
        end.variable(targets),
        judged.variable(outputs),
        end.variable(outputs),
        pieces[-1].variable(pieces[-1].kind.output),
        prediction=prediction if differs else None,
        weights=end.variable(weight[0]) if weight else None,
        state=tuple(p for p in weights if p.following is not None),
        random=tuple(
            (piece.variable(v), draw)
            for step, piece in zip(steps, pieces, strict=False)
            for v, draw in step.draws
        ),
        constraints=tuple(_constraints(given, weights)),
    )


def parameters_of(given: Sequence[Layer]) -> tuple[Parameter, ...]:
    """Return the parameters and the running statistics, in the order of the layers."""
    return _steps(given)[1]


def _constraints(
    given: Sequence[Layer], weights: Sequence[Parameter]
) -> Iterable[tuple[TensorSymbol, Formula]]:
    known = {p.name: p.variable for p in weights}
    for layer, name in zip(given, layer_names(given), strict=True):
        for short, formula in layer.constraints:
            v = known[f"{name}.{short}"]
            constraints.on(formula, v)  # refuses what does not fit
            yield v, formula


def _pieces(steps: Sequence[_Step], loss: Formula) -> tuple[tuple[Piece, ...], Piece]:
    """All pieces, and among them the one whose output is the loss of the data."""
    joint = joins(loss) and steps[-1].activation is not None
    pieces, value = [], TensorSymbol("x", (N, DATA_SIZE))
    penalties: list[Penalty] = []
    for step in steps[:-1] if joint else steps:
        piece, value = step.piece(value)
        pieces.append(piece)
        penalties += step.penalties(piece, value)
    if joint and any(on == "" for on, _ in steps[-1].penalized):
        raise NotSupported(
            f"activity_regularizer of {steps[-1].name}: the loss {loss.name!r} is derived together "
            "with the last activation; put the regularizer on a layer below"
        )
    alone = not any(step.penalized for step in steps)
    name = {} if alone else {loss.output: real(f"{loss.output.name}_0")}
    end = _joint(steps[-1], loss, value, name) if joint else _loss_alone(loss, value, name)
    tail = () if alone else added(end.variable(loss.output), loss.output, penalties)
    return (*pieces, end, *tail), end


@dataclass(frozen=True)
class _Step:
    """One piece to come: the affine part of a dense layer, an activation, or a layer's formula.

    own        whether the activation is a formula of the user's own
    starts     where the parameters of an activation start
    penalized  what of the piece is penalized, and by which regularizer
    """

    kind: Formula
    name: str
    size: Expr
    activation: Formula | None = None
    layer: LayerOfFormula | None = None
    own: bool = False
    starts: tuple[Formula, ...] = ()
    penalized: tuple[tuple[str, Formula], ...] = ()

    def piece(self, value: TensorSymbol) -> tuple[Piece, TensorSymbol]:
        """The piece that reads ``value``, and the tensor that it puts out."""
        given, out = self.kind.inputs[0], self.kind.output
        sizes = {given.axes[0]: N, given.axes[1]: value.axes[1], out.axes[1]: self.size}
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
        return piece, piece.variable(out)

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
        return () if self.layer is None else tuple(self.layer.drawn.items())

    def penalties(self, piece: Piece, value: TensorSymbol) -> list[Penalty]:
        """The penalties on the parameters of the piece, or on what it puts out."""
        known = {v.name: piece.variable(v) for v in piece.kind.parameters}
        return [Penalty(known.get(on, value), formula, on == "") for on, formula in self.penalized]

    def weights(self, below: Expr) -> list[Parameter]:
        """The parameters and running statistics of a layer, or of an activation."""
        piece, _ = self.piece(TensorSymbol("x", (N, below)))
        trained = self.kind.parameters
        if self.layer is None:
            pairs = zip(trained, self.starts, strict=True)
            return [Parameter(piece.variable(v), start) for v, start in pairs]
        found = [(v, None) for v in trained]
        found += [(old, piece.variable(new)) for old, new in self.kind.state]
        initial = self.layer.starts
        return [Parameter(piece.variable(v), initial[v], following) for v, following in found]


def _steps(given: Sequence[Layer]) -> tuple[list[_Step], tuple[Parameter, ...]]:
    steps: list[_Step] = []
    parameters: list[Parameter] = []
    size, count, units = DATA_SIZE, 0, 0
    for place, (layer, name) in enumerate(zip(given, layer_names(given), strict=True), 1):
        below = size
        if layer.units_out is not None and not isinstance(layer, Input):
            count, units = count + 1, layer.units_out
            size = size_of(f"D{count}")
        if isinstance(layer, Dense):
            kind = layers.DENSE if layer.use_bias else layers.DENSE_NO_BIAS
            start = layer.initializer(_fed(given[place:]))
            first = (start, initializers.ZEROS)[: len(kind.parameters)]
            weights = tuple(on for on in layer.penalties if on[0])
            steps.append(_Step(kind, name, size, starts=first, penalized=weights))
            parameters.extend(steps[-1].weights(below))
        elif isinstance(layer, LayerOfFormula):
            steps.append(_Step(layer.training, name, size, layer=layer))
            parameters.extend(steps[-1].weights(below))
        applied = layer.applied
        if applied is not None and applied.name != _LINEAR:
            kind, own, starts = activation_kind(applied), layer.applies_own, layer.starts.values()
            steps.append(_Step(kind, name, size, applied, own=own, starts=tuple(starts)))
            parameters.extend(steps[-1].weights(below))
            _check_softmax(applied.name, units)
        outputs = tuple(on for on in layer.penalties if not on[0])
        if outputs:
            steps[-1] = replace(steps[-1], penalized=(*steps[-1].penalized, *outputs))
    if not any(p.following is None for p in parameters):
        raise InputError("the model has no layer with weights: add Dense(units)")
    return steps, tuple(parameters)


def _fed(after: Sequence[Layer]) -> Formula | None:
    """The activation that a layer feeds: the next one, noise in between or not."""
    for layer in after:
        if not isinstance(layer, (Dropout, GaussianNoise)):
            prelu = activations.PRELU if isinstance(layer, PReLU) else None
            return layer.applied if isinstance(layer, Activation) else prelu
    return None


def _check_softmax(activation: str, units: int) -> None:
    if activation == activations.SOFTMAX.name and units == 1:
        raise InputError(
            "softmax over a single unit is always 1; use 'sigmoid' for one probability, or two "
            "units and 'softmax'"
        )


def _joint(
    step: _Step, loss: Formula, value: TensorSymbol, names: Mapping[Variable, Variable]
) -> Piece:
    assert step.activation is not None
    kind = joint_kind(step.activation, loss)
    names = {kind.inputs[0]: value, **names}
    return _named(kind, {K: step.size}, names, layer=step.name, short="h", output=loss.inputs[0])


def _loss_alone(loss: Formula, value: TensorSymbol, names: Mapping[Variable, Variable]) -> Piece:
    names = {loss.inputs[0]: value, **names}
    return _named(loss, {K: value.axes[1]}, names, layer="loss")


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
        if isinstance(v, TensorSymbol) or v != kind.output:
            sized = plain.variable(v)
            found[v] = _with_prefix(layer, sized, short if v == output else v.name)
            if v in kind.inputs[1:2]:
                found[v] = called(sized, "t")
            if v in kind.inputs[2:]:
                found[v] = sized
    return Piece(kind, Renaming({**found, **names}, sizes))


def _with_prefix(layer: str, v: Variable, short: str = "") -> Variable:
    return called(v, f"{layer}.{short or v.name}")


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
        if isinstance(layer, LayerOfFormula):
            inside = layer.pieces_inside.items()
            found |= {size_of(f"{s}_{name}"): number for s, number in inside}
        width, below = layer.units_out or width, name
    if columns not in (None, found[DATA_SIZE]):
        name = layer_names(given)[0]
        raise Mismatch(f"{name} expects {found[DATA_SIZE]} columns, but x has {columns}")
    return found
