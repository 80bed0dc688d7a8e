"""How a pace takes throttles: eager to use what there is, or nice to applications."""

from dataclasses import dataclass

# A worker without a ceiling begins here: a new on-demand table takes 4,000 writes a second.
START_UNITS = 1000.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How a pace takes throttles.

    `start`: units a second to begin with. `tolerated`: the share of refused units that is no reason
    to slow down. `cut`: how much of the refused share the rate is lowered by. `least_cut`: lowered
    by that at least. `hold_seconds`: how long it stays lowered. `back_to`: the part of the former
    rate that it comes back to quickly. `step`: how much of its rate it grows by in a window beyond
    that; after `calm_windows` without a refusal steps double, up to `largest_step`.
    `spares_hot_keys`: a throttled key range counts like the table. `gives_up`: so many cuts within
    GIVE_UP_SECONDS, and it is others who need the table.
    """

    start: float = START_UNITS
    tolerated: float = 0.02
    cut: float = 0.5
    least_cut: float = 0.0
    hold_seconds: float = 0.0
    back_to: float = 0.9
    step: float = 0.01
    calm_windows: int = 20
    largest_step: float = 0.25
    spares_hot_keys: bool = False
    gives_up: int | None = None


EAGER = Manner()
# Whoever is nice leaves a good part to the others, and finds out about more once a minute. It slows
# down by half for ten seconds each time: five times in two minutes are more than the table's own
# limit explains, for after four it is at a quarter of what it began with, at most.
NICE = Manner(
    start=100.0,
    tolerated=0.0,
    least_cut=0.5,
    hold_seconds=10.0,
    back_to=0.7,
    step=0.0005,
    calm_windows=200,
    largest_step=0.02,
    spares_hot_keys=True,
    gives_up=5,
)
GIVE_UP_SECONDS = 120.0
