"""How a worker process plays matches, and how their results are recorded."""
