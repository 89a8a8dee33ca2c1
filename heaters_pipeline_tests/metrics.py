"""Read what runs counted for Prometheus."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

_LABELS = ("stage", "operation", "outcome", "kind", "phase")


def totals_in(path: Path) -> dict[str, float]:
    """The samples of a file, as the library reads them, by name and values of labels."""
    return {
        " ".join([name, *(labels[label] for label in _LABELS if label in labels)]): value
        for family in text_string_to_metric_families(path.read_text())
        for name, labels, value, *_ in family.samples
    }
