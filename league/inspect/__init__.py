"""What a seat saw at a decision of a recorded match, and where its network attended."""
