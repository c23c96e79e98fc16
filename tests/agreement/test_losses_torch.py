"""Losses against PyTorch, in its double precision: values, and gradients by autograd."""

import numpy as np
import pytest

from symdl.calculus.rows import reduced
from symdl.catalog import losses
from tests.agreement.close import SEEDS, close
from tests.agreement.compiled import gradient
from tests.agreement.test_losses import drawn, every, kinds, put_together

torch = pytest.importorskip("torch")
F = torch.nn.functional


def by_row(loss):
    """A loss of PyTorch that is written element by element: its mean over the columns."""
    return lambda y, t, **words: loss(y, t, reduction="none", **words).mean(-1)


PYTORCH = {
    "half_squared_error": lambda y, t: F.mse_loss(y, t, reduction="none").sum(-1) / 2,
    "mean_squared_error": by_row(F.mse_loss),
    "mean_absolute_error": by_row(F.l1_loss),
    "huber": by_row(F.huber_loss),
    "log_cosh": lambda y, t: torch.log(torch.cosh(y - t)).mean(-1),
    # PyTorch's hinge losses are others: this is the one of max-margin, in tensor operations
    "hinge": lambda y, t: torch.clamp(1 - t * y, min=0).mean(-1),
    "binary_crossentropy": by_row(F.binary_cross_entropy),
    "binary_crossentropy_from_logits": by_row(F.binary_cross_entropy_with_logits),
    "categorical_crossentropy": lambda p, t: -(t * torch.log(p)).sum(-1),
    "categorical_crossentropy_from_logits": lambda z, t: F.cross_entropy(z, t, reduction="none"),
    "sparse_categorical_crossentropy": lambda p, c: F.nll_loss(torch.log(p), c, reduction="none"),
    "sparse_categorical_crossentropy_from_logits": lambda z, c: F.cross_entropy(
        z, c, reduction="none"
    ),
    "kl_divergence": lambda p, t: F.kl_div(torch.log(p), t, reduction="none").sum(-1),
}


def test_every_loss_is_compared():
    assert {f.name for f in losses.ALL} == PYTORCH.keys()


@every
@kinds
def test_value_and_gradient(formula, reduction, weighted):
    for seed in SEEDS:
        chosen, constants, (y, t), weights = drawn(formula, seed)
        prediction = torch.tensor(y, requires_grad=True)
        rows = PYTORCH[formula.name](prediction, torch.tensor(t), **constants)
        wanted = put_together(rows, reduction, torch.tensor(weights) if weighted else None)
        up = np.random.default_rng(seed).standard_normal(tuple(wanted.shape))
        wanted.backward(torch.tensor(up))

        given = (y, t, weights) if weighted else (y, t)
        kind = reduced(chosen, reduction, weighted)
        run = gradient(kind, formula.inputs[0])
        value, found = run(*given, up) if reduction == "none" else run(*given)
        close(value, wanted.detach().numpy())
        close(found * (1 if reduction == "none" else up), prediction.grad.numpy())


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (losses.MSE, F.mse_loss),
        (losses.MAE, F.l1_loss),
        (losses.HUBER, F.huber_loss),
        (losses.BINARY_CROSSENTROPY, F.binary_cross_entropy),
        (losses.CATEGORICAL_CROSSENTROPY_FROM_LOGITS, F.cross_entropy),
        (losses.SPARSE_CATEGORICAL_CROSSENTROPY_FROM_LOGITS, F.cross_entropy),
    ],
    ids=lambda f: getattr(f, "name", ""),
)
def test_the_mean_is_that_of_pytorch(ours, theirs):
    """The usual reduction of both, as it stands, not put together out of rows."""
    chosen, _, (y, t), _ = drawn(ours, 3)
    chosen = ours if ours is losses.HUBER else chosen
    found = gradient(chosen, ours.inputs[0])(y, t)[0]
    close(found, theirs(torch.tensor(y), torch.tensor(t)).numpy())


def test_the_mean_of_the_divergence_is_batchmean_in_pytorch():
    _, _, (p, t), _ = drawn(losses.KL_DIVERGENCE, 1)
    found = gradient(losses.KL_DIVERGENCE, losses.p)(p, t)[0]
    given = torch.log(torch.tensor(p)), torch.tensor(t)
    close(found, F.kl_div(*given, reduction="batchmean").numpy())
    close(found / p.shape[1], F.kl_div(*given, reduction="none").mean().numpy())
