"""Rim: BentoML, the Door."""
