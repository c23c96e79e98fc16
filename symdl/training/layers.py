"""Layers as users name them: descriptions without weights; the network is made from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symdl.catalog import activations, initializers
from symdl.errors import InputError, NotSupported
from symdl.formula import Formula, Variable
from symdl.training.choices import Worded, positive_int, true_or_false
from symdl.training.constants import formula_of
from symdl.training.constraints import Constraint, constraint_of
from symdl.training.own import Starts, initial_of, own_activation, pairs_of
from symdl.training.regularizers import Regularizer, kept, regularizer_of

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LAYERS",
    "Activation",
    "Dense",
    "Input",
    "Layer",
    "activation_of",
]

_ALIASES = {"swish": activations.SILU, "hard_swish": activations.HARD_SILU}
ACTIVATIONS: dict[str, Formula] = {f.name: f for f in activations.ALL} | _ALIASES

INITIALIZERS: dict[str, Formula] = {f.name: f for f in (*initializers.ALL, initializers.ORTHOGONAL)}

# those that let through a part of the mean square of their own, whatever its size: see
# evidence.preservation.second_moment_share; a test derives this tuple
_RECTIFIERS = (activations.RELU.name, activations.LEAKY_RELU.name, activations.PRELU.name)

# the words of a layer, and the parameter that each is about; "" are the outputs
_PENALIZED = {"kernel_regularizer": "W", "bias_regularizer": "b", "activity_regularizer": ""}
_CONSTRAINED = {"kernel_constraint": "W", "bias_constraint": "b"}


@dataclass(frozen=True)
class Layer(metaclass=Worded):
    """Common to all layers; a layer is a description, so one object may stand in many models."""

    @property
    def units_out(self) -> int | None:
        """The number of columns that the layer puts out; None: as many as come in."""
        return None

    @property
    def columns(self) -> int | None:
        """The number of columns that the layer says it reads, if it does."""
        return None

    @property
    def applied(self) -> Formula | None:
        """The activation that the layer applies, if any."""
        return None

    @property
    def applies_own(self) -> bool:
        """Whether the activation is a formula of the user's own."""
        return False

    @property
    def starts(self) -> Mapping[Variable, Formula]:
        """The initializers of the parameters of the activation."""
        return {}

    @property
    def penalties(self) -> tuple[tuple[str, Formula], ...]:
        """What is penalized ("W", "b", or "" for the outputs), and by which regularizer."""
        return ()

    @property
    def constraints(self) -> tuple[tuple[str, Formula], ...]:
        """Which parameter is brought back after an update ("W", "b"), and by which formula."""
        return ()


def activation_of(given: object, where: str) -> Formula:
    """Return an activation: "relu", "leaky_relu(alpha=0.2)", or a formula of one's own.

    >>> activation_of("leaky_relu(alpha=0.2)", "Dense").hyper
    ((alpha, 1/5),)
    """
    if isinstance(given, Formula):
        return own_activation(given, ACTIVATIONS)
    if not isinstance(given, str):
        raise InputError(
            f"{where}: an activation is a name such as 'relu' or a formula y = f(x), as in "
            f"Formula(sympy.Eq(y, x**3), output=y, inputs=[x]), not {given!r}"
        )
    return formula_of("activation", given, ACTIVATIONS, where)


@dataclass(frozen=True)
class Input(Layer):
    """The shape of one row of the data: ``Input(4)`` or ``Input((4,))`` for x of shape (N, 4).

    Raises InputError for a size that is no positive whole number, NotSupported for several axes.

    >>> Input((4,)) == Input(4)
    True
    """

    shape: tuple[int, ...] | int

    def __post_init__(self) -> None:
        shape = self.shape if isinstance(self.shape, (tuple, list)) else (self.shape,)
        if len(shape) != 1:
            raise NotSupported(
                f"Input{tuple(shape)}: rows of {len(shape)} axes; dense layers read rows of one "
                "axis, so give the data as (rows, columns) and Input(columns)"
            )
        size = positive_int("the size in Input(...)", shape[0])
        object.__setattr__(self, "shape", (size,))

    @property
    def units_out(self) -> int:
        assert isinstance(self.shape, tuple)
        return self.shape[0]

    @property
    def columns(self) -> int:
        return self.units_out


