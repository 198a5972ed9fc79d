"""The game, and how matches are played.

Importing it registers `Territory-v0` with Gymnasium at no cost (registration.py).
"""

from arena.registration import register_when_possible

register_when_possible()
