"""The class Step of a written file: generated functions with arrays, weights and a first run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp
from numpy.typing import NDArray

from symdl.backends.build import Build
from symdl.backends.c_function import plain
from symdl.backends.given import axes_of, size_value
from symdl.backends.numpy_source import Maker
from symdl.backends.step import Step
from symdl.book.initial_text import initial_weights_text
from symdl.errors import InputError
from symdl.formula import Formula, Variable
from symdl.notation.tensors import TensorSymbol
from symdl.training.losses import loss_of, targets_of
from symdl.training.network import Network, network, parameters_of
from symdl.training.sequential import Sequential

__all__ = ["Parts", "parts_of", "step_class"]

_METHODS = {"uniform": "random", "normal": "standard_normal"}  # of a NumPy generator
_ROWS = 32  # of the first run
_RULER = f"# {'-' * 60} the functions with their arrays\n"


@dataclass(frozen=True)
class Parts:
    """What is written of a model: its step, its network and the formula of its loss."""

    model: Sequential
    step: Step
    net: Network
    loss: Formula

    @property
    def build(self) -> Build:
        """What the step was written from."""
        return self.step.build

    @property
    def batch(self) -> str:
        """The name of the number of rows."""
        return str(self.net.batch)

    @property
    def vectors(self) -> tuple[str, ...]:
        """The states of the optimizer that are vectors."""
        return tuple(name for name in self.step.state if name != "step")

    def shape(self, v: Variable, rows: str = "N") -> str:
        """The shape of a variable as text, with its number of rows as it is called there."""
        return shape_text(axes_of(v), self.step.sizes, self.net.batch, rows)

    def is_label(self, v: Variable) -> bool:
        """Whether it holds labels."""
        return v in self.build.labels


def parts_of(model: Sequential) -> Parts:
    """Return what is written of a model; raise InputError where it is not complete."""
    chosen = model.setup
    if chosen is None:
        raise InputError("the model has no loss: it was not compiled")
    if chosen.optimizer is None:
        raise InputError("the model has no optimizer: it was compiled without one")
    net, loss = network(model.layers, chosen.loss), loss_of(chosen.loss).formula
    return Parts(model, model.step, net, loss)


def shape_text(
    axes: Iterable[sp.Expr], sizes: Mapping[sp.Symbol, int], batch: sp.Symbol, rows: str = "N"
) -> str:
    """A shape as Python text: numbers, and the rows of a batch.

    >>> N, D = sp.symbols("N D")
    >>> shape_text([N, D], {D: 3}, N), shape_text([D], {D: 3}, N), shape_text([], {}, N)
    ('(N, 3)', '(3,)', '()')
    """
    known = {**{s: sp.Integer(n) for s, n in sizes.items()}, batch: sp.Symbol(rows)}
    found = [str(sp.sympify(a, strict=True).xreplace(known)) for a in axes]
    return f"({', '.join(found)}{',' if len(found) == 1 else ''})"


def step_class(parts: Parts, more: str = "") -> Maker:
    """The source of the class; ``more`` are further methods."""
    text = "\n\n".join(
        [
            _constants(parts),
            initial_weights_text(
                parameters_of(parts.model.layers), parts.step.sizes, parts.model.seed
            ),
            _LOAD.format(
                held="(*PARAMETERS, *STATISTICS)" if parts.step.statistics else "PARAMETERS"
            ),
            _class(parts) + more,
            _first_run(parts),
        ]
    )
    return Maker("Step", text, frozenset({"buffer", "cut"}))


def _constants(parts: Parts) -> str:
    numbers = parts.build.numbers(parts.step.sizes, without=parts.net.batch)
    lines = [_RULER, f'DTYPE = np.dtype("{parts.step.dtype}")']
    lines.append(f"SIZES = {_dictionary(numbers)}")
    lines.append("# names and shapes, in the order in which they lie in one vector")
    lines.append(f"PARAMETERS = {_shapes(parts.step.parameters)}")
    if parts.step.statistics:
        lines.append(f"STATISTICS = {_shapes(parts.step.statistics)}")
    if parts.build.metrics:
        lines.append(f"METRICS = {_entries({v.name: () for v in parts.build.metrics})}")
    lines.append(f"HYPER = {_entries(parts.step.hyper)}")
    return "\n".join(lines) + "\n"


def _dictionary(values: Mapping[str, object]) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name, value in values.items()) + "}"


def _shapes(arrays: Mapping[str, NDArray[Any]]) -> str:
    return _entries({name: a.shape for name, a in arrays.items()})


def _entries(values: Mapping[str, object]) -> str:
    return "{\n" + "".join(f'    "{name}": {value},\n' for name, value in values.items()) + "}"


_LOAD = '''\
def load_weights(path):
    """Weights from an .npz file that holds them by name, such as a model that symdl saved."""
    with np.load(path) as file:
        return {{name: file[name] for name in {held}}}


def checked(name, array, dtype, shape):
    """The array in C order, if it has that shape."""
    array = np.ascontiguousarray(array, dtype)
    if array.shape != shape:
        raise ValueError(f"{{name}} has the shape {{array.shape}}, but {{shape}} is expected")
    return array
'''


def _class(parts: Parts) -> str:
    """The class itself, with what this model needs and nothing else."""
    step, build = parts.step, parts.build
    names = [v.name for v in build.given]
    old = bool(step.statistics)
    return _CLASS.format(
        given=", ".join(names),
        first=names[0],
        inputs=", ".join(v.name for v in build.inputs),
        shapes=_lines(4, [f"{v.name:<11} {_described(parts, v)}" for v in build.given]),
        vectors=_lines(12, _vectors(parts)),
        statistics=_lines(8, _STATISTICS if old else []),
        running=_lines(4, [about for name, about in _KEPT.items() if getattr(build, name)]),
        metrics=_lines(8, [_METRICS] if build.metrics else []),
        arrays="{**self.parameters, **self.statistics}" if old else "self.parameters",
        seed=parts.model.seed,
        states=_lines(8, [_STATE.format(name) for name in parts.vectors]),
        units=(1.0,) * len(parts.vectors),
        changes=_lines(8, _changes(parts)),
        drawn=f", *self.drawn(len({names[0]}))" if build.draws else "",
        drawing=_drawing(parts) if build.draws else "",
        clip=_lines(8, ["for clip in self.clips:", "    clip()"] if build.clip else []),
        constrain=_lines(8, ["self.constrain()"] if build.outline.constrained else []),
        follow=_lines(8, ["np.copyto(self.old, self.next)"] if old else []),
        check_inputs=_lines(8, [line for v in build.inputs for line in _check(parts, v)]),
        check_given=_lines(8, [line for v in build.given for line in _check(parts, v)]),
        batch=parts.batch,
    )


def _lines(indent: int, lines: Sequence[str]) -> str:
    """Lines that follow another, or nothing."""
    return "".join(f"\n{' ' * indent}{line}" for line in lines)


_CLASS = '''\
def named(vector, shapes):
    """Arrays by name, cut from one vector."""
    return dict(zip(shapes, cut(vector, *shapes.values())))


class Step:
    """The weights of the model; calling it with {given} takes one training step.
{shapes}
    parameters  the weights by name: views of one vector, change them in place{running}
    hyper       the constants of the optimizer; change them at any time
    """

    def __init__(self, weights=None, seed={seed}):
        count = sum(math.prod(shape) for shape in PARAMETERS.values())
        self.vector, self.gradient = buffer((count,), DTYPE), buffer((count,), DTYPE)
        self.parameters = named(self.vector, PARAMETERS){statistics}{metrics}
        self.vectors = {{{vectors}
        }}
        weights = initial_weights(seed) if weights is None else weights
        for name, array in {arrays}.items():
            array[...] = checked(name, weights[name], DTYPE, array.shape)
        self.hyper = dict(HYPER)
        self.state = {{"step": 0, "units": {units}}}{states}
        self.update = make_update(self.vector, self.gradient, self.state, self.hyper){changes}
        self.made = {{}}

    def __call__(self, {given}):
        """Take one training step; return the loss before it."""
        loss, _ = self.gradients({given}){clip}
        self.update(){constrain}{follow}
        return loss

    def gradients(self, {given}):
        """The loss in training and its gradients by name: views, which the next call changes."""
        {given} = self.given({given})
        gradients = self.function(make_gradients, len({first}))
        return gradients({given}{drawn}), named(self.gradient, PARAMETERS){drawing}

    def evaluate(self, {given}):
        """The loss in prediction."""
        {given} = self.given({given})
        return self.function(make_evaluate, len({first}))({given})

    def forward(self, {inputs}):
        """The output for new inputs."""{check_inputs}
        return np.array(self.function(make_forward, len({first}))({inputs}))

    def given(self, {given}):
        """What is given, as the functions read it."""{check_given}
        return {given}

    def function(self, make, rows):
        """The function for that many rows; it is made once, with its buffers."""
        if (make, rows) not in self.made:
            self.made[make, rows] = make(*self.vectors[make], {batch}=rows, **SIZES)
        return self.made[make, rows]
'''
_STATE = 'self.state["{}"] = buffer(self.vector.shape, DTYPE)'
_METRICS = "self.metrics = buffer((len(METRICS),), DTYPE)"
_STATISTICS = (
    "count = sum(math.prod(shape) for shape in STATISTICS.values())",
    "self.old, self.next = buffer((count,), DTYPE), buffer((count,), DTYPE)",
    "self.statistics = named(self.old, STATISTICS)",
)


_KEPT = {
    "statistics": "statistics  the running statistics, in the same way",
    "metrics": "metrics     the metrics of the last call",
}
_ATTRIBUTES = {
    "parameters": "self.vector",
    "statistics": "self.old",
    "gradient": "self.gradient",
    "next_statistics": "self.next",
    "metrics": "self.metrics",
}


def _vectors(parts: Parts) -> list[str]:
    """The vectors that each function works on."""
    lines = []
    for name, use in parts.build.uses.items():
        held = [_ATTRIBUTES[vector] for vector in use.vectors]
        lines.append(f"make_{name}: ({', '.join(held)}{',' if len(held) == 1 else ''}),")
    return lines


def _described(parts: Parts, v: Variable) -> str:
    """What an array that is given holds."""
    labels = f", labels 0 to {_classes(parts, v) - 1}" if parts.is_label(v) else ""
    return f"{parts.shape(v)}{labels}"


def _classes(parts: Parts, v: Variable) -> int:
    assert isinstance(v, TensorSymbol)
    return size_value(v.labels, parts.step.sizes)


def _changes(parts: Parts) -> list[str]:
    """What is done to the gradient before the update, and to the parameters after it."""
    clip, lines = parts.build.clip, []
    if clip is not None:
        each = "named(self.gradient, PARAMETERS).values()" if clip.by_tensor else "[self.gradient]"
        lines.append(f"parts = {each}")
        lines.append("self.clips = [make_clip(part.reshape(-1), self.hyper) for part in parts]")
    if parts.build.outline.constrained:
        lines.append("self.constrain = make_constrain(self.vector, **SIZES)")
    if parts.build.draws:
        lines.append("self.generator = np.random.default_rng(seed)")
    return lines


_DRAWN = '''

    def drawn(self, rows):
        """The random tensors of a training step."""
        return [{tensors}
        ]'''


def _drawing(parts: Parts) -> str:
    """The method that draws the random tensors."""
    lines = []
    for v in parts.build.draws:
        call = f"self.generator.{_METHODS[parts.step.draws[v]]}({parts.shape(v, 'rows')})"
        lines.append(f"{call}.astype(DTYPE),  # {plain(v.name)}")
    return _DRAWN.format(tensors=_lines(12, lines))


def _check(parts: Parts, v: Variable) -> list[str]:
    """Lines that bring what is given into the form that the functions read."""
    name, shape = v.name, parts.shape(v, f"len({parts.build.given[0].name})")
    if not parts.is_label(v):
        return [f'{name} = checked("{name}", {name}, DTYPE, {shape})']
    last = _classes(parts, v) - 1
    return [
        f'{name} = checked("{name}", {name}, np.intp, {shape})',
        f"if {name}.min() < 0 or {name}.max() > {last}:",
        f'    raise ValueError("{name} holds labels from 0 to {last}")',
    ]


# ------------------------------------------------------------------------------ the first run


def _first_run(parts: Parts) -> str:
    names = [v.name for v in parts.build.given]
    lines = [
        'if __name__ == "__main__":',
        "    import sys",
        "",
        "    step = Step(load_weights(sys.argv[1]) if len(sys.argv) > 1 else None)",
        "    rng = np.random.default_rng(0)",
    ]
    for v in parts.build.given:
        lines += [f"    {line}" for line in _random_data(parts, v)]
    lines += [
        "    for k in range(1, 11):",
        f'        print(f"step {{k}}: loss {{step({", ".join(names)}):.6g}}")',
    ]
    return "\n".join(lines) + "\n"


def _random_data(parts: Parts, v: Variable) -> list[str]:
    """Random values of what a variable may be: the domain and assumptions of the loss."""
    shape = parts.shape(v, str(_ROWS))
    target = targets_of(parts.loss)
    if v != parts.net.target:
        return [f"{v.name} = rng.standard_normal({shape})"]
    if parts.is_label(v):
        return [f"{v.name} = rng.integers({_classes(parts, v)}, size={shape})"]
    domain = parts.loss.domain_of(target)
    if isinstance(domain, sp.FiniteSet):
        return [f"{v.name} = rng.choice({[float(e) for e in sorted(domain)]}, {shape})"]
    lines = [f"{v.name} = {_uniform(domain, shape)}"]
    if parts.loss.assumptions:
        lines.append(f"{v.name} /= {v.name}.sum(axis=1, keepdims=True)  # rows of sum 1")
    return lines


def _uniform(domain: sp.Set, shape: str) -> str:
    """A draw from an interval, or next to its only end; a normal one from all numbers."""
    low, high = domain.inf, domain.sup
    if not low.is_finite and not high.is_finite:
        return f"rng.standard_normal({shape})"
    low = low if low.is_finite else high - 1
    high = high if high.is_finite else low + 1
    return f"rng.uniform({float(low)}, {float(high)}, {shape})"
