"""``heaters ui`` as people see it in a browser: lineage, pictures of materializations, backfills.

One UI with its daemon serves all tests. A video is dropped into the store's folder; the sensors
process it, and a backfill goes over it once more. With ``HEATERS_SHOTS`` set to a folder, what the
browser shows is kept there.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page

from heaters_pipeline_tests.browser import open_page
from heaters_pipeline_tests.end_to_end.programs import CHECKOUT, Program, find_program, running
from heaters_pipeline_tests.ports import free_port
from heaters_pipeline_tests.videos import make_video

ASSET_GROUPS = {
    "source_videos": "intake",
    "frame_scores": "scene_detection",
    "scenes": "scene_detection",
    "method_comparison": "scene_detection",
    "clips": "clips",
    "sprite_sheets": "clips",
    "keyframes": "clips",
    "storyboards": "clips",
    "review_pages": "clips",
    "review_index": "catalog",
    "catalog": "catalog",
}
OF_ALL_VIDEOS = ("catalog", "review_index")
# What a run of process_videos materializes.
ASIDE = ("method_comparison", "review_pages")
PARTITIONED = [asset for asset in ASSET_GROUPS if asset not in (*OF_ALL_VIDEOS, *ASIDE)]
SCENES = (40, 30, 50)
LOADING_SECONDS = 240
RUN_SECONDS = 240
ENDING_SECONDS = 120
WIDE_PX, USUAL_PX = (3000, 1500), (1500, 900)


@dataclass(frozen=True, slots=True)
class Ui:
    """A running UI, after its daemon did all that there was to do.

    Attributes:
        url: Its address.
        backfill_id: A backfill of all assets of the one video, after it was processed.
    """

    url: str
    backfill_id: str = ""

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """Ask its GraphQL."""
        reply = requests.post(
            f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60
        )
        answer = reply.json()
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    def is_loaded(self) -> bool:
        """Whether the pipeline's code is there."""
        try:
            answer = self.ask(
                "{ workspaceOrError { ... on Workspace { locationEntries "
                "{ loadStatus locationOrLoadError { __typename } } } } }"
            )
        except requests.ConnectionError:
            return False
        entries = answer["workspaceOrError"]["locationEntries"]
        return bool(entries) and all(
            entry["loadStatus"] == "LOADED"
            and entry["locationOrLoadError"]["__typename"] == "RepositoryLocation"
            for entry in entries
        )

    def runs(self) -> list[dict[str, Any]]:
        """All runs, newest first."""
        answer = self.ask(
            "{ runsOrError { ... on Runs { results { jobName status tags { key value } } } } }"
        )
        return list(answer["runsOrError"]["results"])

    def launch_backfill(self, video_id: str) -> str:
        """Start a backfill of all partitioned assets, as the UI's own button does."""
        answer = self.ask(
            "mutation($wanted: LaunchBackfillParams!) { launchPartitionBackfill"
            "(backfillParams: $wanted) { ... on LaunchBackfillSuccess { backfillId } } }",
            wanted={
                "assetSelection": [{"path": [asset]} for asset in PARTITIONED],
                "partitionNames": [video_id],
            },
        )
        return str(answer["launchPartitionBackfill"]["backfillId"])

    def backfill_status(self, backfill_id: str) -> str:
        """How far a backfill is."""
        answer = self.ask(
            "query($id: String!) { partitionBackfillOrError(backfillId: $id) "
            "{ ... on PartitionBackfill { status } } }",
            id=backfill_id,
        )
        return str(answer["partitionBackfillOrError"]["status"])


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ui, Program]]:
    """The UI of the embedded instance over a small store, after its first run."""
    home = tmp_path_factory.mktemp("ui")
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(CHECKOUT / name, home)
    dropped = home / "data" / "source_videos"
    dropped.mkdir(parents=True)
    make_video(dropped / "holiday.mp4", SCENES)
    port = free_port()
    environment = {
        "DAGSTER_HOME": str(home),
        "HEATERS_CACHE": str(home / "cache"),
        "TMPDIR": str(home),
    }
    with running(
        ["heaters", "ui", "--port", str(port)],
        folder=home,
        log=home / "log",
        environment=environment,
    ) as program:
        loading = Ui(f"http://127.0.0.1:{port}")
        program.wait_for("the code is loaded", loading.is_loaded, seconds=LOADING_SECONDS)
        program.wait_for(
            "the video is processed",
            lambda: "SUCCESS" in [run["status"] for run in loading.runs()],
            seconds=RUN_SECONDS,
        )
        yield loading, program


