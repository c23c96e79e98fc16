"""What README shows is what happens."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"


def shown():
    """The Python of README, and the output printed under it, example by example."""
    pattern = r"```python\n(.*?)```\n\n```text\n(.*?)```"
    return re.findall(pattern, README.read_text(encoding="utf-8"), re.DOTALL)


def test_examples_print_what_is_shown(tmp_path):
    examples = shown()
    assert len(examples) == 3
    program = "\nprint('-- next')\n".join(code for code, _ in examples)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        check=False,
        env={"PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1", "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "-- next\n".join(printed for _, printed in examples)


def test_commands_of_readme_are_those_of_the_continuous_run():
    run = (README.parent / ".ci" / "run").read_text(encoding="utf-8")
    assert "python -m pytest -n auto" in run
    assert "python -m pytest -n auto" in README.read_text(encoding="utf-8")
