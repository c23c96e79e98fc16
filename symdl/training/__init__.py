"""Models as users name them, and what trains them: layers, compile, fit, metrics, data."""
