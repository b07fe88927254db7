"""Publishes for huey: `python -m tests.benchmarks.work.huey_send KIND NUMBER`."""

from tests.benchmarks.work.huey_app import publish
from tests.benchmarks.work.sending import send

send(publish)
