"""Is every factual sentence carried by a document?

What is a claim: a sentence with a number, a superlative or a word of scope or price; any other sentence too, unless it
is a question, an invitation, a greeting, a heading that asserts nothing, or talk with the reader that says nothing of
the product (all its words are of a short list or of the brief). In doubt a sentence is a claim.

A claim is carried by ONE sentence of the documents (or each of its clauses by one) that holds its numbers with their
units, names, superlatives, denial and most of its words (`knowledge.verification.check_support`). A sentence about
several plans at once carries only what is taken from it word for word: nobody can tell from words alone which
number belongs to which plan. The check reads words, not sense; what it passes is likely carried, not proven.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from growthbench.content.brief import Brief
from growthbench.content.facts import Pooled
from growthbench.content.findings import Finding
from growthbench.content.pieces import Carried, Parts, texts_of
from growthbench.content.reader_talk import GREETING, INVITES, NEUTRAL
from growthbench.knowledge.verification import check_support, locate, names_of, numbers_of
from growthbench.text.analysis import STOP_WORDS, stems, words
from growthbench.text.sentences import sentences

CHECK = "claims"
LOOKED_AT = 15
"""Sentences of the documents that a claim is held against, the nearest by words first."""
MISSING = 0.25
"""Share of a claim's words that its sentence may lack: a paraphrase needs some of its own."""
TAGS = "hashtags"
_TAG_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
TITLES = ("subject", "preheader", "title", "headline", "headlines", "call_to_action", "meta_description")
_SUPERLATIVE = re.compile(
    r"\b(?:best|most|least|fastest|cheapest|easiest|largest|biggest|smallest|leading|only|first|number one|no\. ?1|"
    r"unique|unrivalled|unmatched|perfect|(?:[a-z]{3,}i|[a-z]{2,}[^aeiouy])est)\b",
    re.IGNORECASE,
)
_ALIKE = ("request", "interest", "test", "rest", "latest", "west", "guest", "honest", "modest", "suggest", "harvest")
_ALIKE += ("invest", "forest", "protest", "contest", "digest", "nearest")
"""Words that end as superlatives do."""
_SCOPE = re.compile(
    r"\b(?:free|unlimited|always|never|every|all|any|none|nobody|everybody|everyone|no limit|without limit|nothing|"
    r"cheap|discount|guaranteed?|certified|secure|encrypted|half|double|twice)\b",
    re.IGNORECASE,
)
_ASSERTS = re.compile(
    r"\b(?:is|are|was|were|has|have|costs?|gives?|gets?|includes?|makes?|saves?|can|will|lets?|helps?)\b", re.I
)
_LEADS_ON = re.compile(r"did you know|why (?:is|are|does|do)\b|how (?:is|does)\b", re.IGNORECASE)
_INDIRECT = re.compile(r"(?:what|how|when|where|which|who|why)\b", re.IGNORECASE)
_ADDS = re.compile(r"\b(?:which|that|because|who)\b", re.IGNORECASE)
_CONDITION = re.compile(r"\b(?:if|unless|until|only|except|provided|within)\b", re.IGNORECASE)
_DENIAL = re.compile(
    r"\b(?:no|not|never|none|nobody|nothing|neither|nor|cannot|without)\b|n['\u2019]t\b", re.IGNORECASE
)
_CLAUSE = re.compile(r";\s+|,\s+(?:and|but|while|so)\s+|\s+(?:while|because)\s+")


@dataclass(frozen=True)
class Claims:
    """Findings, and the sentences that hold with what they rest on."""

    findings: list[Finding]
    carried: list[Carried]


