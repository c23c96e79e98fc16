"""The quickstart: XOR with and without a hidden layer, the files it writes, in a few seconds."""

import io
import re

import numpy as np
from rich.console import Console

from symdl.book.quickstart import quickstart, xor


def test_exclusive_or_needs_a_hidden_layer():
    hidden, without = xor()
    loss, accuracy = hidden.train()
    assert loss < 0.05
    assert accuracy == 1
    loss, accuracy = without.train()
    assert abs(loss - np.log(2)) < 1e-3
    assert accuracy < 1


def test_it_shows_and_writes_everything(tmp_path):
    out = io.StringIO()
    written = quickstart(tmp_path / "out", Console(file=out, width=80))
    text = out.getvalue()
    assert [p.name for p in written] == ["backprop-2-2-2.md", "iris_step.py"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(p.name for p in written)
    assert "0.43703857" in written[0].read_text(encoding="utf-8")
    assert "import numpy" in written[1].read_text(encoding="utf-8")
    assert "0.02397190 -> 0.02323634" in text
    (accuracy,) = re.findall(r"held-out accuracy +(\d\.\d+)", text)
    assert float(accuracy) >= 0.9
    assert len(re.findall(r"\bproved\b", text)) >= 7
    assert not re.search("refuted|unknown", text)
    assert all(len(line) <= 80 for line in text.partition("Written")[0].splitlines())
    assert text.rstrip().endswith("symdl verify softmax")
