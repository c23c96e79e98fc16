"""Sequential: a model as a list of layers, in Keras' words."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from symdl.backends.step import Step
from symdl.errors import InputError, Mismatch
from symdl.formula import Formula
from symdl.training import checks, loop
from symdl.training.callbacks import Callback, History
from symdl.training.choices import Worded, positive_int, true_or_false
from symdl.training.compile import Setup, build, setup
from symdl.training.files import Saved, read_model, write_model
from symdl.training.initialize import generator_of, initial_weights, seed_of
from symdl.training.layers import Input, Layer
from symdl.training.losses import Loss, loss_formula, loss_of
from symdl.training.metrics import metric_of
from symdl.training.network import DATA_SIZE, layer_names, network, parameters_of, sizes_of
from symdl.training.optimizers import Optimizer
from symdl.training.row_weights import class_weights, sample_weights

__all__ = ["Sequential"]

Array = NDArray[Any]
Seed = int | np.random.Generator

_ANY = Setup(loss="half_squared_error", optimizer=None)  # to predict before compile


class Sequential(metaclass=Worded):
    """A model that is a list of layers.

    layers  Input, Dense, Activation, Dropout, ...; more can be put on top with ``add``
    seed    a whole number or a numpy Generator for the initial weights.  The default is 0, not
            chance: the same model starts from the same weights until another seed is given.

    The input size comes from Input, from ``input_dim=`` of the first layer, or from the first
    data the model meets; the weights exist from then on.

    >>> from symdl.training.layers import Dense
    >>> model = Sequential([Dense(4, activation="tanh"), Dense(1)])
    >>> model.compile(optimizer="sgd", loss="mse")
    >>> x = np.array([[0.0], [0.5], [1.0]])
    >>> history = model.fit(x, 2 * x, epochs=2)
    >>> len(history.history["loss"]), model.predict(x).shape
    (2, (3, 1))
    """

    def __init__(
        self, layers: Iterable[Layer] | None = None, name: str = "sequential", seed: Seed = 0
    ) -> None:
        self.name = name
        self.seed = seed_of(seed)
        self.stop_training = False
        self.setup: Setup | None = None
        self._layers: list[Layer] = []
        self._columns: int | None = None
        self._weights: dict[str, Array] = {}
        self._step: Step | None = None
        self._weighted: Step | None = None
        for layer in layers or ():
            self.add(layer)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers from the data to the output."""
        return tuple(self._layers)

    def add(self, layer: Layer) -> None:
        """Put a layer on top; the layers below keep their weights.

        Raises InputError for anything that is no layer, and for an Input above other layers.
        """
        if not isinstance(layer, Layer):
            hint = f"; write {layer.__name__}(...)" if isinstance(layer, type) else ""
            raise InputError(f"a layer was expected, such as Dense(8), not {layer!r}{hint}")
        if isinstance(layer, Input) and self._layers:
            raise InputError("Input must be the first layer")
        self._weights, self._step = self._copied(), None
        self._layers.append(layer)

    def compile(
        self,
        optimizer: str | Optimizer | None = "sgd",
        loss: str | Loss | Formula | None = None,
        metrics: Sequence[str] = (),
        dtype: str = "float64",
        backend: str = "numpy",
    ) -> None:
        """Choose how to train; weights that exist are kept, the optimizer starts afresh.

        optimizer  "sgd", "adam", SGD(...), Adam(...); None for gradients without updates
        loss       "mse", "half_squared_error", "binary_crossentropy", "categorical_crossentropy",
                   "sparse_categorical_crossentropy"; Loss("mse", reduction="sum") adds the rows
                   up instead of taking their mean
        metrics    names out of "accuracy", "mse", "mae"; the step computes them from its outputs

        Raises InputError for unknown names and for a loss that cannot read the last activation.
        """
        if loss is None:
            raise InputError("compile needs a loss, such as loss='mse'")
        chosen = setup(loss, optimizer, metrics, dtype, backend)
        network(self._layers, chosen.loss)
        for name in chosen.metrics:
            metric_of(name, loss_formula(chosen.loss), self._units)
        self.setup, self._weights, self._step = chosen, self._copied(), None

    def fit(
        self,
        x: object,
        y: object,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        validation_split: float = 0.0,
        validation_data: Sequence[object] | None = None,
        shuffle: bool = True,
        seed: Seed = 0,
        verbose: int = 1,
        callbacks: Sequence[Callback] = (),
        sample_weight: object = None,
        class_weight: Mapping[int, float] | None = None,
    ) -> History:
        """Train on x (rows, columns) and targets y; return the History, one number an epoch.

        The loss and the metrics of an epoch are means over its rows (with reduction="sum" the loss
        is the sum of its batches).  As in Keras they come from the training steps themselves: from
        the outputs of each batch before its update, with the noise and the statistics of training.
        Validation is done after the epoch, as ``evaluate`` does it.
        ``validation_split`` takes the last rows away before shuffling.  ``seed`` decides the order
        of the rows and what noise layers draw: the same seed gives the same weights, bit for bit.
        ``verbose``: 0 quiet, 1 a bar on a terminal, 2 lines.

        ``sample_weight`` s, one number >= 0 a row, multiplies the loss l of each row: a batch of N
        rows has the loss 1/N sum_n s[n] l[n], divided by N as in Keras and not by the sum of the
        weights.  ``class_weight`` {class: weight} does so by the class of a row, and weights 1 a
        class that it does not name; the two are multiplied.  Metrics are not weighted.  Rows of
        ``validation_split`` keep their sample weights, but have no class weights;
        ``validation_data`` may be (x, y, sample_weight).

        Raises InputError and Mismatch for data that the model cannot be trained on.
        """
        from symdl.training.progress import reporter  # rich takes its time to import

        epochs = positive_int("epochs", epochs)
        batch_size = positive_int("batch_size", batch_size)
        generator = generator_of(seed)
        whole = self._data(x, y, sample_weight=sample_weight)
        data, validation = loop.split_off(whole, validation_split)
        if validation_data is not None:
            if validation is not None:
                raise InputError("give validation_split or validation_data, not both")
            x_, y_, weight = loop.parts(validation_data)
            validation = self._data(x_, y_, " of validation_data", sample_weight=weight)
        data = self._with_class_weights(data, class_weight)
        self._trainable()
        objective = self._objective(data)
        objective.step.generator = generator
        return loop.train(
            self,
            objective,
            data,
            None if validation is None else (self._objective(validation), validation),
            metrics=self._compiled().metrics,
            callbacks=loop.callbacks_for(self, callbacks),
            reporter=reporter(verbose, epochs, -(-len(data) // batch_size)),
            epochs=epochs,
            batch_size=batch_size,
            generator=generator if true_or_false("shuffle", shuffle) else None,
        )

    def train_on_batch(
        self,
        x: object,
        y: object,
        sample_weight: object = None,
        class_weight: Mapping[int, float] | None = None,
    ) -> float:
        """Make one update on all rows of x, and return the loss before the update.

        The weights are those of ``fit``.
        """
        data = self._data(x, y, sample_weight=sample_weight)
        data = self._with_class_weights(data, class_weight)
        self._trainable()
        return float(self._objective(data).step.step(*data.arrays))

    def evaluate(
        self, x: object, y: object, *, batch_size: int = 32, sample_weight: object = None
    ) -> float | list[float]:
        """Return the loss, or [loss, metric, ...] where the model was compiled with metrics.

        The loss is the mean over the rows, whatever the batches, and with reduction="sum" their
        sum; a penalty on weights then counts once a batch.  As in ``predict``, noise is left out
        and running statistics stand for those of the batch.  ``sample_weight`` is that of ``fit``.
        """
        size = positive_int("batch_size", batch_size)
        data = self._data(x, y, sample_weight=sample_weight)
        found = loop.evaluate(self._objective(data), data, self._compiled().metrics, size)
        numbers = list(found.values())
        return numbers if len(numbers) > 1 else numbers[0]

    def predict(self, x: object, *, batch_size: int = 32) -> Array:
        """Return the outputs (rows, units) for x (rows, columns)."""
        size = positive_int("batch_size", batch_size)
        rows = self._features(x)
        step = self._running()
        out = np.empty((len(rows), self._units), rows.dtype)
        for start in range(0, len(rows), size):
            out[start : start + size] = step.forward(rows[start : start + size])
        return out

    @property
    def step(self) -> Step:
        """The step that trains: derived, lowered, and with its source to read.

        Raises InputError before ``compile``, and while the size of the input is unknown.
        """
        self._compiled()
        return self._running()

    def get_weights(self) -> list[Array]:
        """Return copies of the weights and running statistics, layer by layer."""
        self._build()
        return [np.array(w) for w in self._weights.values()]

    def set_weights(self, weights: Sequence[object]) -> None:
        """Put other values in place of the weights, in the order of ``get_weights``.

        Raises Mismatch where their number or a shape differs, InputError for values that are no
        finite numbers; the weights then stay as they were.
        """
        self._build()
        names = tuple(self._weights)
        if len(weights) != len(names):
            expected = f"the model has {len(names)} weights ({', '.join(names)})"
            raise Mismatch(f"{expected}, given {len(weights)}")
        self._put(dict(zip(names, weights, strict=True)))

    def summary(self) -> str:
        """Print and return a table of the layers with the shapes and numbers of their weights."""
        from symdl.training.summary import show, summary_text

        if self._knows_columns():
            self._build()
        text = summary_text(self.name, self._layers, self._weights)
        show(text)
        return text

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write layers, weights and the words of ``compile`` to an .npz file (no pickle in it).

        The file appears whole or not at all.  The running moments of the optimizer stay out: after
        ``load`` the optimizer starts afresh.  Formulas of your own need names, and are given to
        ``load`` again.
        """
        self._build()
        described = Saved(self.name, self.seed, self._columns, self.layers, self.setup)
        write_model(path, described, self._weights)

    @classmethod
    def load(cls, path: str | os.PathLike[str], formulas: Iterable[Formula] = ()) -> Sequential:
        """Read a model written by ``save``.

        formulas  the formulas of your own that the model uses: a file holds their names and their
                  equations to compare, and nothing that is evaluated

        Raises InputError for a file that is none and for a formula that was not given, Mismatch
        where a weight's name or shape differs, or a formula is not the one that was saved.
        """
        saved, weights = read_model(path, formulas)
        model = cls(saved.layers, name=saved.name, seed=saved.seed)
        model.setup = saved.setup
        model._build(saved.columns)
        model._put(weights, where=f"{os.fspath(path)}: ")
        return model

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._layers})"

    # ----------------------------------------------------------------- sizes, weights, the step

    @property
    def _units(self) -> int:
        """The number of columns that come out."""
        units = (layer.units_out for layer in reversed(self._layers) if layer.units_out)
        found = next(units, self._columns)
        if found is None:
            raise InputError("the number of columns is not known yet: begin with Input(columns)")
        return found

    def _knows_columns(self) -> bool:
        first = self._layers[0] if self._layers else Layer()
        return (first.columns or self._columns) is not None

    def _settle(self, columns: int | None = None) -> dict[sp.Symbol, int]:
        """Settle the sizes; ``columns`` are the data's."""
        sizes = sizes_of(self._layers, columns or self._columns)
        self._columns = sizes[DATA_SIZE]
        return sizes

    def _build(self, columns: int | None = None) -> None:
        """Settle the sizes, and give every parameter its weights."""
        sizes = self._settle(columns)
        if self._step is None:
            self._weights = self._initial(sizes)

    def _initial(
        self, sizes: Mapping[sp.Symbol, int], places: Mapping[str, Array] | None = None
    ) -> dict[str, Array]:
        of, known = parameters_of(self._layers), self._weights
        return initial_weights(of, sizes, self.seed, known, self._dtype, places=places)

    def _running(self) -> Step:
        """The step; before ``compile`` it serves for the outputs alone."""
        if self._step is None:
            sizes, chosen = self._settle(), self.setup or _ANY
            step = build(network(self._layers, chosen.loss), chosen, sizes)
            # fresh weights are drawn where the step has them, so that they are there only once
            self._weights = self._initial(sizes, {**step.parameters, **step.statistics})
            step.generator = generator_of(self.seed)
            self._step, self._weighted = step, None
        return self._step

    def _objective(self, data: loop.Data) -> loop.Objective:
        """The step that reads these data, with weights of their rows or without."""
        chosen, step = self._compiled(), self._running()
        if data.s is not None:
            if self._weighted is None:
                net = network(self._layers, chosen.loss, weighted=True)
                self._weighted = build(net, chosen, self._settle(), beside=step)
            self._weighted.generator = step.generator
            step = self._weighted
        return loop.Objective(step, loss_of(chosen.loss).reduction == "sum")

    def _compiled(self) -> Setup:
        if self.setup is None:
            raise InputError("the model has no loss yet: call compile(optimizer, loss) first")
        return self.setup

    def _trainable(self) -> Step:
        if self._compiled().optimizer is None:
            raise InputError("the model was compiled without an optimizer: compile it with one")
        return self.step

    def _copied(self) -> dict[str, Array]:
        return {name: np.array(w) for name, w in self._weights.items()}

    def _put(self, given: Mapping[str, object], where: str = "") -> None:
        checked = checks.weights(given, self._weights, where)
        for name, value in checked.items():
            self._weights[name][...] = value

    # ------------------------------------------------------------------------------ the data

    def _features(self, x: object, part: str = "") -> Array:
        width = sizes_of(self._layers, self._columns)[DATA_SIZE] if self._knows_columns() else None
        names = layer_names(self._layers)
        found = checks.features(x, width, names[0] if names else "the model", self._dtype, part)
        self._settle(found.shape[1])
        return found

    def _data(
        self, x: object, y: object, part: str = "", sample_weight: object = None
    ) -> loop.Data:
        chosen = self._compiled()
        loss = loss_formula(chosen.loss)
        rows = self._features(x, part)
        checks.same_rows(rows, y, part)
        assumed = network(self._layers, chosen.loss).assumptions
        last = layer_names(self._layers)[-1]
        t = checks.targets(
            y, loss, self._units, last, dtype=chosen.dtype, assumed=assumed, part=part
        )
        if sample_weight is None:
            return loop.Data(rows, t)
        return loop.Data(rows, t, sample_weights(sample_weight, len(rows), chosen.dtype, part))

    def _with_class_weights(self, data: loop.Data, given: object) -> loop.Data:
        if given is None:
            return data
        chosen = self._compiled()
        loss = loss_formula(chosen.loss)
        by_class = class_weights(given, data.t, loss, self._units, chosen.dtype)
        return loop.Data(data.x, data.t, by_class if data.s is None else data.s * by_class)

    @property
    def _dtype(self) -> str:
        return (self.setup or _ANY).dtype
