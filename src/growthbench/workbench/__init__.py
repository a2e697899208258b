"""The notebook's front door: load, train, compare, explain; it only calls the packages that do the work."""
