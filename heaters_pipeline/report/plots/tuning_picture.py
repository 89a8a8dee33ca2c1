"""What each threshold that was tried gives, and which is taken, as a picture."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from heaters_pipeline.report.plots.canvas import shortened
from heaters_pipeline.report.plots.curve_drawing import CURVE, CUT, THRESHOLD
from heaters_pipeline.report.plots.png_files import new_figure, png_of
from heaters_pipeline.video.detection.settings import DEFAULT_THRESHOLDS, Method
from heaters_pipeline.video.detection.tuning import Choice, Trial

_WIDTH_PX, _HEIGHT_PX = 1200, 560
_F1 = "#2e8b57"
_RANGE = "#edae49"
_TITLE_LETTERS = 90


def tuning_picture(trials: Sequence[Trial], choice: Choice, method: Method, *, title: str) -> bytes:
    """Draw scenes and cuts over the threshold, and F1 where it is known, as a PNG.

    Args:
        trials: From most cuts to fewest, at least one.
        choice: The threshold that is taken, marked, with its reason, written under the title; the
            thresholds that are as good are shaded.
        method: Whose threshold it is; its default is marked.
        title: Taken literally; shortened if it is too long.
    """
    thresholds = [trial.threshold for trial in trials]
    scenes, cuts = [trial.scenes for trial in trials], [trial.cuts for trial in trials]
    f1 = [trial.counts.f1 for trial in trials if trial.counts]
    default = DEFAULT_THRESHOLDS[method]
    figure = new_figure(_WIDTH_PX, _HEIGHT_PX, ConstrainedLayoutEngine(h_pad=0.12, w_pad=0.12))
    axes = figure.add_subplot()
    axes.plot(thresholds, scenes, color=CURVE, marker="o", markersize=4, label="scenes")
    axes.plot(thresholds, cuts, color=CUT, marker="o", markersize=3, linewidth=1, label="cuts")
    low, high = sorted((thresholds[choice.first], thresholds[choice.last]))
    axes.axvspan(low, high, color=_RANGE, alpha=0.3, linewidth=0, label="equally good")
    label = f"taken: {choice.threshold:g}"
    axes.axvline(choice.threshold, color=THRESHOLD, linewidth=1.6, label=label)
    axes.axvline(
        default, color=THRESHOLD, linewidth=1.2, linestyle=":", label=f"default: {default:g}"
    )
    _scale(axes, thresholds, [*scenes, *cuts])
    axes.set_xlabel(f"threshold of {method}", fontsize=11)
    axes.set_ylabel("scenes, cuts", fontsize=11)
    handles, labels = axes.get_legend_handles_labels()
    if len(f1) == len(trials):
        right = axes.twinx()
        right.plot(thresholds, f1, color=_F1, linewidth=2, label="F1 (right)")
        right.set_ylim(0, 1.05)
        right.set_ylabel("F1", fontsize=11, color=_F1)
        right.spines[["top"]].set_visible(False)
        more = right.get_legend_handles_labels()
        handles, labels = [*handles, *more[0]], [*labels, *more[1]]
    figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False, fontsize=10)
    shown = shortened(title, _TITLE_LETTERS)
    axes.set_title(shown, loc="left", fontsize=14, fontweight="bold", pad=44, parse_math=False)
    axes.text(
        0, 1.02, "\n".join(_lines(choice.reason)), transform=axes.transAxes, fontsize=10,
        color="#444444", va="bottom",
    )  # fmt: skip
    return png_of(figure)


def _scale(axes: Axes, thresholds: Sequence[float], counts: Sequence[int]) -> None:
    if min(thresholds) > 0 and max(thresholds) > 1:
        axes.set_xscale("log")
        axes.set_xlim(min(thresholds) / 1.05, max(thresholds) * 1.05)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xticks(_nice_ticks(min(thresholds), max(thresholds)))
    axes.set_ylim(0, max(1, max(counts)) * 1.08)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    if max(counts) > 50 * max(min(counts), 1):
        # The flat part, where thresholds are chosen, would lie on the axis.
        axes.set_yscale("symlog", linthresh=10)
        axes.set_ylim(0, max(counts) * 1.5)
        axes.set_yticks([0, *_nice_ticks(1 if max(counts) < 1000 else 10, max(counts) * 1.5)])
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.tick_params(labelsize=10)
    axes.grid(alpha=0.25)
    axes.spines[["top"]].set_visible(False)


def _nice_ticks(low: float, high: float) -> list[float]:
    ticks = [number * 10.0**power for power in range(-3, 7) for number in (1, 2, 5)]
    return [tick for tick in ticks if low <= tick <= high]


def _lines(text: str) -> list[str]:
    """Two lines of about the same length, broken after a sentence if there is one."""
    head, dot, tail = text.partition(". ")
    return [f"{head}.", tail] if dot else [text]
