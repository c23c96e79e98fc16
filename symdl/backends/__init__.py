"""Programs become source text, and source text becomes callables."""
