"""Claims at full size: `make proof` runs every test marked ``proof`` and writes ``proof/<line>.json``."""
