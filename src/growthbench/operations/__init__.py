"""What keeps an installation in order: erasure, backup and restore, rotation of keys, the doctor's checks."""
