"""Calls in child processes: the same results and errors as here, and what a child's end becomes."""

import errno
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from heaters_pipeline import errors
from heaters_pipeline.errors import HeatersError, InvalidVideoError, SettingsError, shortage
from heaters_pipeline.isolation.calls import Children, isolated
from heaters_pipeline_tests.isolation import doomed

DOING = "frames of a.mp4 were scored"

PARENT = """
import sys
from pathlib import Path
from heaters_pipeline.isolation.calls import isolated
from heaters_pipeline_tests.isolation.doomed import write_and_wait

def show(process_id):
    print(process_id, flush=True)

isolated("it was tested", write_and_wait, Path(sys.argv[1]), on_begun=show)
"""


@pytest.fixture(autouse=True)
def isolation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls go to child processes."""
    monkeypatch.setenv("HEATERS_ISOLATION", "process")


def is_alive(process_id: int) -> bool:
    """Whether a process of this machine runs, which may be nobody's child by now."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def until(condition: Callable[[], bool]) -> None:
    """Wait for what is certain to come."""
    give_up_at = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def test_a_call_is_made_in_another_process_that_then_ends() -> None:
    other = isolated(DOING, doomed.process_id)
    assert other != os.getpid()
    assert not is_alive(other)


def test_without_isolation_a_call_is_made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("none", ""):
        monkeypatch.setenv("HEATERS_ISOLATION", value)
        assert isolated(DOING, doomed.process_id) == os.getpid()


def test_a_child_is_kept_for_the_next_call_unless_it_failed() -> None:
    with Children() as children:
        first = children.call(DOING, doomed.process_id)
        assert children.call(DOING, doomed.process_id) == first
        with pytest.raises(InvalidVideoError):
            children.call(DOING, doomed.kill_itself, signal.SIGSEGV)
        second = children.call(DOING, doomed.process_id)
        assert second != first
    assert not is_alive(second)


@pytest.mark.parametrize(
    "number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL]
)
def test_a_crash_is_an_invalid_video(number: signal.Signals) -> None:
    with pytest.raises(InvalidVideoError, match=f"signal {number.value}.*while {DOING}") as crash:
        isolated(DOING, doomed.kill_itself, number)
    assert crash.value.reason == "decoder_crashed"
    assert not crash.value.transient


def test_an_exit_is_a_crash() -> None:
    with pytest.raises(InvalidVideoError, match="exit code 3") as crash:
        isolated(DOING, doomed.leave, 3)
    assert crash.value.reason == "decoder_crashed"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_who_is_ended_from_outside_is_no_invalid_video(number: signal.Signals) -> None:
    with pytest.raises(MemoryError, match=f"while {DOING}: signal {number.value}") as ended:
        isolated(DOING, doomed.kill_itself, number)
    assert "too little memory" in (shortage(ended.value) or "")


