"""The command line as a function, and a Python that knows nothing of symdl."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from symdl.cli import run


@pytest.fixture
def symdl(capfd):
    def call(*arguments):
        status = run([str(a) for a in arguments])
        return status, *capfd.readouterr()

    return call


@pytest.fixture(scope="session")
def bare(tmp_path_factory):
    """A Python that has NumPy and SciPy and nothing else."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    packages = folder / "packages"
    packages.mkdir()
    for name in ("numpy", "scipy"):
        place = Path(find_spec(name).origin).parent
        for part in (place, place.with_name(f"{name}.libs")):
            if part.exists():
                (packages / part.name).symlink_to(part)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "env" / "lib" / version / "site-packages"
    (site / "bare.pth").write_text(f"{packages}\n")
    return folder / "env" / "bin" / "python"
