"""Judging running code: gradients, precision, agreement; strategies for property tests."""

from symdl.evidence.judge import judge_equation as evidence
from symdl.verify.gradients import GradientCheck, check_gradient

__all__ = ["GradientCheck", "check_gradient", "evidence", "strategies"]
