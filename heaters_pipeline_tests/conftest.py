"""What all tests share. Each plugin says what it brings."""

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "pytester",
    "heaters_pipeline_tests.no_skips",
    "heaters_pipeline_tests.pipeline_fixtures",
    "heaters_pipeline_tests.postgres",
    "heaters_pipeline_tests.servers",
]

# How long an example takes depends on the machine, not on the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_FIRST = (
    "test_production_instance.py",
    "test_two_workers.py",
    "test_fleet_faults.py",
    "test_s3_faults.py",
    "test_killed_runs.py",
    "test_ui.py",
    "test_secrets_of_links.py",
    "test_scan_of_real_videos.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, whose tests are few and mostly wait for daemons.

    Files are handed to the workers in the order of the tests (``--no-loadscope-reorder``). At the
    end of a session these would be what one processor works on and the others wait for.
    """

    def place(item: pytest.Item) -> int:
        if item.path.name in _FIRST:
            return _FIRST.index(item.path.name)
        return len(_FIRST) + (item.path.parent.name != "end_to_end")

    items.sort(key=place)
