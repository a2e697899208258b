"""Words of talking with a reader: what a sentence may be made of without saying anything about the product."""

import re

from growthbench.text.analysis import stems

NEUTRAL = frozenset(
    stems(
        """you your yours we us our i me my who what how when where why which do does did can could may might would
        should have has had am be been than more about from at so here now today below above first second
        third next last again also too just one two three thing things point points question questions
        answer answers word words line lines short brief note detail details fact facts number numbers
        documentation documents document page guide source sources list read see look know want wants need
        needs ask think worth check find get use using try tell say says said mean means matter matters help
        decide start begin plan before after while because other others people team teams colleague
        colleagues reader every day week work yourself same all good best simple simply like let go take
        takes come time yes no please thank thanks regards hello hi dear reply write e-mail mail message
        interested idea them it its each their they he she but or lets deciding in lists readers closer
        closely learn explain explained explains overview works working summary"""
    )
)
"""Stems; "all", "every" and "best" are caught as words of scope before this list is asked."""

GREETING = re.compile(
    r"(?:hello|hi|dear|good (?:morning|day)|kind regards|best regards|regards|thank you|thanks|yours|see you)\b"
    r"[^.!?]{0,60}$",
    re.IGNORECASE,
)
INVITES = re.compile(
    r"(?:please )?(?:see|read|try|start|book|reply|ask|open|look|compare|write|tell|learn|find|check|visit|join|get|"
    r"take|begin|plan|come|talk|choose|invite|make|bring|import|have|contact|call|discover|explore|request|sign|"
    r"download|keep|stay|return|go|let|set|use|know|send|watch|meet)\b",
    re.IGNORECASE,
)
