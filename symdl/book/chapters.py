"""The chapters of the book, in the order in which the subject is taught, and what stands where."""

from __future__ import annotations

from symdl.book.results import results
from symdl.catalog import layers, noise, normalization

__all__ = ["BOOK", "CHAPTERS", "chapter_of", "page_of"]

BOOK = "derivations"

# folder: title
CHAPTERS = {
    "perceptron": "The perceptron and its gates",
    "activations": "Activations",
    "losses": "Losses",
    "differentiation": "Differentiation",
    "descent": "Gradient descent",
    "backpropagation": "Backpropagation",
    "optimizers": "Optimizers and learning rates",
    "initialization": "Initialization",
    "regularization": "Regularization and noise",
    "normalization": "Normalization",
    "gradient_trouble": "Vanishing and exploding gradients",
    "own_formulas": "Formulas of your own",
    "conventions": "Conventions that differ",
}

_OF_KIND = {
    "gate": "perceptron",
    "activation": "activations",
    "loss": "losses",
    "activation with loss": "losses",
    "optimizer": "optimizers",
    "schedule": "optimizers",
    "initializer": "initialization",
    "regularizer": "regularization",
    "constraint": "regularization",
    "clipping": "gradient_trouble",
}
_OF_NAME = dict.fromkeys((f.name for f in layers.ALL), "backpropagation")
_OF_NAME |= dict.fromkeys((f.name for f in normalization.ALL), "normalization")
_OF_NAME |= dict.fromkeys((f.name for f in noise.ALL), "regularization")
_OF_NAME |= {r.formula.name: r.chapter for r in results()}


def chapter_of(kind: str, name: str) -> str:
    """The folder of the chapter in which an entry of the catalogue has its page.

    >>> chapter_of("layer", "batch_normalization")
    'normalization'
    """
    if kind in ("layer", "result"):
        return _OF_NAME[name]
    return _OF_KIND[kind]


def page_of(kind: str, name: str) -> str:
    """The file of an entry's page, from the top of a checkout.

    >>> page_of("activation", "tanh")
    'derivations/activations/tanh.md'
    """
    return f"{BOOK}/{chapter_of(kind, name)}/{name.replace(' ', '_')}.md"
