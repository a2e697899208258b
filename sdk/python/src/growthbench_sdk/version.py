"""The version, as the library tells it to the server."""

VERSION = "0.1.0"
