"""Formulas with their sources, and nothing else: no derivative, no NumPy, no algorithm."""
