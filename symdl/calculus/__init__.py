"""Derivatives as trees of rule applications, adjoints of equations, elimination."""
