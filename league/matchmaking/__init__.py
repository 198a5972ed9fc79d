"""Who plays whom, and when a learner becomes a member: pure functions."""
