"""What every test shares: quiet BLAS threads beside other workers, and the hypothesis profiles."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:
    # One process a core already: a second layer of threads only spins. Set before NumPy loads.
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")

import pytest
from hypothesis import HealthCheck, settings

from symdl.backends.kept import Kept

PROFILE = "SYMDL_HYPOTHESIS_PROFILE"  # SYMDL_HYPOTHESIS_PROFILE=thorough python -m pytest

# Symbolic work takes as long as it takes; the same examples come every time.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    max_examples=25,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# Fresh examples and many of them, for a machine with time to spare.
settings.register_profile(
    "thorough",
    deadline=None,
    max_examples=500,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get(PROFILE, "repeatable"))


KEPT = {"read": Kept.read, "write": Kept.write}


@pytest.fixture(autouse=True, scope="session")
def derives_anew():
    """Nothing derived is taken from disk, or left there: a test may have changed the rules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Kept, "read", lambda self, part, reader: None)
        patch.setattr(Kept, "write", lambda self, part, data: None)
        yield


@pytest.fixture
def keeps_formulas(monkeypatch):
    """What is derived is kept after all."""
    for name, plain in KEPT.items():
        monkeypatch.setattr(Kept, name, plain)
