"""What changed: drift of what a model reads, judged by what it does to decisions. The only importer of evidently."""
