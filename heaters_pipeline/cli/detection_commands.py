"""The commands that find scenes and show why: ``heaters detect``."""

from pathlib import Path

import click

from heaters_pipeline.cli.documents import detect_document
from heaters_pipeline.cli.options import (
    JSON,
    METHOD,
    MIN_DURATION,
    PLOT,
    THRESHOLD,
    given,
    save_plot,
)
from heaters_pipeline.cli.terminal import Watcher, print_json, stdout_for, table_lines

MOST_PICTURES = 120
"""In the picture of ``detect``; each one costs a seek."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@METHOD
@THRESHOLD
@MIN_DURATION
@PLOT
@JSON
def detect(
    file: Path,
    method: str | None,
    threshold: float | None,
    min_duration: float | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Find the scenes of a local FILE, without store or Dagster.

    --plot shows why: the value that decides, the threshold, and what each scene looks like.
    """
    with stdout_for(as_json) as stdout:
        from heaters_pipeline.video.method_scores import score_for
        from heaters_pipeline.video.probe import probe
        from heaters_pipeline.video.scenes import scenes_from
        from heaters_pipeline.video.transitions import DetectionSettings, find_transitions

        settings = DetectionSettings(
            **given(method=method, threshold=threshold, min_duration_seconds=min_duration)
        )
        path = file.resolve()
        info = probe(path)
        with Watcher() as watcher:
            watcher.start(file.name)
            frames = info.frames_promised or 0
            track = score_for(
                path,
                info,
                [settings.method],
                on_progress=lambda done: watcher.step("decode", done, frames),
            )
        transitions = find_transitions(track, settings)
        found = scenes_from(track.timeline, transitions, settings)
        if plot:
            from heaters_pipeline.report.detection_picture import detection_picture

            save_plot(
                plot,
                detection_picture(
                    (path, info),
                    track,
                    settings,
                    transitions,
                    title=file.name,
                    most_pictures=MOST_PICTURES,
                ),
            )
        document = detect_document(path, info, track.timeline, settings, transitions, found)
        if stdout:
            print_json(document, stdout)
            return
        header = ("scene", "start_frame", "end_frame", "start", "end", "seconds")
        rows = [
            (str(number), *(_shown(value) for value in scene.values()))
            for number, scene in enumerate(document["scenes"], 1)
        ]
        for line in table_lines(header, rows):
            click.echo(line)


def _shown(value: int | float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
