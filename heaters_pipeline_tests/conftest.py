"""What all tests share. Each plugin says what it brings."""

pytest_plugins = [
    "pytester",
    "heaters_pipeline_tests.no_skips",
    "heaters_pipeline_tests.servers",
]