def test_a_child_can_be_ended_where_its_parent_ignores_that() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with pytest.raises(MemoryError, match="signal 15"):
            isolated(DOING, doomed.kill_itself, signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.skipif(sys.platform != "linux", reason="others do not enforce it")
def test_too_much_memory_is_an_invalid_video(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEATERS_MAX_MEMORY_MB", "200")
    assert isolated(DOING, doomed.take_memory, 100_000_000) == 100_000_000
    with pytest.raises(InvalidVideoError, match=r"200 MB.*raise HEATERS_MAX_MEMORY_MB") as over:
        isolated(DOING, doomed.take_memory, 300_000_000)
    assert over.value.reason == "memory_limit"


def test_memory_that_is_short_without_our_limit_is_no_invalid_video() -> None:
    with pytest.raises(MemoryError):
        isolated(DOING, doomed.take_memory, 1 << 60)
    with pytest.raises(BlockingIOError) as short:
        isolated(DOING, doomed.start_no_thread)
    assert short.value.errno == errno.EAGAIN


def test_threads_that_are_short_far_from_our_limit_are_no_invalid_video(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HEATERS_MAX_MEMORY_MB", "2000")
    with pytest.raises(BlockingIOError):
        isolated(DOING, doomed.start_no_thread)


@pytest.mark.skipif(sys.platform != "linux", reason="others do not enforce it")
def test_a_crash_under_a_limit_of_another_is_no_invalid_video(tmp_path: Path) -> None:
    """FFmpeg crashes where it gets no memory, too; whose limit it was decides."""
    script = (
        "import resource, signal, sys\n"
        "from heaters_pipeline.errors import shortage\n"
        "from heaters_pipeline.isolation.calls import isolated\n"
        "from heaters_pipeline_tests.isolation import doomed\n"
        "resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))\n"
        "try:\n"
        "    isolated('it was tested', doomed.kill_itself, signal.SIGSEGV)\n"
        "except MemoryError as error:\n"
        "    print(shortage(error))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "signal 11" in ended.stdout


def test_too_much_cpu_is_an_invalid_video(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEATERS_MAX_CPU_SECONDS", "1")
    with pytest.raises(InvalidVideoError, match=r"1 s of CPU.*HEATERS_MAX_CPU_SECONDS") as over:
        isolated(DOING, doomed.take_cpu)
    assert over.value.reason == "cpu_limit"


def test_each_call_has_its_own_limit_of_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first one took does not count for the second one."""
    with Children() as children:
        monkeypatch.setenv("HEATERS_MAX_CPU_SECONDS", "1")
        children.call(DOING, doomed.process_id)
        for _ in range(4):
            children.call(DOING, doomed.calculate, 0.5)


def test_too_much_time_is_an_invalid_video(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEATERS_MAX_SECONDS", "0.5")
    with pytest.raises(InvalidVideoError, match=r"0\.5 s was.*raise HEATERS_MAX_SECONDS") as over:
        isolated(DOING, doomed.wait, 3600)
    assert over.value.reason == "time_limit"


def test_time_in_which_the_parent_works_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEATERS_MAX_SECONDS", "30")
    with Children() as children:
        children.call(DOING, doomed.process_id)
        clock = [0.0]
        monkeypatch.setattr(time, "monotonic", lambda: clock[0])

        def on_step(_: int) -> None:
            clock[0] += 20

        assert children.call(DOING, doomed.tell, 5, on_step=on_step) == 5


def package_errors(base: type[HeatersError] = HeatersError) -> list[type[HeatersError]]:
    """All kinds of errors of the module ``errors``."""
    found = [base]
    for kind in base.__subclasses__():
        found += package_errors(kind)
    return [kind for kind in found if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", package_errors())
def test_errors_of_the_package_arrive_as_they_are(kind: type[HeatersError]) -> None:
    made = InvalidVideoError("odd", "why") if kind is InvalidVideoError else kind("why")
    with pytest.raises(kind) as there:
        isolated(DOING, doomed.raise_this, made)
    arrived = there.value
    assert (type(arrived), str(arrived), arrived.kind) == (kind, "why", made.kind)


def test_errors_arrive() -> None:
    with pytest.raises(InvalidVideoError, match=r"^why$") as invalid:
        isolated(DOING, doomed.raise_this, InvalidVideoError("truncated", "why"))
    assert invalid.value.reason == "truncated"
    with pytest.raises(FileNotFoundError) as missing:
        isolated(DOING, doomed.raise_this, FileNotFoundError(errno.ENOENT, "none", "a.mp4"))
    assert missing.value.filename == "a.mp4"
    assert "raise_this" in missing.value.__notes__[0]
    with pytest.raises(RuntimeError, match="OddError: of no module"):
        isolated(DOING, doomed.raise_odd_error)


def test_functions_are_called_here() -> None:
    steps = []

    def on_step(step: int) -> None:
        steps.append((os.getpid(), step))

    assert isolated(DOING, doomed.tell, 3, on_step=on_step) == 3
    assert steps == [(os.getpid(), step) for step in range(3)]


@pytest.mark.parametrize("kind", [SettingsError, KeyboardInterrupt])
def test_an_error_of_such_a_function_ends_the_child(
    kind: type[BaseException], tmp_path: Path
) -> None:
    """Ctrl-C, and Dagster's wish that a run ends, arrive wherever the parent is."""
    children = []

    def on_begun(process_id: int) -> None:
        children.append(process_id)
        raise kind("enough")

    with pytest.raises(kind, match="enough"):
        isolated(DOING, doomed.write_and_wait, tmp_path / "a", on_begun=on_begun)
    assert not is_alive(children[0])


def test_what_the_child_logs_is_logged_here(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "heaters_pipeline")
    isolated(DOING, doomed.log, logging.INFO, "so")
    assert caplog.record_tuples == [("heaters_pipeline.video.doomed", logging.INFO, "said so")]
    caplog.clear()
    caplog.set_level(logging.WARNING, "heaters_pipeline")
    isolated(DOING, doomed.log, logging.INFO, "so")
    assert caplog.record_tuples == []


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "written")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    until(lambda: not is_alive(child))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEATERS_ISOLATION", "thread"),
        ("HEATERS_MAX_MEMORY_MB", "much"),
        ("HEATERS_MAX_CPU_SECONDS", "0"),
        ("HEATERS_MAX_SECONDS", "-1"),
    ],
)
def test_unusable_values_are_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        isolated(DOING, doomed.process_id)


def test_a_limit_that_nothing_would_keep_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEATERS_ISOLATION")
    monkeypatch.setenv("HEATERS_MAX_SECONDS", "5")
    with pytest.raises(SettingsError, match="HEATERS_ISOLATION=process"):
        isolated(DOING, doomed.process_id)
