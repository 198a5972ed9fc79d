"""A league in Python: `league.open(folder)`, what it holds as tables, its members, its matches.

Promises: nothing here writes into the league, which may be running (`League.pit(keep=True)` alone
stores what it plays, as `league pit` does); neither torch nor pandas nor the game is
loaded before something needs it. docs/python.md has an example of each method, which the tests run.
"""

from league.python.match import Match
from league.python.member import Member, Policy
from league.python.opened import League, open
from league.python.pits import Pit

__all__ = ["League", "Match", "Member", "Pit", "Policy", "open"]
