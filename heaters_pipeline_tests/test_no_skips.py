"""The plugin that turns skipped tests into a failed session, run in sessions of its own."""

import pytest

from heaters_pipeline_tests.no_skips import NO_SHARED_MATERIAL

SKIPS = """
import pytest

@pytest.mark.skip(reason="no database here")
def test_left_out():
    pass

def test_passes():
    pass
"""
PASSES = "def test_passes(): pass"
IS_LEFT_OUT = "import pytest; pytest.importorskip('a_module_that_is_not_there')"


@pytest.fixture(autouse=True)
def _skips_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEATERS_FORBID_SKIPS", "1")


def _run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess(
        "-p", "heaters_pipeline_tests.no_skips", "-p", "no:hypothesispytest", *arguments
    )


def test_a_skipped_test_fails_the_session_and_is_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SKIPS)
    result = _run(pytester)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*::test_left_out: Skipped: no database here"])
    assert "1 passed, 1 skipped" in result.outlines[-1]


def test_a_module_that_skips_itself_fails_the_session(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_one=PASSES, test_two=IS_LEFT_OUT)
    result = _run(pytester)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["test_two.py: *a_module_that_is_not_there*"])


def test_material_that_is_no_part_of_the_project_may_be_absent(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(SKIPS.replace("no database here", NO_SHARED_MATERIAL))
    assert _run(pytester).ret == pytest.ExitCode.OK


def test_skips_in_parallel_workers_count(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SKIPS)
    result = _run(pytester, "-n", "1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*::test_left_out: Skipped: no database here"])


def test_a_session_without_skips_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PASSES)
    result = _run(pytester)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*HEATERS_FORBID_SKIPS*")


def test_skips_are_allowed_where_nobody_forbids_them(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEATERS_FORBID_SKIPS")
    pytester.makepyfile(SKIPS)
    assert _run(pytester).ret == pytest.ExitCode.OK
