"""All checks of one draft."""

from dataclasses import dataclass

from growthbench.content.brand import Brand
from growthbench.content.brief import PAGES, Brief
from growthbench.content.checks.brand_voice import check_brand
from growthbench.content.checks.claims import ClaimCheck
from growthbench.content.checks.lengths import check_lengths
from growthbench.content.checks.readability import reading_ease
from growthbench.content.checks.safety import check_safety
from growthbench.content.checks.seo import check_seo
from growthbench.content.facts import Found
from growthbench.content.findings import Finding
from growthbench.content.formats import formats
from growthbench.content.pieces import Carried, Parts


@dataclass(frozen=True)
class Checked:
    """What the checks say of a draft."""

    findings: tuple[Finding, ...]
    carried: tuple[Carried, ...]
    scores: dict[str, float]


class Checks:
    """The checks of one brief.

    Parameters
    ----------
    brief : Brief
    brand : Brand
    found : Found
    """

    def __init__(self, brief: Brief, brand: Brand, found: Found):
        self.brief, self.brand = brief, brand
        self.rules = formats().of(brief)
        self.claims = ClaimCheck(found.pool, brief)
        self.carried_text = " ".join(one.text for one in found.pool)

    def of(self, parts: Parts) -> Checked:
        """Findings, carried sentences and scores of a draft."""
        claims = self.claims.check(parts)
        found = [
            *check_lengths(parts, self.rules),
            *claims.findings,
            *check_brand(parts, self.brand, self.brief.kind),
            *check_safety(parts, self.carried_text, self.brief.link),
        ]
        scores: dict[str, float] = {}
        if self.brief.kind in PAGES:
            seo = check_seo(parts, self.brief.wanted_keyword, self.brief.link)
            found += seo.findings
            scores["seo"] = seo.score
        if (ease := reading_ease(str(parts.get("body") or parts.get("post") or ""))) is not None:
            scores["reading_ease"] = ease
        return Checked(tuple(found), tuple(claims.carried), scores)

    def told(self) -> list[str]:
        """The rules in words, for a writer."""
        return [*(rule.told(part) for part, rule in self.rules.items()), *self.brand.told()]
