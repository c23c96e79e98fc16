"""Losses by name, and what each asks of the last activation and of the targets."""

from __future__ import annotations

from symdl.catalog import activations, losses
from symdl.errors import InputError
from symdl.formula import Formula
from symdl.notation.tensors import TensorSymbol
from symdl.training.choices import choose

__all__ = [
    "LOSSES",
    "check_last_activation",
    "is_sparse",
    "joins_activation",
    "loss_formula",
    "targets_of",
]

_ALIASES = {"mse": losses.MSE, "bce": losses.BINARY_CROSSENTROPY}
LOSSES: dict[str, Formula] = {f.name: f for f in losses.ALL} | _ALIASES

# A loss that takes the logarithm of its prediction reads it as a probability.
_NEEDS: dict[str, str] = {
    losses.BINARY_CROSSENTROPY.name: activations.SIGMOID.name,
    losses.CATEGORICAL_CROSSENTROPY.name: activations.SOFTMAX.name,
    losses.SPARSE_CATEGORICAL_CROSSENTROPY.name: activations.SOFTMAX.name,
}
_WHY = {
    activations.SIGMOID.name: "reads each output as a probability of its own",
    activations.SOFTMAX.name: "reads each row of outputs as probabilities that sum to 1",
}


def loss_formula(name: object) -> Formula:
    """Return the catalogue's loss of that name, or raise InputError with the nearest name.

    >>> loss_formula("mse").name
    'mean_squared_error'
    """
    return choose("loss", name, LOSSES)


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
