"""Whole pages made from the public API: the catalogue, the worked example, the quickstart."""