class ClaimCheck:
    """Holds texts against the sentences of documents.

    Parameters
    ----------
    pool : sequence of Pooled
    brief : Brief
    """

    def __init__(self, pool: Sequence[Pooled], brief: Brief):
        self.pool = list(pool)
        self._held = set(stems(" ".join(f"{one.text} {one.context}" for one in self.pool)))
        self._stems = [set(stems(f"{one.text} {one.context}")) for one in self.pool]
        counts = Counter(name for one in self.pool for name in names_of(one.text) | names_of(f"x {one.context}"))
        self.names = frozenset(counts)
        shouted = {w.lower() for one in self.pool for w in re.findall(r"\b[A-Z0-9]{2,}\b", one.text)}  # EUR, API, CSV
        self.often = frozenset(name for name, count in counts.items() if count > 1) - shouted
        told = (brief.topic, brief.audience, brief.goal, brief.keyword, brief.company, brief.call_to_action)
        self._brief = set(stems(" ".join(told))) | set(words(" ".join(told)))
        self._company, self._topic = set(words(brief.company)), brief.topic.strip()
        self._headings = {h.strip().lower() for one in self.pool for h in one.heading.split(" > ")}

    def check(self, parts: Parts) -> Claims:
        """Every sentence of every part."""
        found, carried = [], []
        for part, text in texts_of(parts):
            name = part.partition("[")[0]
            if name == TAGS and (strange := self._unknown(" ".join(_TAG_WORDS.findall(text)))):
                said = f"no document and no brief says {', '.join(sorted(strange))}"
                found.append(Finding(CHECK, "unsupported", said, "leave it out", part=part, start=0, end=len(text)))
            for a, b in sentences(text) if name != TAGS else ():
                sentence = _bare(text[a:b])
                if not self.is_claim(sentence, title=name in TITLES or _is_heading(text, a)):
                    continue
                if held := self.carrying(sentence):
                    carried += [Carried(part, sentence, one.citation) for one in held]
                else:
                    near = self._nearest(sentence)
                    fix = f"leave it out, or say what is there: {near[0].text!r}" if near else "leave it out"
                    said = f"no document carries {sentence!r}"
                    found.append(Finding(CHECK, "unsupported", said, fix, part=part, start=a, end=b))
        return Claims(found, carried)

    def is_claim(self, sentence: str, title: bool = False) -> bool:
        """Whether a sentence says something that could be wrong."""
        if not words(sentence):
            return False
        if numbers_of(sentence) or _superlative(sentence):
            return True
        if GREETING.match(sentence):
            return False
        if sentence.rstrip("\"' ").endswith("?"):
            return bool(_LEADS_ON.match(sentence) and _SCOPE.search(sentence))
        if INVITES.match(sentence) and len(sentence.split()) <= 12 and not _ADDS.search(sentence):
            return bool(_SCOPE.search(sentence)) or len(self._unknown(sentence)) > 1
        if title and _INDIRECT.match(sentence):
            return bool(_SCOPE.search(sentence))
        if title:
            return any(self._asserts(piece) for piece in re.split(r":\s| \| ", sentence))
        return self._asserts(sentence)

    def _unknown(self, text: str) -> set[str]:
        """Stems that neither the brief nor the documents nor talk with a reader hold."""
        return {s for s in stems(text) if s not in NEUTRAL} - self._brief - self._held

    def _asserts(self, text: str) -> bool:
        """Whether a text says more than the brief and talk with the reader do; the documents' headings say nothing."""
        if text.strip().lower() in self._headings:
            return False
        if _SCOPE.search(text) or not {s for s in stems(text) if s not in NEUTRAL} <= self._brief:
            return True
        around = (
            re.sub(re.escape(self._topic), " ", text, flags=re.IGNORECASE) if self._topic != text.strip(" .") else text
        )
        named = {w.lower() for w in re.findall(r"[A-Z][\w-]+", around)} & self.names - self._company
        if not _ASSERTS.search(text):
            return bool(named) and text.endswith(".")
        return bool(named) or not re.search(r"\b(?:you|your|we|our|this|these|here)\b", text, re.IGNORECASE)

    def carrying(self, sentence: str) -> list[Pooled]:
        """What carries a claim: one sentence, or one for each of its clauses; empty if nothing does."""
        if one := self._by_one(sentence):
            return [one]
        clauses = [c.strip() for c in _CLAUSE.split(sentence) if len(words(c)) > 2]
        if len(clauses) < 2:
            return []
        held = [self._by_one(clause) for clause in clauses]
        return [one for one in held if one] if all(held) else []

    def _by_one(self, claim: str) -> Pooled | None:
        return next((one for one in self._nearest(claim) if self._carries(claim, one)), None)

    def _nearest(self, claim: str) -> list[Pooled]:
        wanted = set(stems(claim))
        ranked = sorted(((len(wanted & held), -i) for i, held in enumerate(self._stems)), reverse=True)
        return [self.pool[-i] for shared, i in ranked[:LOOKED_AT] if shared]

    def _carries(self, claim: str, one: Pooled) -> bool:
        if _conditions(one.text) - _conditions(claim):
            return False  # "are refunded" is not what "are refunded, if ..." says
        if any(locate(text.rstrip("."), one.text) for text in (claim, claim[:1].upper() + claim[1:])):
            return True
        if (
            check_support(claim, [one.text], one.context) is not None
            or not _enough(claim, one)
            or _denials(claim) != _denials(one.text)
        ):
            return False
        said, named = _capital(f"{one.text} {one.context}"), _capital(claim) & self.names
        if named - said - self._company or len(self.often & set(words(one.text)) & _capital(one.text)) > 1:
            return False
        strange = (
            {m.lower() for m in (*_SCOPE.findall(claim), *_superlative(claim))}
            - set(words(one.text))
            - _phrases(one.text)
        )
        return not strange and _same_units(claim, one.text)


