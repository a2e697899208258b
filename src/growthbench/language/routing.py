"""Who is asked, in which order."""

from growthbench.base.errors import SettingsError
from growthbench.language.models import model_table
from growthbench.language.settings import AUTO, KEY_NAMES, LanguageSettings


def candidates(settings: LanguageSettings, kind: str, priority: str, fallback: bool = True) -> list[str]:
    """Models to ask, the first one first.

    Parameters
    ----------
    settings : LanguageSettings
    kind, priority : str
        The cell of the router's table, for ``auto``.
    fallback : bool, default True
        Whether others are asked when the first one does not answer.

    Raises
    ------
    SettingsError
        ``auto``, and there is no key for any model that could be asked.

    Examples
    --------
    >>> from growthbench.language.settings import LanguageSettings
    >>> candidates(LanguageSettings(), "reasoning", "cost")
    ['offline']
    >>> candidates(LanguageSettings(("auto", "offline"), keys={"anthropic": "..."}), "reasoning", "quality")
    ['anthropic/claude-opus-5', 'anthropic/claude-sonnet-5', 'offline']
    """
    first = model_table().cell(kind, priority)  # also refuses a kind or priority that nobody knows
    names = [name for told in settings.models for name in (_auto(settings, first) if told == AUTO else [told])]
    names = list(dict.fromkeys(names))
    return names if fallback else names[:1]


def _auto(settings: LanguageSettings, first: str) -> list[str]:
    order = [name for name in (first, *model_table().fallback) if name.partition("/")[0] in settings.keys]
    if not order:
        keys = ", ".join(KEY_NAMES.values())
        raise SettingsError(
            f"GROWTHBENCH_LM=auto, but there is no key for {first} or a model of the fallback order: set one of "
            f"{keys}, name a model, or use offline",
            field="GROWTHBENCH_LM",
        )
    return order
