"""The three angles that make variants differ in what they say, not in how."""

ANGLES = {
    "benefit": "lead with what the reader can do with it",
    "proof": "lead with the numbers and commitments in the facts",
    "question": "lead with the reader's question, then what to know before deciding: conditions and limits",
}
"""By name, as a writer is told it."""