def _conditions(text: str) -> set[str]:
    return {m.lower() for m in _CONDITION.findall(text)}


def _denials(text: str) -> int:
    return len(_DENIAL.findall(text))


def _capital(text: str) -> set[str]:
    return {w for found in re.findall(r"\b[A-Z][\w-]*", text) for w in words(found)} - STOP_WORDS


def _phrases(text: str) -> set[str]:
    return {m.lower() for m in (*_SCOPE.findall(text), *_SUPERLATIVE.findall(text))}


def _superlative(text: str) -> list[str]:
    return [
        m for m in _SUPERLATIVE.findall(text) if m.lower() not in _ALIKE and not re.search(rf"\bat {m}\b", text, re.I)
    ]


def _enough(claim: str, one: Pooled) -> bool:
    """Nearly all words of a claim, talk with the reader aside, are in the sentence or what it stands under."""
    wanted = {s for s in stems(claim) if s not in NEUTRAL}
    missing = wanted - set(stems(f"{one.text} {one.context}"))
    return len(missing) <= MISSING * len(wanted)


def _same_units(claim: str, text: str) -> bool:
    """What is counted must be the same: 30 finished cards are not 30 finished boards, and not 30 days."""
    for number, counted in _counted(claim):
        theirs = [words(text[m.end() :])[:4] for m in re.finditer(rf"(?<![\d.,]){re.escape(number)}(?![\d])", text)]
        if counted and theirs and not any(set(stems(counted)) <= set(stems(" ".join(after))) for after in theirs):
            return False
    return True


def _counted(text: str) -> Iterator[tuple[str, str]]:
    """Numbers with up to two words after them, ended by a mark or a small word."""
    for match in re.finditer(r"(\d+(?:[.,]\d+)*)\s+((?:[A-Za-z][\w-]*\s*){0,2})", text):
        told = []
        for word in match[2].split():
            if word.lower() in STOP_WORDS:
                break
            told.append(word)
        yield match[1], " ".join(told)


def _bare(text: str) -> str:
    """A sentence without Markdown's marks and without links."""
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    return " ".join(re.sub(r"https://\S+|[*_`>|]", " ", text).split()).strip(" :")


def _is_heading(text: str, at: int) -> bool:
    return text[:at].rsplit("\n", 1)[-1].lstrip().startswith("#")


def spans_to_cut(findings: Sequence[Finding]) -> Iterator[tuple[str, int, int]]:
    """Part and characters of what no document carries, the last first."""
    found = [f for f in findings if f.check == CHECK and f.start is not None]
    yield from sorted(((f.part, f.start, f.end) for f in found), reverse=True)
