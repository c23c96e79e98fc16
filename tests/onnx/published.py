"""The node cases that the package ``onnx`` publishes: one operator, its inputs and outputs.

The cases are made in this process by the package's own reference code.  A case of the same name
with ``_expanded`` holds the same arrays for a graph of simpler operators: it is left out here.
"""

import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np
from onnx import helper
from onnx.backend.test.loader import load_model_tests


@dataclass(frozen=True, eq=False)
class Case:
    """One published case; inputs and outputs that are left empty in the node are left out."""

    name: str
    operator: str
    attributes: dict
    inputs: dict
    outputs: dict
    rtol: float
    atol: float

    def __getitem__(self, name):
        """The input of that name."""
        return self.inputs[name]

    @property
    def first(self):
        """The first input."""
        return next(iter(self.inputs.values()))

    def attribute(self, name, usual):
        """An attribute of the node, or its usual value."""
        value = self.attributes.get(name, usual)
        return value.decode() if isinstance(value, bytes) else value


@cache
def published():
    """Operator -> its cases, in the order in which they are published."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the reference code of other operators overflows
        cases = load_model_tests(kind="node")
    found = {}
    for case in cases:
        nodes = case.model.graph.node
        if len(nodes) == 1 and "_expanded" not in case.name:
            found.setdefault(nodes[0].op_type, []).append(_case(case, nodes[0]))
    return found


def _case(case, node):
    ((inputs, outputs),) = case.data_sets
    return Case(
        case.name,
        node.op_type,
        {a.name: helper.get_attribute_value(a) for a in node.attribute},
        _named(node.input, inputs),
        _named(node.output, outputs),
        case.rtol,
        case.atol,
    )


def _named(names, values):
    present = [name for name in names if name]
    return {n: v if isinstance(v, list) else np.asarray(v)
            for n, v in zip(present, values, strict=True)}  # fmt: skip
