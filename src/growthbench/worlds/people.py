"""Who lives in a world: paths, latent types and traits; and the e-mails that all of them get."""

import numpy as np
import pyarrow as pa

from growthbench.worlds.bursts import draw_kind, draw_replies
from growthbench.worlds.chains import Weeks
from growthbench.worlds.columns import Columns
from growthbench.worlds.laws import WEEK_DAYS
from growthbench.worlds.spec import Phase, Trait, WorldSpec


def draw_types(spec: WorldSpec, people: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Path (index into ``spec.paths``) and latent type of each person."""
    paths = list(spec.paths)
    path = rng.choice(len(paths), people, p=np.array([spec.paths[p] for p in paths]) / sum(spec.paths.values()))
    kind = np.zeros(people, np.int64)
    for k, name in enumerate(paths):
        chosen = path == k
        kind[chosen] = rng.choice(len(spec.personas), chosen.sum(), p=spec.prior(name))
    return path, kind


def draw_trait(spec: WorldSpec, trait: Trait, kind: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Index of the trait's value (text) or band (numbers) for each person."""
    below = np.cumsum(spec.trait_share(trait), axis=1)[:, :-1]
    return (rng.random(len(kind))[:, None] > below[kind]).sum(axis=1)


def trait_values(trait: Trait, index: np.ndarray, told: np.ndarray, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Columns ``text_value`` and ``int_value`` of the people ``told`` (boolean)."""
    if not trait.is_number:
        codes = pa.array(index[told].astype(np.int32))
        text = pa.DictionaryArray.from_arrays(codes, pa.array(list(trait.values))).cast(pa.string())
        return {"text_value": text, "int_value": pa.nulls(told.sum(), pa.int64())}
    bands = np.array(trait.values)[index]
    number = bands[:, 0] + np.floor(rng.random(len(index)) * (bands[:, 1] - bands[:, 0] + 1)).astype(np.int64)
    return {"text_value": pa.nulls(told.sum(), pa.string()), "int_value": pa.array(number[told])}


def send_mail(spec: WorldSpec, phase: Phase, weeks: Weeks, columns: Columns, rng) -> None:
    """E-mails of one phase with their replies: opened; opened and clicked; opened and no more wanted.

    Nobody gets a mail after unsubscribing. Mails come at the same rate to everybody, so that stopping them says nothing
    that the unsubscription did not say.
    """
    drafts = Columns()
    kind = spec.kind("mail")
    sent = draw_kind(spec, phase, kind, weeks, drafts, rng)
    share = phase.reply[weeks.kind[sent.row], sent.state]
    mail, outcome, when = draw_replies(share, spec.reply_latency, sent.time, rng)
    stop = np.full(len(weeks.person), np.inf)
    leaving = outcome == 2
    np.minimum.at(stop, sent.row[mail[leaving]], when[leaving])
    kept = sent.time < stop[sent.row]
    campaign = (np.floor(sent.time / WEEK_DAYS).astype(int) + 60, [f"newsletter {w - 60}" for w in range(400)])
    message = columns.reserve(len(kept))

    def post(name: str, mails: np.ndarray, times: np.ndarray) -> None:
        columns.add(
            weeks.person[sent.row[mails]], times, times,
            name=name, channel=kind.channel, message=message[mails], campaign=(campaign[0][mails], campaign[1]),
        )  # fmt: skip

    post("email_delivered", np.flatnonzero(kept), sent.time[kept])
    for name, outcomes in (("email_open", (0, 1, 2)), ("email_click", (1,)), ("email_unsubscribe", (2,))):
        chosen = kept[mail] & np.isin(outcome, outcomes)
        post(name, mail[chosen], when[chosen])


def tell_traits(
    spec: WorldSpec,
    person: np.ndarray,
    kind: np.ndarray,
    when: np.ndarray,
    names: tuple[str, ...],
    columns: Columns,
    rng,
) -> dict[str, np.ndarray]:
    """Add an ``identify`` for each person at ``when``; a trait that is missing is not told.

    Returns
    -------
    dict of str to ndarray
        Value index of each trait, told or not.
    """
    first = columns.add(person, when, when, name="identify", channel="web")
    indices = {}
    for trait in (t for t in spec.traits if t.name in names):
        index = indices[trait.name] = draw_trait(spec, trait, kind, rng)
        told = rng.random(len(person)) >= trait.missing
        columns.tell(first + np.flatnonzero(told), trait.name, **trait_values(trait, index, told, rng))
    return indices
