"""The rim towards MLflow, and its only importer: writing runs, finding them, reviewing, gating and promoting them."""
