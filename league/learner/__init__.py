"""The learner: continues PPO training of one lineage in its own process."""
