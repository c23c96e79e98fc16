"""A training step as one readable file that needs NumPy alone."""

from __future__ import annotations

from symdl.backends.numpy_module import TITLE
from symdl.backends.numpy_source import module_source
from symdl.book.step_class import parts_of, step_class
from symdl.training.sequential import Sequential

__all__ = ["step_file"]

_ABOUT = '''\
"""A training step that needs NumPy alone, written by symdl.

    python {stem}.py              ten steps on random data
    python {stem}.py MODEL.npz    the same, from the weights of a saved model

    from {stem} import Step, load_weights
    step = Step()               or Step(load_weights("MODEL.npz"))
    loss = step({given}){space}{shapes}
"""

'''


def step_file(model: Sequential, stem: str = "step") -> str:
    """Return the source of a module with the functions of the model's step and the class Step.

    ``stem`` is the name of the file to be, without its ending.  Raises InputError for a model that
    has no loss, no optimizer or no size of its input.

    >>> from symdl.training.layers import Dense, Input
    >>> model = Sequential([Input(2), Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> names = {}
    >>> exec(step_file(model), names)
    >>> names["Step"]()([[0.0, 0.0]], [[1.0]])
    1.0
    """
    parts = parts_of(model)
    source = module_source(TITLE, parts.build.formulas, [*parts.build.makers, step_class(parts)])
    given = ", ".join(v.name for v in parts.build.given)
    shapes = ", ".join(f"{v.name}: {parts.shape(v)}" for v in parts.build.given)
    space = " " * (15 - len(given))
    return _ABOUT.format(stem=stem, given=given, shapes=shapes, space=space) + source
