"""The migration spec."""

from tableferry.spec.migration import MAX_SPEC_BYTES, MigrationSpec
from tableferry.spec.model import DestinationRef, Limits, TableRef, percent_of
from tableferry.spec.reading import parse_text

__all__ = [
    "MAX_SPEC_BYTES",
    "DestinationRef",
    "Limits",
    "MigrationSpec",
    "TableRef",
    "parse_text",
    "percent_of",
]
