"""Losses by name, and what each asks of the last activation and of the targets."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar

from symdl.catalog import activations, losses
from symdl.errors import InputError
from symdl.formula import Formula
from symdl.notation.tensors import TensorSymbol
from symdl.training.constants import formula_of, with_constants

__all__ = [
    "LOSSES",
    "Huber",
    "Loss",
    "check_last_activation",
    "is_sparse",
    "joins_activation",
    "loss_formula",
    "targets_of",
]

_ALIASES = {
    "mse": losses.MSE,
    "mae": losses.MAE,
    "bce": losses.BINARY_CROSSENTROPY,
    "kld": losses.KL_DIVERGENCE,
}
LOSSES: dict[str, Formula] = {f.name: f for f in losses.ALL} | _ALIASES

# A loss that takes the logarithm of its prediction reads it as a probability.
_NEEDS: dict[str, str] = {
    losses.BINARY_CROSSENTROPY.name: activations.SIGMOID.name,
    losses.CATEGORICAL_CROSSENTROPY.name: activations.SOFTMAX.name,
    losses.SPARSE_CATEGORICAL_CROSSENTROPY.name: activations.SOFTMAX.name,
    losses.KL_DIVERGENCE.name: activations.SOFTMAX.name,
}
_WHY = {
    activations.SIGMOID.name: "reads each output as a probability of its own",
    activations.SOFTMAX.name: "reads each row of outputs as probabilities that sum to 1",
}
# A loss of logits applies the activation itself: the loss of what a last layer with it puts out.
_OF_LOGITS: dict[str, Formula] = {
    losses.BINARY_CROSSENTROPY_FROM_LOGITS.name: losses.BINARY_CROSSENTROPY,
    losses.CATEGORICAL_CROSSENTROPY_FROM_LOGITS.name: losses.CATEGORICAL_CROSSENTROPY,
    losses.SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS.name: losses.SPARSE_CATEGORICAL_CROSSENTROPY,
}


@dataclass(frozen=True)
class Loss:
    """Common to the losses whose constants can be chosen: ``formula`` holds them."""

    base: ClassVar[Formula]

    def __post_init__(self) -> None:
        for symbol, value in self.formula.hyper:
            object.__setattr__(self, symbol.name, float(value))

    @property
    def formula(self) -> Formula:
        """The formula of the loss with the chosen constants."""
        return with_constants(self.base, asdict(self))


@dataclass(frozen=True)
class Huber(Loss):
    """d^2/2 where |d| <= delta, and delta (|d| - delta/2) beyond, for d = y - t; their mean.

    delta > 0; outside of that InputError is raised.  Source: Huber (1964).

    >>> Huber(delta=2).formula.name
    'huber(delta=2.0)'
    """

    base: ClassVar[Formula] = losses.HUBER
    delta: float = 1.0


def loss_formula(given: object) -> Formula:
    """Return the formula of a loss, or raise InputError with the nearest name.

    >>> loss_formula("mse").name
    'mean_squared_error'
    >>> loss_formula("huber(delta=2)") == loss_formula(Huber(delta=2.0))
    True
    """
    if isinstance(given, Loss):
        return given.formula
    if isinstance(given, type) and issubclass(given, Loss):
        raise InputError(f"loss={given.__name__} is a class: write {given.__name__}()")
    return formula_of("loss", given, LOSSES)


def targets_of(loss: Formula) -> TensorSymbol:
    """Return the tensor of the targets, which stands after the prediction."""
    _, targets = loss.inputs
    return targets


def is_sparse(loss: Formula) -> bool:
    """Whether the targets are class labels instead of one column a unit."""
    return targets_of(loss).labels is not None


def joins_activation(loss: Formula) -> bool:
    """Whether the loss takes logarithms of its prediction, so that the two are derived jointly.

    >>> joins_activation(loss_formula("bce")), joins_activation(loss_formula("mse"))
    (True, False)
    """
    return loss.name in _NEEDS


def check_last_activation(loss: Formula, activation: str | None) -> None:
    """Raise InputError where ``loss`` cannot read what the last activation puts out.

    >>> check_last_activation(loss_formula("categorical_crossentropy"), "softmax")
    """
    needed = _NEEDS.get(loss.name)
    if loss.name in _OF_LOGITS:
        _check_logits(loss, activation)
    if needed is None or activation == needed:
        return
    given = "no activation" if activation in (None, "linear") else f"activation {activation!r}"
    hint = f"give the last layer activation={needed!r}"
    other = [name for name, act in _NEEDS.items() if act == activation]
    if other:
        hint += f", or use the loss {' or '.join(repr(o) for o in other)}"
    elif activation not in _WHY:
        hint += ", or use the loss 'mse'"
    raise InputError(
        f"the loss {loss.name!r} {_WHY[needed]}, but the last layer has {given}: {hint}"
    )


def _check_logits(loss: Formula, activation: str | None) -> None:
    """A loss of logits applies sigmoid or softmax itself; it must not come twice."""
    if activation not in _WHY:
        return
    fitting = _OF_LOGITS[loss.name].name
    hint = "leave the activation away"
    if _NEEDS[fitting] == activation:
        hint += f", or use the loss {fitting!r}"
    raise InputError(
        f"the loss {loss.name!r} applies {_NEEDS[fitting]} itself, but the last layer has "
        f"activation {activation!r} already: {hint}"
    )