@pytest.fixture(scope="module")
def ui(fresh: tuple[Ui, Program]) -> Ui:
    """The same after a backfill."""
    loading, program = fresh
    backfill_id = loading.launch_backfill("holiday")
    program.wait_for(
        "the backfill ends",
        lambda: loading.backfill_status(backfill_id).startswith(("COMPLETED", "FAILED")),
        seconds=RUN_SECONDS,
    )
    return Ui(loading.url, backfill_id)


@pytest.mark.parametrize("signal_name", ["TERM", "INT"])
def test_it_ends_though_a_shell_started_it_in_the_background(
    tmp_path: Path, signal_name: str
) -> None:
    shutil.copy(CHECKOUT / "dagster.yaml", tmp_path)
    port = free_port()
    # What a script starts with & gets SIGINT ignored.
    script = 'trap "" INT; exec "$0" ui --port "$1"'
    with running(
        ["sh", "-c", script, find_program("heaters"), str(port)],
        folder=tmp_path,
        log=tmp_path / "log",
        environment={"DAGSTER_HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
    ) as program:
        loading = Ui(f"http://127.0.0.1:{port}")
        program.wait_for("the code is loaded", loading.is_loaded, seconds=LOADING_SECONDS)
        program.process.send_signal(signal.Signals[f"SIG{signal_name}"])
        assert program.process.wait(ENDING_SECONDS) == 0


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of a browser."""
    with open_page() as page:
        yield page


def _open(page: Page, url: str, size_px: tuple[int, int] = USUAL_PX) -> None:
    width, height = size_px
    page.set_viewport_size({"width": width, "height": height})
    page.goto(url)


def _keep_shot(page: Page, name: str) -> None:
    folder = os.environ.get("HEATERS_SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.mark.parametrize(
    ("asset", "picture", "text"),
    [("clips", "contact_sheet", "holiday_clip_003"), ("scenes", "similarity", "adaptive")],
)
def test_a_materialization_shows_its_picture(
    fresh: tuple[Ui, Program], page: Page, asset: str, picture: str, text: str
) -> None:
    # Before the backfill, whose events link to the run that has them.
    _open(page, f"{fresh[0].url}/assets/{asset}?view=events&partition=holiday")
    page.get_by_text(text).first.wait_for()
    _keep_shot(page, f"{asset}-table")
    page.get_by_role("row").filter(has_text=picture).get_by_text("Show Markdown").click()
    shown = page.get_by_role("dialog").locator("img[src^='data:image/']")
    shown.wait_for()
    width_px, height_px = shown.evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert width_px > 300
    assert height_px > 50
    _keep_shot(page, asset)


def test_all_assets_are_there_in_their_groups(ui: Ui) -> None:
    nodes = ui.ask("{ assetNodes { assetKey { path } groupName } }")["assetNodes"]
    assert {node["assetKey"]["path"][0]: node["groupName"] for node in nodes} == ASSET_GROUPS


def test_all_sensors_but_one_run_from_the_start(ui: Ui) -> None:
    answer = ui.ask(
        "query($repository: RepositorySelector!) { sensorsOrError(repositorySelector: $repository)"
        " { ... on Sensors { results { name sensorState { status } } } } }",
        repository={
            "repositoryName": "__repository__",
            "repositoryLocationName": "heaters_pipeline.definitions",
        },
    )
    sensors = answer["sensorsOrError"]["results"]
    running = dict.fromkeys(
        (
            "bring_in_submissions",
            "process_uploads",
            "update_catalog",
            "apply_changed_settings",
            "apply_corrections",
            "report_dead_runs",
        ),
        "RUNNING",
    )
    states = {sensor["name"]: sensor["sensorState"]["status"] for sensor in sensors}
    # Pages are made by themselves only where a person wants it.
    assert states == {**running, "make_pages_when_finished": "STOPPED"}


def test_a_dropped_file_becomes_a_partition_and_is_run_once(ui: Ui) -> None:
    nodes = ui.ask("{ assetNodes { assetKey { path } partitionKeys } }")["assetNodes"]
    partitions = {node["assetKey"]["path"][0]: node["partitionKeys"] for node in nodes}
    assert partitions == {
        asset: ["holiday"] * (asset not in OF_ALL_VIDEOS) for asset in ASSET_GROUPS
    }
    started = [run for run in ui.runs() if run["jobName"] == "process_videos"]
    assert len(started) == 1
    assert {"key": "dagster/sensor_name", "value": "process_uploads"} in started[0]["tags"]


def test_what_was_made_or_found_done_is_synced(ui: Ui) -> None:
    answer = ui.ask(
        "query($keys: [AssetKeyInput!]) { assetNodes(assetKeys: $keys) { assetKey { path }"
        ' staleStatus(partition: "holiday") staleCauses(partition: "holiday") { reason } } }',
        keys=[{"path": [asset]} for asset in (*PARTITIONED, *ASIDE)],
    )
    nodes = {node["assetKey"]["path"][0]: node for node in answer["assetNodes"]}
    for asset in PARTITIONED:
        assert nodes[asset]["staleStatus"] == "FRESH", nodes[asset]
        assert not nodes[asset]["staleCauses"]
    for asset in ASIDE:
        assert nodes[asset]["staleStatus"] == "MISSING"


def test_each_check_of_an_asset_is_shown_by_itself(ui: Ui, page: Page) -> None:
    _open(page, f"{ui.url}/assets/clips?view=checks")
    for name in ("clips_exist", "clips_have_their_frames"):
        page.get_by_text(name, exact=True).first.wait_for()
    page.get_by_text("clips_have_their_frames", exact=True).first.click()
    page.get_by_text("Each clip holds exactly the frames of its scene.").first.wait_for()
    _keep_shot(page, "check")


def test_the_lineage_shows_every_asset_materialized(ui: Ui, page: Page) -> None:
    _open(page, f"{ui.url}/asset-groups", WIDE_PX)
    page.get_by_text("scene_detection").last.wait_for()
    page.keyboard.press("Alt+e")
    graph = page.locator("svg")
    for asset in ASSET_GROUPS:
        graph.get_by_text(asset, exact=True).first.wait_for()
    graph.get_by_text("100% filled").nth(len(PARTITIONED) - 1).wait_for()
    _keep_shot(page, "lineage")


def test_a_backfill_makes_nothing_and_says_why(ui: Ui, page: Page) -> None:
    assert ui.backfill_status(ui.backfill_id) == "COMPLETED_SUCCESS"
    _open(page, f"{ui.url}/runs/b/{ui.backfill_id}")
    page.get_by_text("100% completed").nth(len(PARTITIONED) - 1).wait_for()
    _keep_shot(page, "backfill")
    _open(page, f"{ui.url}/assets/clips?view=events&partition=holiday")
    for name, value in (("made", "0"), ("reused", "3"), ("reason", "it lies in the store already")):
        page.get_by_role("row").filter(has_text=name).get_by_text(
            value, exact=True
        ).first.wait_for()
    page.get_by_text("pictures_and_tables", exact=True).first.wait_for()
