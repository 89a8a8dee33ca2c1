"""The commands that find scenes and help to choose how: ``detect``, ``compare`` and ``tune``."""

from pathlib import Path

import click

from heaters_pipeline.cli.given_settings import GivenSettings
from heaters_pipeline.cli.options import (
    CSV,
    JSON,
    LABELS,
    PLOT,
    REVIEWED,
    Command,
    save_plot,
    settings_options,
    show_result,
)
from heaters_pipeline.cli.terminal import Watcher, stdout_for
from heaters_pipeline.errors import SettingsError
from heaters_pipeline.storage.keys import CORRECTION_PREFIX
from heaters_pipeline.video.detection.settings import METHODS, DetectionSettings, Method

DETECTION_ASSETS = ("frame_scores", "scenes")
MOST_PICTURES = 120
"""In the picture of ``detect``; each one costs a seek."""


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@settings_options(*DETECTION_ASSETS)
@PLOT
@CSV
@JSON
def detect(
    file: Path,
    given: GivenSettings,
    plot: Path | None,
    csv: Path | None,
    as_json: bool,
) -> None:
    """Find the scenes of a local FILE, without store or Dagster.

    --plot shows why: the value that decides, the threshold, and what each scene looks like.
    """
    scan, detection = given.config(DETECTION_ASSETS).values()
    with stdout_for(as_json) as stdout:
        from heaters_pipeline.cli.detection_documents import scene_lines
        from heaters_pipeline.cli.documents import detect_document
        from heaters_pipeline.isolation.calls import isolated
        from heaters_pipeline.isolation.probing import probed
        from heaters_pipeline.video.detection.scenes import scenes_from
        from heaters_pipeline.video.detection.transitions import find_transitions
        from heaters_pipeline.video.media.probe import shown_name
        from heaters_pipeline.video.scoring.method_scores import scan_settings, score_for

        settings = DetectionSettings(**detection)
        path = file.resolve()
        info = probed(path, scan.get("video_stream"))
        with Watcher() as watcher:
            watcher.start(file.name)
            frames = info.frames_promised or 0
            track = isolated(
                f"the frames of {shown_name(path)} were scored",
                score_for,
                path,
                info,
                [settings],
                scan_settings(**scan),
                on_progress=lambda done: watcher.step("decode", done, frames),
            )
        transitions = find_transitions(track, settings)
        found = scenes_from(track.timeline, transitions, settings)
        if plot:
            from heaters_pipeline.report.plots.detection_picture import detection_picture
            from heaters_pipeline.report.plots.detection_plot import PICTURE_SIDE_PX
            from heaters_pipeline.video.media.still_pictures import pictures_at

            doing = f"pictures of {shown_name(path)} were taken"
            source = (path, info, track.timeline)
            save_plot(
                plot,
                detection_picture(
                    lambda frames: isolated(doing, pictures_at, *source, frames, PICTURE_SIDE_PX),
                    track,
                    settings,
                    transitions,
                    title=file.name,
                    most_pictures=MOST_PICTURES,
                ),
            )
        document = detect_document(path, info, track.timeline, settings, transitions, found)
        show_result(document, document["scenes"], scene_lines(document), csv, stdout)


@click.command(cls=Command)
@click.argument("file")
@click.option(
    "--methods",
    metavar="METHOD[=THRESHOLD],...",
    help="What to compare, such as adaptive,correl=0.3,correl=0.6. Default: all methods.",
)
@LABELS
@REVIEWED
@PLOT
@CSV
@JSON
def compare(
    file: str,
    methods: str | None,
    labels: Path | None,
    reviewed: bool,
    plot: Path | None,
    csv: Path | None,
    as_json: bool,
) -> None:
    """Decide on FILE by several methods and thresholds, side by side.

    FILE is a local file, which is decoded once, or the key or id of a video that was processed,
    whose stored track is used; methods that it cannot answer for need one more decode. With labels,
    or of a video that people reviewed, it says what each of them gets right.
    """
    _not_both(labels, reviewed)
    with stdout_for(as_json) as stdout:
        from heaters_pipeline.cli.detection_documents import compare_document, compare_lines
        from heaters_pipeline.cli.detection_inputs import scored_video, truth_of
        from heaters_pipeline.report.plots.comparison_picture import comparison_picture
        from heaters_pipeline.video.detection.comparing import compare as compare_methods
        from heaters_pipeline.video.detection.comparing import variants_from
        from heaters_pipeline.video.detection.labels import read_labels

        variants = variants_from(methods.split(",") if methods is not None else METHODS)
        known = read_labels(labels) if labels else {}
        with Watcher() as watcher:
            video = scored_video(file, variants, watcher, reviewed=reviewed)
        track = video.track
        (truth,) = truth_of([video], known, labels, reviewed=reviewed)
        comparison = compare_methods(track, variants, truth)
        if plot:
            save_plot(plot, comparison_picture(track.timeline, comparison, truth, title=video.name))
        document = compare_document(video, comparison, CORRECTION_PREFIX if reviewed else labels)
        show_result(document, document["methods"], compare_lines(document), csv, stdout)


@click.command(cls=Command)
@click.argument("files", nargs=-1, metavar="[FILE...]")
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default=METHODS[0],
    show_default=True,
    help="Whose threshold is sought.",
)
@LABELS
@REVIEWED
@PLOT
@CSV
@JSON
def tune(
    files: tuple[str, ...],
    method: Method,
    labels: Path | None,
    reviewed: bool,
    plot: Path | None,
    csv: Path | None,
    as_json: bool,
) -> None:
    """Find the threshold that suits one FILE or a set of them.

    FILE is a local file, or the key or id of a video that was processed. With labels the threshold
    with the best F1 is taken, without them the middle of the widest range over which the number of
    cuts changes least. --reviewed alone takes all videos of the store that people reviewed: the
    more they review, the better the threshold.
    """
    _not_both(labels, reviewed)
    if not files and not reviewed:
        raise click.UsageError("Missing argument 'FILE...': give a video, or --reviewed")
    with stdout_for(as_json) as stdout:
        from heaters_pipeline.cli.detection_documents import tune_document, tune_lines
        from heaters_pipeline.cli.detection_inputs import reviewed_videos, scored_video, truth_of
        from heaters_pipeline.report.plots.tuning_picture import tuning_picture
        from heaters_pipeline.video.detection.labels import read_labels
        from heaters_pipeline.video.detection.tuning import choose, try_thresholds

        known = read_labels(labels) if labels else {}
        wanted = files or reviewed_videos()
        with Watcher() as watcher:
            videos = [
                scored_video(file, [DetectionSettings(method)], watcher, reviewed=reviewed)
                for file in wanted
            ]
            truth = truth_of(videos, known, labels, reviewed=reviewed)
            watcher.start(f"{len(videos)} videos" if len(videos) > 1 else videos[0].name)
            trials = try_thresholds(
                [(one.track, true) for one, true in zip(videos, truth, strict=True)],
                method,
                on_progress=lambda done, total: watcher.step("thresholds", done, total),
            )
        choice = choose(trials, method)
        if plot:
            title = ", ".join(video.name for video in videos)
            save_plot(plot, tuning_picture(trials, choice, method, title=title))
        document = tune_document(
            videos, method, trials, choice, CORRECTION_PREFIX if reviewed else labels
        )
        show_result(document, document["thresholds"], tune_lines(document), csv, stdout)


def _not_both(labels: Path | None, reviewed: bool) -> None:
    if labels is not None and reviewed:
        raise SettingsError("--labels and --reviewed exclude each other: each says what is true")
