"""Read files as documents: Markdown, HTML, PDF, CSV, Word, plain text."""

from growthbench.knowledge.readers.reading import READERS, Refused, files_of, read_file, read_folder

__all__ = ["READERS", "Refused", "files_of", "read_file", "read_folder"]
