"""The command ``heaters``.

Dagster is imported only by the commands that need it, since that alone takes seconds.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import click

from heaters_pipeline import __version__, home
from heaters_pipeline.errors import HeatersError
from heaters_pipeline.video.transitions import DetectionSettings, Method
