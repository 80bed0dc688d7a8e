"""Saying what happened, in the protocol's words."""

import string
from typing import Any

from tests.model.state import NOTHING, POISON, TOMBSTONE, Phase, State, key_of

# A sentence with its values: turned into text only where somebody reads it.
Saying = tuple[Any, ...]
Step = tuple[Saying, State]


def say(sentence: str, *values: Any) -> Saying:
    """The sentence's fields are, in order, the values; a field's name says how it is shown."""
    return (sentence, *values)


def text_of(saying: Saying) -> str:
    sentence, *values = saying
    parts = []
    fields = iter(values)
    for literal, name, _, _ in string.Formatter().parse(sentence):
        parts.append(literal)
        if name is not None:
            parts.append(_shown(name, next(fields)))
    return "".join(parts)


def _shown(name: str, value: Any) -> str:
    if name == "image":
        return show_image(value)
    if name == "content":
        return show_content(value)
    if name == "source":
        return "ab"[value]
    if name == "phase":
        return Phase.NAMES[value]
    return str(value)


def show_content(content: int) -> str:
    """What a destination key holds: an image by the number of its write, or none."""
    if content == NOTHING:
        return "nothing"
    if content == TOMBSTONE:
        return "a tombstone"
    return f"v{content >> 3}"


def show_image(content: int) -> str:
    """What the source holds: an image with the destination key that it maps to, or none."""
    if content == NOTHING:
        return "nothing"
    if key_of(content) == POISON:
        return f"v{content >> 3} (poison)"
    return f"v{content >> 3} for key {key_of(content)}"


def show_state(state: State) -> str:
    """Both tables, the dirty keys and the phase."""
    source = [f"{'ab'[n]}: {show_image(content)}" for n, content in enumerate(state.source)]
    destination = [
        f"key {key}: {show_content(content)}" for key, content in enumerate(state.destination)
    ]
    dirty = ["ab"[n] for n, bits in enumerate(state.dirty) if bits]
    return (
        f"source {{{', '.join(source)}}}, destination {{{', '.join(destination)}}}, "
        f"dirty {{{', '.join(dirty)}}}, phase {Phase.NAMES[state.phase]}"
    )
