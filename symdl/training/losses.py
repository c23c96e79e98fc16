"""Losses by name, and what each asks of the last activation and of the targets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from numpy.typing import ArrayLike

from symdl.backends.function import Compiled
from symdl.calculus.rows import REDUCTIONS, reduced
from symdl.catalog import activations, losses
from symdl.errors import InputError
from symdl.formula import Formula
from symdl.notation.tensors import TensorSymbol
from symdl.training.choices import Worded, choose
from symdl.training.constants import formula_of, with_constants
from symdl.training.own import own_loss
from symdl.training.run_formula import compile_formula

__all__ = [
    "LOSSES",
    "Huber",
    "Loss",
    "check_last_activation",
    "is_sparse",
    "joins_activation",
    "loss_formula",
    "loss_of",
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


# Keras' names of the reductions beside ours
_REDUCTIONS = {r: r for r in REDUCTIONS} | {"sum_over_batch_size": "mean"}


@dataclass(frozen=True)
class Loss(metaclass=Worded):
    """A loss of a batch of N rows, put together from the losses l[n] of its rows.

    name       a name such as "mse" or "huber(delta=2)", or a formula of your own, written as a
               mean over the rows
    reduction  "mean" (1/N sum_n l[n]; Keras' name "sum_over_batch_size" says the same), "sum"
               (sum_n l[n]) or "none" (every l[n])

    Called with targets and predictions it gives the number, or with "none" the array (rows,).
    With sample weights s[n], s[n] l[n] takes the place of l[n]; the mean is still divided by the
    number N of rows, as in Keras, and not by the sum of the weights.

    Raises InputError for an unknown name or reduction, NotSupported for a formula that is no mean
    over its rows where its rows are asked for.

    >>> t, y = [[0.0], [1.0]], [[0.5], [3.0]]
    >>> float(Loss("mse")(t, y)), float(Loss("mse", reduction="sum")(t, y))
    (2.125, 4.25)
    >>> Loss("mse", reduction="none")(t, y, sample_weight=[1, 0.5])
    array([0.25, 2.  ])
    """

    name: str | Formula
    reduction: str = "mean"

    def __post_init__(self) -> None:
        formula = _written(self.name)
        if not isinstance(self.name, Formula):
            object.__setattr__(self, "name", formula.name)
        object.__setattr__(self, "reduction", choose("reduction", self.reduction, _REDUCTIONS))
        reduced(formula, self.reduction)

    @property
    def formula(self) -> Formula:
        """The formula as it is written, a mean over the rows, with the chosen constants."""
        return _written(self.name)

    def reduced(self, weighted: bool = False) -> Formula:
        """The formula of this reduction; with weights of the rows s[n] as the last input."""
        return reduced(self.formula, self.reduction, weighted)

    @property
    def words(self) -> str | Loss:
        """The text that names the loss with its reduction; a loss of one's own has none."""
        if isinstance(self.name, Formula):
            return self
        if self.reduction == "mean":
            return self.name
        constants, said = self.name.removesuffix(")"), f"reduction={self.reduction})"
        return f"{constants}, {said}" if "(" in constants else f"{constants}({said}"

    def __call__(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Any:
        """The loss of predictions (rows, columns) against targets; labels have shape (rows,)."""
        if sample_weight is None:
            return _running(self, False)(y_pred, y_true)
        return _running(self, True)(y_pred, y_true, sample_weight)


class Huber(Loss):
    """d^2/2 where |d| <= delta, and delta (|d| - delta/2) beyond, for d = y - t; their mean.

    delta > 0; outside of that InputError is raised.  Source: Huber (1964).

    >>> Huber(delta=2).formula.name
    'huber(delta=2.0)'
    """

    def __init__(self, delta: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(with_constants(losses.HUBER, {"delta": delta}).name, reduction)

    @property
    def delta(self) -> float:
        """The distance up to which the loss is a square."""
        return float(dict(self.formula.hyper)[losses.delta])


@lru_cache(maxsize=64)
def _running(loss: Loss, weighted: bool) -> Compiled:
    return compile_formula(loss.reduced(weighted))


def _written(given: object) -> Formula:
    if isinstance(given, Formula):
        return own_loss(given, LOSSES)
    return formula_of("loss", given, LOSSES)


def loss_of(given: object) -> Loss:
    """Return the loss that is meant: a name with constants and reduction, a formula, or a Loss.

    Raises InputError, with the nearest name for an unknown one.

    >>> loss_of("mse")
    Loss(name='mean_squared_error', reduction='mean')
    >>> loss_of("huber(delta=2, reduction=sum)").words
    'huber(delta=2.0, reduction=sum)'
    """
    if isinstance(given, Loss):
        return given
    if isinstance(given, type) and issubclass(given, Loss):
        raise InputError(f"loss={given.__name__} is a class: write {given.__name__}()")
    if isinstance(given, str):
        name, reduction = _with_reduction(given)
        return Loss(name, reduction)
    return Loss(given)  # type: ignore[arg-type]


def _with_reduction(text: str) -> tuple[str, str]:
    """``huber(delta=2, reduction=sum)`` as ``huber(delta=2)`` and ``sum``."""
    name, bracket, rest = text.partition("(")
    if not bracket or not rest.endswith(")"):
        return text, "mean"
    words = [w.strip() for w in rest.removesuffix(")").split(",")]
    said = [w for w in words if w.partition("=")[0].strip() == "reduction"]
    if len(said) > 1:
        raise InputError(f"the loss {text!r} names its reduction twice")
    constants = ", ".join(w for w in words if w not in said)
    return f"{name}({constants})", said[0].partition("=")[2].strip() if said else "mean"


def loss_formula(given: object) -> Formula:
    """Return the formula of a loss as it is written, a mean, whatever the reduction.

    Raises InputError, with the nearest name for an unknown one.

    >>> loss_formula("mse").name
    'mean_squared_error'
    >>> loss_formula("huber(delta=2)") == loss_formula(Huber(delta=2.0))
    True
    """
    return loss_of(given).formula


def targets_of(loss: Formula) -> TensorSymbol:
    """Return the tensor of the targets, which stands after the prediction."""
    return loss.inputs[1]


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
