"""`symdl bench` starts the benchmarks of a checkout from any folder, or says what it needs."""

import pytest

from symdl.book.benchmarks import bench
from symdl.cli import run
from symdl.errors import InputError


def test_it_needs_the_source(tmp_path):
    with pytest.raises(InputError, match=r"needs the project's source.*pip install"):
        bench([], tmp_path)


def test_options_reach_the_benchmarks(tmp_path, monkeypatch, capfd):
    (tmp_path / "tests").mkdir()  # another package of that name where the command is run
    (tmp_path / "tests" / "__init__.py").write_text("raise SystemExit('the wrong tests')")
    monkeypatch.chdir(tmp_path)
    assert run(["bench", "--help"]) == 0
    assert "--threads" in capfd.readouterr().out
    assert run(["bench", "--workloads", "W9"]) == 2
    assert "unknown: W9; there are W1,W2" in capfd.readouterr().err
    assert run(["bench", "--json", "nowhere/f.json"]) == 2
    assert "there is no folder nowhere" in capfd.readouterr().err
