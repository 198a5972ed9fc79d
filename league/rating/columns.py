"""The finished rated matches of a season as arrays: who took part, and who came where.

Everything that a report says beyond the ratings (totals, intervals, beat rates, placements) is
computed from these columns, because they hold what can be stored as running sums: placements never
change, while what they mean depends on the present ratings. 100,000 matches of ten seats take 8 MB
and are looked through in a tenth of a second.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
_FORMAT = 1
_MAX_BYTES = 1_000_000_000  # unpacked: of some ten million matches; more is a bomb
_LEAST_FOR_A_BATCH = 6  # seats


@dataclass(frozen=True)
class Group:
    """The matches with one number of rated seats, m of them with k seats.

    Attributes:
        index: int64[m], where each match stands in the order of the log.
        members: int32[m, k], member ids, ascending in each match.
        placements: int16[m, k], 1 is best, ties share the better number.
    """

    index: IntArray
    members: NDArray[np.int32]
    placements: NDArray[np.int16]


@dataclass(frozen=True)
class MatchColumns:
    """Matches in the order of the rating log.

    Attributes:
        last_seq: number in the rating log of the last row, 0 without any.
        match_ids: int64[m].
        starts: int64[m + 1], where the seats of each match begin in the two arrays below.
        members: int32[s], member ids, those of a match side by side in ascending order, so that
            matches of the same members have them in the same places.
        placements: int16[s].
    """

    last_seq: int
    match_ids: IntArray
    starts: IntArray
    members: NDArray[np.int32]
    placements: NDArray[np.int16]

    @classmethod
    def empty(cls) -> MatchColumns:
        """Return the columns of a season without matches."""
        none = np.zeros(0, dtype=np.int64)
        first = np.zeros(1, dtype=np.int64)
        return cls(0, none, first, none.astype(np.int32), none.astype(np.int16))

    @classmethod
    def of_matches(cls, matches: Iterable[tuple[Sequence[int], Sequence[int]]]) -> MatchColumns:
        """Return the columns of (member ids, placements), numbered from 1."""
        rows, seq = [], 0
        for match_id, (members, placements) in enumerate(matches, start=1):
            for member, placement in zip(members, placements, strict=True):
                seq += 1
                rows.append((seq, match_id, member, placement))
        return cls.empty().extended(rows)

    @property
    def n_matches(self) -> int:
        """The number of matches."""
        return len(self.match_ids)

    @property
    def n_seats(self) -> int:
        """The number of rated seats of all matches."""
        return len(self.members)

    def member_ids(self) -> IntArray:
        """Return int64[n]: who has played, ascending."""
        return np.flatnonzero(np.bincount(self.members)) if self.n_seats else self.match_ids

    def extended(self, rows: IntArray | Sequence[tuple[int, int, int, int]]) -> MatchColumns:
        """Return the columns with further (seq, match_id, member_id, placement) of the log."""
        if not len(rows):
            return self
        new = np.asarray(rows, dtype=np.int64)
        begins = np.flatnonzero(np.diff(new[:, 1], prepend=-1))
        match = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(new))))
        members = new[np.lexsort((new[:, 2], match))]
        return MatchColumns(
            last_seq=int(new[-1, 0]),
            match_ids=np.concatenate((self.match_ids, new[begins, 1])),
            starts=np.concatenate(
                (self.starts, begins[1:] + self.starts[-1], [self.n_seats + len(new)])
            ),
            members=np.concatenate((self.members, members[:, 2].astype(np.int32))),
            placements=np.concatenate((self.placements, members[:, 3].astype(np.int16))),
        )

    def groups(self) -> Iterator[Group]:
        """Yield the matches by their number of rated seats."""
        sizes = np.diff(self.starts)
        for size in np.unique(sizes).tolist():
            index = np.flatnonzero(sizes == size)
            at = self.starts[index][:, None] + np.arange(size)
            yield Group(index, self.members[at], self.placements[at])

    def line_ups(self) -> IntArray:
        """Return int64[m]: a number for each match, the same for those in the same company.

        These are the matches of one set of members, and the matches of one batch: they are planned
        one after the other with the same networks, of which each leaves a few out (league.
        matchmaking.lineups), and err together although no two have the same members. A match
        belongs to the one that was planned before it if they share clearly more members than two
        line-ups of the pool do by chance; among fewer than six seats chance looks like a batch, and
        only equal sets count.
        """
        sets = self._sets()
        if not len(sets):
            return sets
        planned = np.argsort(self.match_ids, kind="stable")
        begins = np.ones(len(sets), dtype=np.bool_)
        rank = np.empty(len(sets), dtype=np.int64)
        rank[planned] = np.arange(len(sets))
        n_members = len(self.member_ids())
        for group in self.groups():
            order = np.argsort(rank[group.index])
            members, at = group.members[order], rank[group.index][order]
            k = members.shape[1]
            if k < _LEAST_FOR_A_BATCH:
                continue
            shared = (members[1:, :, None] == members[:-1, None, :]).sum(axis=(1, 2))
            by_chance = k * k / max(n_members, k)
            near = (shared >= (k + 2.0 * by_chance) / 3.0) & (np.diff(at) == 1)
            begins[at[1:][near]] = False
        first = planned[np.maximum.accumulate(np.where(begins, np.arange(len(sets)), 0))]
        found = np.empty(len(sets), dtype=np.int64)
        found[planned] = sets[first]
        return found

    def _sets(self) -> IntArray:
        """Return int64[m]: a number for each match, the same for the same set of members.

        Sets are compared by the sum of random 64-bit numbers of their members: two of 100,000
        different sets share a sum with a chance of 3e-10.
        """
        if not self.n_matches:
            return np.zeros(0, dtype=np.int64)
        known = int(self.members.max()) + 1
        keys = np.random.default_rng(known).integers(0, 2**64 - 1, known, dtype=np.uint64)
        sums = np.add.reduceat(keys[self.members], self.starts[:-1])
        return np.asarray(np.unique(sums, return_inverse=True)[1], dtype=np.int64)

    def to_bytes(self, mark: str) -> bytes:
        """Return the columns as a file, with a text that tells which log they are of."""
        stream = io.BytesIO()
        np.savez(
            stream,
            format=np.int64(_FORMAT),
            mark=np.array(mark),
            last_seq=np.int64(self.last_seq),
            match_ids=self.match_ids,
            sizes=np.diff(self.starts).astype(np.int16),
            members=self.members,
            placements=self.placements,
        )
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, raw: bytes) -> tuple[MatchColumns, str]:
        """Return columns and mark of a file of `to_bytes`.

        Raises:
            ValueError: it is not such a file, or it is damaged.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(raw)) as packed:
                if sum(info.file_size for info in packed.infolist()) > _MAX_BYTES:
                    raise ValueError("expected columns of matches, found more than a league has")
            with np.load(io.BytesIO(raw), allow_pickle=False) as file:
                held: dict[str, Any] = {name: file[name] for name in file.files}
            sizes, members = held["sizes"].astype(np.int64), held["members"].astype(np.int32)
            placements = held["placements"].astype(np.int16)
            is_whole = (
                int(held["format"]) == _FORMAT
                and sizes.shape == held["match_ids"].shape
                and sizes.ndim == 1
                and members.shape == placements.shape == (int(sizes.sum()),)
                and (sizes.size == 0 or int(sizes.min()) > 0)
            )
            mark, last_seq = str(held["mark"]), int(held["last_seq"])
            match_ids = held["match_ids"].astype(np.int64)
        except (
            *(KeyError, TypeError, OSError, EOFError, MemoryError),
            *(zipfile.BadZipFile, zlib.error),
        ) as error:
            raise ValueError(f"expected columns of matches: {error}") from error
        if not is_whole:
            raise ValueError("expected columns of matches that fit each other")
        starts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(sizes)))
        return cls(last_seq, match_ids, starts, members, placements), mark


def totals(columns: MatchColumns) -> dict[int, tuple[int, int, float]]:
    """Return (games, first places even if shared, mean placement) by member id."""
    games = np.bincount(columns.members)
    wins = np.bincount(columns.members[columns.placements == 1], minlength=len(games))
    places = np.bincount(columns.members, weights=columns.placements, minlength=len(games))
    return {
        int(member): (int(games[member]), int(wins[member]), float(places[member] / games[member]))
        for member in np.flatnonzero(games)
    }
