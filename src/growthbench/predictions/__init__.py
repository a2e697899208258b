"""What we said: deployments, scores of people and rows, the prediction log and its recomputation."""
