"""Pictures of the book: curves, descents, surfaces and graphs, all drawn from formulas."""
