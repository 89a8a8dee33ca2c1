"""What runs count, and its totals for Prometheus."""
