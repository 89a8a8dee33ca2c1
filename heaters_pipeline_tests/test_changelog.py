"""The changelog tells of the version that the package has."""

import re

from heaters_pipeline import __version__
from heaters_pipeline_tests.end_to_end.programs import CHECKOUT


def test_the_newest_version_of_the_changelog_is_that_of_the_package() -> None:
    text = (CHECKOUT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## \[(.+)\] - (unreleased|\d{4}-\d\d-\d\d)$", text, re.MULTILINE)
    assert len(headings) == text.count("\n## ")
    assert headings[0][0] == __version__
    # Only the newest can be one that is still to come.
    assert "unreleased" not in [date for _, date in headings[1:]]
