"""How long a download waits for a mirror, and how often it asks again; and whether there is a network at all."""

import socket
from dataclasses import dataclass

from sidecar.errors import DownloadError, MirrorFailed, MirrorRateLimited, MirrorUnreachable, NoNetwork
from sidecar.models.stop import Stop


@dataclass(frozen=True)
class NetworkLimits:
    """Patience with one mirror. Times are seconds."""

    connect_seconds: float = 10
    stall_seconds: float = 20
    """Silence in the middle of an answer that counts as a broken connection."""
    attempts: int = 3
    """Tries in a row that brought nothing, before the mirror's failure is the download's. All there are while nothing
    has arrived yet: somebody waits for an answer then."""
    first_wait: float = 0.5
    """Before the second try; doubled before each further one."""
    longest_wait: float = 8
    """Also the longest `Retry-After` that is waited for while nothing has arrived yet."""
    longest_asked_wait: float = 60
    """The longest `Retry-After` that is waited for once something has arrived."""
    outage_seconds: float = 120
    """Once something has arrived, for how long nothing more may: a router that starts anew, a train in a tunnel, a
    mirror whose servers start anew or have too much to do."""
    after_wake_seconds: float = 60
    """After the computer woke up, for how long no failure counts: its network needs a while to come back."""
    parallel_files: int = 4

    def wait_to_retry(
        self, error: DownloadError, failures: int, stop: Stop, quiet_seconds: float | None = None
    ) -> None:
        """Sleep before another try, after `failures` tries in a row that brought nothing; `quiet_seconds` is how long
        ago something arrived, None if nothing has yet.

        Raises:
            DownloadError: `error` itself, where asking again is hopeless or was done often and long enough.
            Stopped: nobody wants it any more.
        """
        asked = error.details.get("retry_after_seconds")
        # What passes by itself is given time; a wrong answer only a few tries.
        passes = isinstance(error, MirrorUnreachable | NoNetwork | MirrorFailed | MirrorRateLimited)
        is_outage = quiet_seconds is not None and passes and quiet_seconds < self.outage_seconds
        if not error.retryable or (failures >= self.attempts and not is_outage):
            raise error
        wait = min(self.first_wait * 2 ** min(failures - 1, 16), self.longest_wait)
        if isinstance(asked, int | float):
            if asked > (self.longest_wait if quiet_seconds is None else self.longest_asked_wait):
                raise error
            # Who says "at once" again and again is not asked without a pause.
            wait = max(wait, asked) if failures >= self.attempts else asked
        stop.wait(wait)


# Addresses that documentation uses (RFC 5737, RFC 3849): nobody has them.
_ANYWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def has_route() -> bool:
    """Whether there is a way to anywhere but this computer. Sends nothing: connecting a datagram socket only looks a
    route up."""
    return any(_leads_out(family, address) for family, address in _ANYWHERE)


def _leads_out(family: socket.AddressFamily, address: str) -> bool:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 443))
    except OSError:
        return False
    return True
