"""`python -m league.cli`: the same as the `league` script."""

import sys

from league.cli.main import main

sys.exit(main())
