"""How good search and answers are, on labelled questions."""
