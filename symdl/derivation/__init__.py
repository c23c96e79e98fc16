"""What a reader sees: choosing and wording lines, numbers beside symbols, renderers."""
