"""Verdicts on formulas and steps: proved, instance, numeric, float, refuted, unknown."""
