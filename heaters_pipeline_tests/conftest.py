"""What all tests share. Each plugin says what it brings."""

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
