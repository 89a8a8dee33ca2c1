"""From the thresholds that were tried to their picture."""

from collections.abc import Sequence

from heaters_pipeline.report.plots.tuning_plot import tuning_plot_png
from heaters_pipeline.video.detection.settings import DEFAULT_THRESHOLDS, Method
from heaters_pipeline.video.detection.tuning import Choice, Trial


def tuning_picture(trials: Sequence[Trial], choice: Choice, method: Method, *, title: str) -> bytes:
    """Draw what each threshold gives, and which is taken, as a PNG."""
    f1 = [trial.counts.f1 for trial in trials if trial.counts]
    return tuning_plot_png(
        [trial.threshold for trial in trials],
        [trial.scenes for trial in trials],
        [trial.cuts for trial in trials],
        f1 if len(f1) == len(trials) else None,
        chosen=choice.threshold,
        chosen_range=(trials[choice.first].threshold, trials[choice.last].threshold),
        default=DEFAULT_THRESHOLDS[method],
        title=title,
        method=method,
        reason=choice.reason,
    )
