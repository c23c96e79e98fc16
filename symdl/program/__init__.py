"""The lowered form of a list of equations, and its passes."""
