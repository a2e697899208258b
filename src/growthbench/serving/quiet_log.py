"""Callers' mistakes are answered, not logged with a stack trace as BentoML does."""

import logging

from bentoml.exceptions import BentoMLException
from pydantic import ValidationError


class QuietRefusals(logging.Filter):
    """Drops records of exceptions that only say that a request was wrong."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is kept."""
        exc = record.exc_info[1] if record.exc_info else None
        if isinstance(exc, BentoMLException):
            return exc.error_code >= 500
        return not isinstance(exc, ValidationError)
