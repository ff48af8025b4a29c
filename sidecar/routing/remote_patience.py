"""How long a provider's server is waited for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for, in seconds. `pauses` are those before the second and the third attempt,
    `longest_pause` the most that a Retry-After is obeyed."""

    connect: float = 10.0  # three lost SYNs and their repetitions
    first_byte: float = 120.0  # a local server loads its model first, and reads a long prompt
    between: float = 60.0  # then the server writes; the slowest computers need a second for a token
    listing: float = 30.0  # the list of models is short, however it trickles in
    usage: float = 5.0  # the answer is whole, and only how many tokens it had is still to come
    pauses: tuple[float, ...] = (0.5, 2.0)
    longest_pause: float = 20.0  # longer, and a person would rather know


PATIENCE = Patience()
