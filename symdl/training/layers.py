"""Layers as users name them: descriptions without weights; the network is made from them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from symdl.catalog import activations, initializers
from symdl.errors import InputError, NotSupported
from symdl.formula import Formula
from symdl.training.choices import choose, positive_int
from symdl.training.constants import formula_of, with_constants

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LAYERS",
    "ORTHOGONAL",
    "Activation",
    "Dense",
    "Input",
    "Layer",
]

ACTIVATIONS: dict[str, Formula] = {f.name: f for f in activations.ALL}

# its draws; making them orthogonal is an algorithm, which ``initialize`` runs
ORTHOGONAL = replace(
    with_constants(initializers.RANDOM_NORMAL, {"stddev": 1}),
    name="orthogonal",
    title="orthogonal",
    source="Saxe, McClelland, Ganguli (2014), Exact solutions to the nonlinear dynamics of "
    "learning in deep linear neural networks",
)
INITIALIZERS: dict[str, Formula] = {f.name: f for f in (*initializers.ALL, ORTHOGONAL)}

_RECTIFIERS = (activations.RELU.name, activations.LEAKY_RELU.name)


@dataclass(frozen=True)
class Layer:
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
    def applied(self) -> str | None:
        """The name of the activation that the layer applies, if any."""
        return None


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

    units               number of columns that come out
    activation          name of f: "relu", "sigmoid", "softmax", ...; None leaves it out
    use_bias            False leaves b out
    kernel_initializer  "glorot_uniform", "he_normal", "orthogonal", "random_normal(stddev=0.1)",
                        "constant(value=0.5)", ...; None takes He uniform before relu and
                        leaky_relu, and Glorot uniform otherwise; biases start at 0
    input_dim           D, for the first layer; otherwise it is read off the layer below or the data

    Raises InputError for an unknown name (with the nearest known one) and for sizes below 1.

    >>> Dense(8, activation="relu").units
    8
    >>> Dense(8, activation="rleu")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    symdl.errors.InputError: Dense: unknown activation 'rleu'; did you mean 'relu'? ...
    """

    units: int
    activation: str | None = None
    use_bias: bool = True
    kernel_initializer: str | None = None
    input_dim: int | None = None

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "units", positive_int("units of Dense", self.units))
        if self.activation is not None:
            choose("activation", self.activation, ACTIVATIONS, "Dense")
        if self.kernel_initializer is not None:
            formula_of("kernel_initializer", self.kernel_initializer, INITIALIZERS, "Dense")
        if self.input_dim is not None:
            set_(self, "input_dim", positive_int("input_dim of Dense", self.input_dim))
        if not isinstance(self.use_bias, bool):
            raise InputError(f"use_bias of Dense must be True or False, not {self.use_bias!r}")

    @property
    def units_out(self) -> int:
        return self.units

    @property
    def columns(self) -> int | None:
        return self.input_dim

    @property
    def applied(self) -> str | None:
        return self.activation

    def initializer(self, following: str | None = None) -> Formula:
        """The formula of the kernel's initial values; ``following``: an activation layer after."""
        if self.kernel_initializer is not None:
            return formula_of("kernel_initializer", self.kernel_initializer, INITIALIZERS)
        before_rectifier = (self.activation or following) in _RECTIFIERS
        return initializers.HE_UNIFORM if before_rectifier else initializers.GLOROT_UNIFORM


@dataclass(frozen=True)
class Activation(Layer):
    """An activation by its name: ``Activation("tanh")``; y has the shape of x.

    Raises InputError for an unknown name.

    >>> Activation("tanh").name
    'tanh'
    """

    name: str

    def __post_init__(self) -> None:
        choose("activation", self.name, ACTIVATIONS, "Activation")

    @property
    def applied(self) -> str:
        return self.name


LAYERS: tuple[type[Layer], ...] = (Input, Dense, Activation)
