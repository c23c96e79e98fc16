"""Index notation over symbolic sizes: indices, tensors, binders, indicators, normal form."""
