"""What was known at a moment: the one place where time and knowledge are compared."""


def visible(spine, known) -> list:
    """Join predicates: a person's events that had happened, had been received and had been committed by then.

    Parameters
    ----------
    spine : ibis.Table
        ``tenant_id person moment horizon``.
    known : ibis.Table
        ``tenant_id person timestamp received_at seq``.
    """
    return [
        known.tenant_id == spine.tenant_id,
        known.person == spine.person,
        known.timestamp < spine.moment,
        known.received_at <= spine.moment,
        known.seq <= spine.horizon,
    ]
