"""Judging running code: values, gradients against differences; strategies for property tests.

``strategies`` needs hypothesis (the ``test`` extra) and is imported when it is asked for.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from symdl.evidence.judge import judge_equation as evidence
from symdl.verify.formulas import FormulaCheck, check_formula
from symdl.verify.gradients import GradientCheck, check_gradient, check_model
from symdl.verify.precision import Precision, precision

__all__ = [
    "FormulaCheck",
    "GradientCheck",
    "Precision",
    "check_formula",
    "check_gradient",
    "check_model",
    "evidence",
    "precision",
    "strategies",
]


def __getattr__(name: str) -> ModuleType:
    if name == "strategies":
        return importlib.import_module("symdl.verify.strategies")
    raise AttributeError(f"module 'symdl.verify' has no attribute {name!r}")
