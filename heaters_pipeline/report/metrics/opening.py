"""The totals of all runs are opened, if the library that keeps them is installed."""

from pathlib import Path

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.report.metrics.model import MetricsTotals


def open_totals(path: Path, gateway: str | None) -> MetricsTotals:
    """The totals that are kept in a file; reads nothing yet.

    Args:
        path: The file.
        gateway: The Pushgateway that they are sent to, too.
    Raises:
        SettingsError: Prometheus's library is not installed.
    """
    try:
        from heaters_pipeline.report.metrics.prometheus import PrometheusTotals
    except ImportError as error:
        raise SettingsError(
            "HEATERS_METRICS_FILE and HEATERS_METRICS_PUSHGATEWAY need a package that is not "
            "installed: pip install prometheus_client, or unset them"
        ) from error
    return PrometheusTotals(path, gateway)
