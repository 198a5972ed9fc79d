"""How a worker process plays matches, and what is stored of them."""
