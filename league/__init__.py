"""The product: a league of agents that trains, plays, rates and reports, from the command line."""

__version__ = "0.1.0"
