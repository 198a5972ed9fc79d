"""How several verdicts on one head-to-head share 5 % of error, so that extending never misleads.

A head-to-head of fixed length that is run again with doubled `--matches` until it pleases gave
17.6 % false verdicts at a nominal 5 %. Its first verdict therefore spends 4.1 %, the second .35 %,
and every further one half of the one before: 4.8 % together, by the union bound, however often it
is extended and whatever was seen (.2 % are left for scores that are not normal). Showing the same
number of pairs again is not a new look. The first interval is that of 95.9 %, hardly wider than one
never extended; a doubled length just makes up for the wider one of the second look.
"""

from __future__ import annotations

from collections.abc import Sequence

ALPHA_FIRST = 0.041
ALPHA_LATER = 0.007  # shared by all further looks: .0035, .00175, ...


def confidence_of(look: int) -> float:
    """Return the confidence of the interval at a look, the first being 1."""
    return 1.0 - (ALPHA_FIRST if look == 1 else ALPHA_LATER * 0.5 ** (look - 1))


def look_number(earlier: Sequence[int], n_pairs: int) -> int:
    """Return which look it is to judge `n_pairs`, after verdicts on `earlier` numbers of pairs."""
    if n_pairs in earlier:
        return list(earlier).index(n_pairs) + 1
    return len(earlier) + 1
