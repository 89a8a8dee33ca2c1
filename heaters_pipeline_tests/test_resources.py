"""What the assets work with: remembered records, listings, and scratch folders."""

import errno
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from heaters_pipeline.errors import ManifestError, SettingsError
from heaters_pipeline.resources import WorkspaceResource, open_workspace
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.manifests import Manifest
from heaters_pipeline.storage.records.video_manifests import (
    VideoManifest,
    read_video,
    write_video,
)
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline.workspace import Workspace

HOLDS_SCRATCH = """
import sys
from pathlib import Path
from heaters_pipeline.workspace import Workspace
with Workspace(None, None, Path(sys.argv[1])).scratch() as folder:
    (folder / "half-made").touch()
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    store = DirectoryObjectStore(tmp_path / "store")
    return Workspace(store, LocalCache(tmp_path / "cache", max_bytes=10**6), tmp_path / "scratch")


def manifest(fingerprint: str) -> Manifest:
    return Manifest("clips", "film", fingerprint, {}, {}, {}, ())


def test_a_manifest_is_read_once(workspace: Workspace) -> None:
    workspace.publish(manifest("a"))
    other = Workspace(workspace.store, workspace.cache, Path("unused"))
    before = other.store.requests["read_bytes"]
    assert other.manifest("clips", "film") == other.manifest("clips", "film") == manifest("a")
    assert other.manifest("scenes", "film") is None
    assert other.store.requests["read_bytes"] == before + 1


def test_what_was_never_finished_is_asked_for_once_and_found_after_it_is_published(
    workspace: Workspace,
) -> None:
    assert workspace.manifest("clips", "film") is None
    assert workspace.manifest("clips", "film") is None
    # The manifest of the video, and that of its source as older versions kept it.
    assert workspace.store.requests["read_bytes"] == 2
    workspace.publish(manifest("a"))
    assert workspace.manifest("clips", "film") == manifest("a")
    workspace.publish(manifest("b"))
    assert workspace.require_manifest("clips", "film") == manifest("b")


def test_a_picture_that_is_gone_is_left_out_of_the_manifest(workspace: Workspace) -> None:
    key = "reports/film/clips-1.jpg"
    shown = replace(manifest("a"), summary={"contact_sheet": key})
    workspace.publish(shown)
    assert workspace.video("film").pictures == {}
    workspace.keep_picture(key, b"a sheet", "image/jpeg")
    workspace.publish(shown)
    assert read_video(workspace.store, "film").pictures == {key: b"a sheet"}


def test_a_stage_that_has_to_be_there_is_named_when_it_is_not(workspace: Workspace) -> None:
    with pytest.raises(ManifestError, match="film has no clips yet; materialize clips first"):
        workspace.require_manifest("clips", "film")


def test_objects_are_listed_once_until_something_is_stored_among_them(
    workspace: Workspace, tmp_path: Path
) -> None:
    assert workspace.objects("clips/film/") == {}
    assert workspace.objects("clips/film/") == {}
    assert workspace.store.requests["list"] == 1
    workspace.write_bytes("keyframes/film/a.jpg", b"a", "image/jpeg")
    assert workspace.objects("clips/film/") == {}
    assert workspace.store.requests["list"] == 1
    workspace.write_bytes("clips/film/a.mp4", b"a", "video/mp4")
    assert set(workspace.objects("clips/film/")) == {"clips/film/a.mp4"}
    (tmp_path / "b").write_bytes(b"b")
    workspace.put_file("clips/film/b.mp4", tmp_path / "b", "video/mp4")
    assert len(workspace.objects("clips/film/")) == 2


def test_scratch_folders_are_apart_and_go_away(workspace: Workspace, tmp_path: Path) -> None:
    with workspace.scratch() as one, workspace.scratch() as other:
        assert one != other
        (one / "file").touch()
        assert (one / "file").exists()
        assert other.is_dir()
    assert not list((tmp_path / "scratch").iterdir())
    with pytest.raises(RuntimeError, match="broken"), workspace.scratch():
        raise RuntimeError("broken")
    assert not list((tmp_path / "scratch").iterdir())


def test_scratch_folders_of_killed_processes_are_removed_and_those_in_use_are_not(
    workspace: Workspace, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", HOLDS_SCRATCH, str(tmp_path / "scratch")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            held = Path(process.stdout.readline().strip())
            assert (held / "half-made").exists()
            Workspace(workspace.store, workspace.cache, tmp_path / "scratch").tidy()
            assert (held / "half-made").exists()
        finally:
            process.kill()
    workspace.tidy()
    assert not list((tmp_path / "scratch").iterdir())


def test_what_cannot_be_tidied_up_stops_no_run(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("heaters_pipeline.workspace.remove_abandoned_folders", refuse)
    workspace.tidy()
    assert "what killed processes left stays for now: cannot tidy up" in caplog.text
    assert "give this user the right to read and write there" in caplog.text


def test_who_claims_a_video_forgets_what_it_saw(workspace: Workspace, tmp_path: Path) -> None:
    store = workspace.store
    store.write_bytes("clips/film/a.mp4", b"{}", content_type="application/json")
    assert set(workspace.objects("clips/film/")) == {"clips/film/a.mp4"}
    assert workspace.manifest("clips", "film") is None
    of_another_run = manifest("by another run")
    write_video(
        DirectoryObjectStore(tmp_path / "store"), VideoManifest("film", {"clips": of_another_run})
    )
    store.delete("clips/film/a.mp4")
    with closing(workspace):
        assert not workspace.has_claimed("film")
        workspace.claim("film", lambda whom: pytest.fail(f"waits for {whom}"))
        workspace.claim("film", lambda whom: pytest.fail(f"waits for {whom}"))
        assert workspace.has_claimed("film")
        assert workspace.objects("clips/film/") == {}
        assert workspace.manifest("clips", "film") == of_another_run
        assert len(list(store.list(keys.CLAIM_PREFIX))) == 1
    assert list(store.list(keys.CLAIM_PREFIX)) == []


def test_a_relative_store_is_taken_from_home_wherever_the_process_is(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_workspace().store.url == (home / "data").as_uri()
    monkeypatch.setenv("HEATERS_STORE", "../elsewhere")
    opened = open_workspace().store
    opened.write_bytes("a", b"a", content_type="text/plain")
    assert (tmp_path / "elsewhere" / "a").exists()
    monkeypatch.setenv("HEATERS_STORE", "s3://bucket/videos")
    assert isinstance(open_workspace().store, S3ObjectStore)
    assert open_workspace(str(tmp_path)).store.url == tmp_path.as_uri()


def test_an_unusable_store_is_refused_with_what_is_accepted(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATERS_STORE", "ftp://example.com")
    with pytest.raises(SettingsError, match=r"'ftp://example\.com' cannot be a store"):
        open_workspace()


def test_opening_a_workspace_creates_nothing(home: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    open_workspace()
    assert sorted(tmp_path.rglob("*")) == before


def test_dagster_may_name_another_store(home: Path, tmp_path: Path) -> None:
    shutil.rmtree(home / "data", ignore_errors=True)
    location = {"config": {"location": str(tmp_path / "named")}}
    with dg.build_resources(
        {"workspace": WorkspaceResource()}, resource_config={"workspace": location}
    ) as resources:
        assert resources.workspace.store.url == (tmp_path / "named").as_uri()
    with dg.build_resources({"workspace": WorkspaceResource()}) as resources:
        assert resources.workspace.store.url == (home / "data").as_uri()
