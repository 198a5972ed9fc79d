"""Maskable PPO over seats that die at different times, without anything of the league."""
