"""Learning from a teacher's play: its matches on disk, imitation, and what holds PPO near it."""
