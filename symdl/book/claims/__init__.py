"""What the catalogue claims of an entry beyond its formula and its gradient, and how it is judged.

``claims(formula)`` gives pairs of a statement and a function that judges it; nothing is judged
before that function is called.
"""

from __future__ import annotations

from symdl.book.claims.activations import activation_claims
from symdl.book.claims.clipping import clipping_claims
from symdl.book.claims.constraints import constraint_claims
from symdl.book.claims.gates import gate_claims
from symdl.book.claims.initializers import initializer_claims
from symdl.book.claims.losses import loss_claims
from symdl.book.claims.noise import noise_claims
from symdl.book.claims.normalization import normalization_claims
from symdl.book.claims.optimizers import optimizer_claims, schedule_claims
from symdl.book.claims.parts import Claim
from symdl.formula import Formula

__all__ = ["Claim", "claims"]

_KINDS = (
    activation_claims,
    gate_claims,
    loss_claims,
    optimizer_claims,
    schedule_claims,
    initializer_claims,
    noise_claims,
    normalization_claims,
    constraint_claims,
    clipping_claims,
)


def claims(formula: Formula) -> tuple[Claim, ...]:
    """The claims on a formula of the catalogue; none for one that is not in it.

    >>> from symdl.catalog.activations import SIGMOID
    >>> for what, judge in claims(SIGMOID):
    ...     print(what, "-", judge().level)
    values in (0, 1) - proved
    largest derivative 1/4, at x = 0 - proved
    never falls - proved
    sigmoid(-x) = 1 - sigmoid(x) - proved
    """
    return tuple(claim for kind in _KINDS for claim in kind(formula))