@dataclass(frozen=True)
class Dense(Layer):
    """y[n,j] = f(sum_i x[n,i] W[i,j] + b[j]).

    x is (N, D), the kernel W is (D, units), b is (units,), y is (N, units).

    units                 number of columns that come out
    activation            f: "relu", "sigmoid", "leaky_relu(alpha=0.2)", ..., or a formula of one's
                          own, y = f(x) of a scalar or of a row; None leaves it out
    use_bias              False leaves b out
    kernel_initializer    "glorot_uniform", "he_normal", "orthogonal", "constant(value=0.5)", ...;
                          None takes He uniform before relu and leaky_relu, and Glorot uniform
                          otherwise; biases start at 0
    input_dim             D, for the first layer; otherwise it is read off the layer below or the
                          data
    kernel_regularizer    "l2", "l1(l1=0.1)", L1L2(0.1, 0.2) or a formula of W[i,j]: it is added
                          to the loss, in ``evaluate`` too
    bias_regularizer      the same for b
    activity_regularizer  the same for the outputs y, divided by the number of rows
    kernel_constraint     "max_norm(max_value=3)", "non_neg", UnitNorm() or a formula W -> V that
                          is applied to W after each update
    bias_constraint       the same for b

    Raises InputError for an unknown name (with the nearest known one) and for sizes below 1.

    >>> Dense(8, activation="relu").units
    8
    >>> Dense(8, activation="rleu")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    symdl.errors.InputError: Dense: unknown activation 'rleu'; did you mean 'relu'? ...
    >>> Dense(8, kernel_regularizer="l2", bias_regularizer="l1(l1=0.1)").penalties[1][1].name
    'l1(l1=0.1)'
    """

    units: int
    activation: str | Formula | None = None
    use_bias: bool = True
    kernel_initializer: str | None = None
    input_dim: int | None = None
    kernel_regularizer: str | Regularizer | Formula | None = None
    bias_regularizer: str | Regularizer | Formula | None = None
    activity_regularizer: str | Regularizer | Formula | None = None
    kernel_constraint: str | Constraint | Formula | None = None
    bias_constraint: str | Constraint | Formula | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "units", positive_int("units of Dense", self.units))
        if self.activation is not None:
            self._check_activation(activation_of(self.activation, "Dense"))
        if self.kernel_initializer is not None:
            formula_of("kernel_initializer", self.kernel_initializer, INITIALIZERS, "Dense")
        if self.input_dim is not None:
            set_(self, "input_dim", positive_int("input_dim of Dense", self.input_dim))
        true_or_false("use_bias of Dense", self.use_bias)
        for name, read in (*_PENALIZED.items(), *_CONSTRAINED.items()):
            given = getattr(self, name)
            if given is not None:
                if read == "b" and not self.use_bias:
                    raise InputError(f"{name} of Dense: there is no bias with use_bias=False")
                choose = regularizer_of if name in _PENALIZED else constraint_of
                set_(self, name, kept(given, choose(given, f"{name} of Dense")))

    @staticmethod
    def _check_activation(formula: Formula) -> None:
        if formula.parameters:
            (first, *_) = formula.parameters
            called = f"the activation {formula.name!r}".replace(" ''", "")
            raise InputError(
                f"Dense: {called} has the parameter {first}, which needs initial values: leave it "
                f"away, and put Activation(..., initial={{{first.name!r}: 'zeros'}}) after Dense"
            )

    @property
    def units_out(self) -> int:
        return self.units

    @property
    def columns(self) -> int | None:
        return self.input_dim

    @property
    def applied(self) -> Formula | None:
        return None if self.activation is None else activation_of(self.activation, "Dense")

    @property
    def applies_own(self) -> bool:
        return isinstance(self.activation, Formula)

    @property
    def penalties(self) -> tuple[tuple[str, Formula], ...]:
        chosen = ((read, getattr(self, name)) for name, read in _PENALIZED.items())
        return tuple((read, regularizer_of(given, "")) for read, given in chosen if given)

    @property
    def constraints(self) -> tuple[tuple[str, Formula], ...]:
        chosen = ((read, getattr(self, name)) for name, read in _CONSTRAINED.items())
        return tuple((read, constraint_of(given, "")) for read, given in chosen if given)

    def initializer(self, following: Formula | None = None) -> Formula:
        """The formula of the kernel's initial values; ``following``: the activation it feeds."""
        if self.kernel_initializer is not None:
            return formula_of("kernel_initializer", self.kernel_initializer, INITIALIZERS)
        applied = self.applied or following
        rectified = applied is not None and applied.name.partition("(")[0] in _RECTIFIERS
        return initializers.HE_UNIFORM if rectified else initializers.GLOROT_UNIFORM


@dataclass(frozen=True)
class Activation(Layer):
    """An activation: ``Activation("tanh")`` or a formula of one's own; y has the shape of x.

    name     the name of an activation, or a formula y = f(x) of a scalar or of a row
    initial  where its trained parameters start, one of each for each column: an initializer by
             name, a number or a formula for each of them

    Raises InputError for an unknown name, and for a parameter without initial values.

    >>> Activation("tanh").name
    'tanh'
    >>> Activation(activations.PRELU, initial={"alpha": 0.25}).initial
    (('alpha', 0.25),)
    """

    name: str | Formula
    initial: Starts = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "initial", pairs_of("initial of Activation", self.initial))
        self._starts()

    def _starts(self) -> dict[Variable, Formula]:
        return initial_of("Activation", self.applied.parameters, self.initial, INITIALIZERS)

    @property
    def applied(self) -> Formula:
        return activation_of(self.name, "Activation")

    @property
    def applies_own(self) -> bool:
        return isinstance(self.name, Formula)

    @property
    def starts(self) -> Mapping[Variable, Formula]:
        return self._starts()


LAYERS: tuple[type[Layer], ...] = (Input, Dense, Activation)
