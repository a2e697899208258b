"""Things that should never be published unseen: a small lexicon, open to read, and no more than that.

It knows insults of groups, pressure on readers, promises nobody can keep, and personal data. It does not understand
irony, context or languages other than English. It misses a great deal; a person approves before anything is published.
"""

import re

from growthbench.content.findings import Finding
from growthbench.content.personal import personal_data
from growthbench.content.pieces import Parts, texts_of
from growthbench.knowledge.directives import directives

CHECK = "safety"
_LEXICON = {
    "stereotype": (
        r"\b(?:women|men|girls|boys|mothers|old people|seniors|millennials|immigrants|foreigners|"
        r"muslims|jews|christians|"
        r"blacks|whites|asians|arabs|gays|lesbians|the disabled)\b[^.!?]{0,30}\b"
        r"(?:are|always|never|can't|cannot|should|"
        r"can not|don't|do not)\b",
        "says something of a whole group of people",
        "speak of what the reader does, not of who the reader is",
    ),
    "excluding": (
        r"\b(?:chairman|salesmen|salesman|manpower|mankind|blacklist|whitelist|crazy|insane|lame|dumb|tone[- ]deaf|"
        r"man[- ]hours|guys)\b",
        "uses a word that leaves people out or hurts them",
        "use a neutral word",
    ),
    "insult": (
        r"\b(?:idiots?|morons?|stupid|losers?|pathetic|garbage|scum|retard(?:ed)?)\b",
        "insults",
        "leave it out",
    ),
    "pressure": (
        r"\b(?:act now|last chance|only \d+ left|before it(?:'|\u2019)?s too late|don(?:'|\u2019)t miss out|hurry|"
        r"expires? tonight|final notice|you(?:'|\u2019)?ll regret)\b",
        "presses the reader with a deadline or a loss",
        "say what is true of the offer, and when it ends if it does",
    ),
    "asks_secret": (
        r"\b(?:your|send|enter|confirm|tell us) (?:\w+ ){0,3}(?:password|passcode|pin|card number|credit card|"
        r"account number|social security)\b",
        "asks for a secret",
        "never ask a reader for one",
    ),
    "promise": (
        r"\b(?:guarantee[sd]?|risk[- ]free|100 ?% (?:safe|secure|free)|no risk|instant results?|get rich|cures?|"
        r"never fails?|always works?)\b",
        "promises what nobody can keep",
        "say what a document says",
    ),
}  # fmt: skip
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s)\]>]+", re.IGNORECASE)
_COMPILED = {name: (re.compile(p, re.IGNORECASE), said, fix) for name, (p, said, fix) in _LEXICON.items()}


def check_safety(parts: Parts, carried: str = "", link: str = "") -> list[Finding]:
    """Findings of the lexicon, of personal data and of orders to machines.

    Parameters
    ----------
    carried : str
        Text of the documents: a word they use of the same thing ("guaranteed availability") is theirs to use.
    link : str
        The brief's link: any other address is a finding, wherever it came from.
    """
    found: list[Finding] = []
    for part, text in texts_of(parts):
        for rule, (pattern, said, fix) in _COMPILED.items():
            for match in pattern.finditer(text):
                if rule == "promise" and match[0].lower() in carried.lower():
                    continue
                found.append(
                    Finding(CHECK, rule, f"{match[0]!r} {said}", fix, part=part, start=match.start(), end=match.end())
                )
        for kind, start, end in personal_data(text):
            found.append(
                Finding(CHECK, "personal_data", f"holds an {kind}", "leave it out", part=part, start=start, end=end)
            )
        for match in _ADDRESS.finditer(text):
            if not link or match[0].rstrip(".,;:") != link:
                told = {"part": part, "start": match.start(), "end": match.end()}
                found.append(
                    Finding(CHECK, "strange_link", f"links to {match[0]}", "use the brief's link alone", **told)
                )
        for start, end in directives(text):
            found.append(
                Finding(
                    CHECK, "instruction", "gives orders to machines", "leave it out", part=part, start=start, end=end
                )
            )
    return found
