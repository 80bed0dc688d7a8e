"""What a live migration demands of its tables and its transform, before anything is touched."""

from collections.abc import Sequence
from typing import Protocol

from tableferry.errors import InvalidSpecError, Problem
from tableferry.live.capturing import check_stream
from tableferry.table_facts import TableFacts
from tableferry.transform import Transform, destination_key_tells_source_key


def live_problems(
    source: TableFacts,
    transform: Transform,
    destination_key: Sequence[str],
    *,
    destination: str,
    is_empty: bool,
    is_continued: bool,
) -> list[Problem]:
    """Every reason against starting live; a continued migration wrote its destination itself."""
    problems = check_stream(source)
    reason = destination_key_tells_source_key(transform, source.key_names, destination_key)
    if reason is not None:
        problems.append(
            Problem(
                "transform",
                list(destination_key),
                f"{reason}; for live, a destination key must tell its source key, or a late delete "
                "of one item would delete another that has the key by then",
                "carry the source's key attributes into the destination key, unchanged or renamed, "
                "or set a key to $uuid5('a name', [all of them]) or $sha256([all of them])",
            )
        )
    if not is_empty and not is_continued:
        problems.append(
            Problem(
                "destination.tableName",
                destination,
                "holds items; a live migration starts into an empty table only",
                "empty it (mode clean), or name another table",
            )
        )
    return problems


class Synchronisers(Protocol):
    """The ledger's streams, as far as it says who synchronises them."""

    def run_of_stream(self, stream_arn: str) -> str | None: ...


def synchroniser(log: Synchronisers, source: TableFacts | None) -> str | None:
    """The migration that synchronises this source, None if there is none."""
    if source is None or source.stream_arn is None:
        return None
    return log.run_of_stream(source.stream_arn)


def refuse_second(source: str, run: str, holder: str | None) -> None:
    """Raises InvalidSpecError when another run migrates the source live: StartSync would find that
    out too, but only after the destination was claimed and created.
    """
    if holder in {None, run}:
        return
    raise InvalidSpecError(
        [
            Problem(
                "source.tableName",
                source,
                f"is being migrated live by {holder}; one stream hands its records to one sync",
                f"finish that migration or give it up with `tableferry stop {holder}`",
            )
        ]
    )
