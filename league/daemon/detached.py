"""The process of a league in the background, which `league.daemon.detach` starts and listens to."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from agents.errors import AgentError
from arena.errors import ArenaError
from arena.import_path import set_variables
from db.errors import DatabaseError
from league.config.tree import LeagueConfig
from league.daemon import process
from league.daemon.detach import Herald
from league.daemon.say import say
from league.errors import LeagueError


def main() -> int:
    """Run the detached process: folder on the command line, order on standard input."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    order = json.loads(sys.stdin.read())
    set_variables(order["environment"])
    herald = Herald(order["herald"])
    config = LeagueConfig.from_json(order["config"])
    try:
        return process.start(
            Path(sys.argv[1]), config, for_s=order["for_s"], detach=False, herald=herald
        )
    except (LeagueError, ArenaError, AgentError, DatabaseError) as error:
        say(f"error: {error}")
        herald.tell("failed", str(error))
        return getattr(error, "exit_code", 2)
    except Exception as error:
        herald.tell("failed", f"{type(error).__name__}: {error}")
        raise


if __name__ == "__main__":
    sys.exit(main())
