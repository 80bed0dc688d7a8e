"""Sync's metrics."""

import time
from collections.abc import Sequence

from aws_lambda_powertools.metrics import MetricUnit

from tableferry.live.changes import Change
from tableferry.live.guarding import Sighting
from tableferry.live.syncing import Applied
from tableferry.observe import count_for, metrics


def count_sync(applied: Applied, changes: Sequence[Change], run: str) -> None:
    """Publishes what one batch of sync did, and how far behind the source it was, in seconds."""
    count_for(Migration=run)
    lag = max(0.0, time.time() - changes[-1].created_at)
    for name, value, unit in (
        ("ChangesApplied", applied.changes, MetricUnit.Count),
        ("PoisonRecords", applied.poison, MetricUnit.Count),
        ("SyncLag", lag, MetricUnit.Seconds),
    ):
        metrics.add_metric(name=name, unit=unit, value=value)


def count_failed_batch(run: str) -> None:
    """Publishes that a batch could not be applied; the event source hands it over again."""
    count_for(Migration=run)
    metrics.add_metric(name="SyncFailures", unit=MetricUnit.Count, value=1)


def count_failed_look(run: str) -> None:
    """Publishes that the guard could not look at a run: nobody watches it."""
    count_for(Migration=run)
    metrics.add_metric(name="SyncWarnings", unit=MetricUnit.Count, value=1)
    metrics.flush_metrics()


def count_sighting(sighting: Sighting, run: str, dirty: int) -> None:
    """Publishes what the guard saw, and how many items are dirty; the alarms look at these, for a
    broken mapping has no metrics.
    """
    count_for(Migration=run)
    for name, value, unit in (
        ("DirtyItems", dirty, MetricUnit.Count),
        ("OldestUnapplied", sighting.oldest_seconds, MetricUnit.Seconds),
        ("SyncUnsafe", int(bool(sighting.unsafe)), MetricUnit.Count),
        ("SyncWarnings", int(bool(sighting.warning)), MetricUnit.Count),
    ):
        metrics.add_metric(name=name, unit=unit, value=value)
    # Dimensions belong to one set of metrics: the next run's go out by themselves.
    metrics.flush_metrics()
