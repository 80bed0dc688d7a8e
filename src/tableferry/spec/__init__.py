"""The migration spec."""

from tableferry.spec.migration import MAX_SPEC_BYTES, MigrationSpec
from tableferry.spec.model import DestinationRef, Limits, TableRef, is_migration_id, percent_of
from tableferry.spec.reading import parse_text

__all__ = [
    "MAX_SPEC_BYTES",
    "DestinationRef",
    "Limits",
    "MigrationSpec",
    "TableRef",
    "is_migration_id",
    "parse_text",
    "percent_of",
]
