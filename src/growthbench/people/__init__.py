"""Who it is: ids and traits behind a random person key, sessions, consent, erasure."""
