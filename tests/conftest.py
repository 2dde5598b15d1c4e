"""Where the real recordings are, and a clear skip where they are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "fixed", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fixed")

DATA = Path(os.environ.get("TOCSIN_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak` also runs what takes minutes: tests marked `soak`."""
    parser.addoption("--soak", action="store_true", help="run the tests marked soak, which take minutes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked `soak` run under `--soak` only."""
    if not config.getoption("--soak"):
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(pytest.mark.skip(reason="runs under --soak only (make soak)"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of recordings; a test that needs it skips where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f"no recordings at {DATA}; set TOCSIN_TEST_DATA")
    return DATA
