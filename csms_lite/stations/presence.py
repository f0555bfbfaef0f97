"""Who is connected now, in memory: true only while this process runs."""

from __future__ import annotations

from collections.abc import Callable


class Presence:
    """The stations that have a socket, and when each was last heard."""

    def __init__(self, started_at_ms: int = 0) -> None:
        self.started_at_ms = started_at_ms
        """Who was silent before may have talked, only not to us."""
        self._connections: dict[int, int] = {}
        self._heard_at_ms: dict[int, int] = {}
        self._ends: dict[int, Callable[[], None]] = {}
        self._certificates: dict[int, int | None] = {}

    def arrived(
        self,
        station_id: int,
        connection: int,
        now_ms: int,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        """Note a new socket of a station, and how it is ended; the newest counts."""
        self._connections[station_id] = connection
        self._ends[station_id] = end
        self._heard_at_ms[station_id] = now_ms

    def heard(self, station_id: int, now_ms: int) -> None:
        """Note a sign of life."""
        self._heard_at_ms[station_id] = now_ms

    def left(self, station_id: int, connection: int) -> bool:
        """Note the end of a socket; false when a newer one has already taken its place."""
        if self._connections.get(station_id) != connection:
            return False
        del self._connections[station_id]
        del self._ends[station_id]
        return True

    def showed(self, station_id: int, ends_at_ms: int | None) -> None:
        """Note when the certificate ends that the station came with; `None`: it showed none."""
        self._certificates[station_id] = ends_at_ms

    def has_shown(self, station_id: int) -> bool:
        """Say whether it is known in this process's life with what the station comes."""
        return station_id in self._certificates

    def certificate_ends_at_ms(self, station_id: int) -> int | None:
        """Give when the certificate ends that the station showed last; `None` for none."""
        return self._certificates.get(station_id)

    def first_end_ms(self) -> tuple[int, ...]:
        """Give the earliest of those ends, or nothing when no station showed a certificate."""
        ends = [one for one in self._certificates.values() if one is not None]
        return (min(ends),) if ends else ()

    def send_away(self, station_id: int) -> None:
        """End the socket of a station, if it has one: it must show anew who it is."""
        end = self._ends.get(station_id)
        if end is not None:
            end()

    def is_online(self, station_id: int) -> bool:
        """Say whether the station has a socket."""
        return station_id in self._connections

    def connection(self, station_id: int) -> int | None:
        """Give the number of the station's socket, `None` when it has none."""
        return self._connections.get(station_id)

    def heard_at_ms(self, station_id: int) -> int | None:
        """Give the last sign of life in this process's life."""
        return self._heard_at_ms.get(station_id)

    @property
    def count(self) -> int:
        """How many stations have a socket."""
        return len(self._connections)
