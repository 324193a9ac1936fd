"""A plain-Python ranking of one user by a learner's model: candidates, features and scores by definition."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from streamproc.engine.model import EVENTS, LONG
from streamproc.engine.window_arrays import SHORT_TERM
from streamproc_models import fusion
from streamproc_models.fusion import NAMES
from streamproc_models.heads import gru
from streamproc_models.heads.encoder import RECALLED
from streamproc_models.heads.popularity import RARITY

DISLIKED, OPENS = 64, 128
HOUR, DAY = 3600, 86_400
SPANS = (6 * HOUR, 36 * HOUR, 5 * DAY, 12 * DAY, 25 * DAY, 60 * DAY)
SPAN_NAMES = ("6_hours", "36_hours", "5_days", "12_days", "25_days", "60_days", "longer")
LASTING_PUT_UP = 8
TINY = 1e-9


class Met(NamedTuple):
    """One event of the window."""

    item: int
    second: int
    session: int  # back from the newest


class Oracle:
    """What the engine should think of one user, as of the user's newest event."""

    def __init__(self, learner, row):
        self.m, self.reading, self.learner = learner.model, learner.settings.reading, learner
        self.events = int(self.m.counters[EVENTS])
        self.history, self.disliked, self.now = self.window(learner.users[0].windows.arrays, row)
        self.liked = [met.item for met in self.history][:SHORT_TERM]
        self.hidden, self.taste = self.vectors(learner.users[0].windows.arrays, row)
        self.here = sum(met.session == 0 for met in self.history)
        self.encoded = self.by_encoder()
        self.near, self.raw = self.co_visitation()
        self.after = self.followers()
        self.mates = self.of_session()
        self.beyond = self.two_steps()
        self.lasting, self.lasting_near, put_up = self.long_term()
        self.linked = self.shortlist(self.votes_from(self.near, self.after, self.mates, self.beyond) | put_up)
        self.shown = self.candidates()

    def window(self, w, row):
        known = {int(item): at for at, item in enumerate(self.m.item) if item}
        history, disliked, session = [], set(), 0
        page, place = w.page[row], int(w.place[row])
        for back in range(w.length[row]):
            item, flag = known[int(w.items[page, place])], w.flags[page, place]
            if not flag & DISLIKED:
                history.append(Met(item, int(w.times[page, place]), session))
            elif back < SHORT_TERM:
                disliked.add(item)
            session += bool(flag & OPENS)
            page, place = (page, place - 1) if place > 0 else (w.older[page], w.items.shape[1] - 1)
        return history, disliked, int(w.newest[row]) // 1000

    def vectors(self, w, row):
        """The user's recurrent state after the last item, and the user's factors."""
        size = self.m.gru.embeddings.shape[1]
        before = w.vectors[row, :size].astype(np.float32) / np.float32(32767)
        after = np.zeros(size, np.float32)
        gru.advance(self.m.gru, self.liked[0], before, after, np.zeros(7 * size, np.float32))
        return after, w.vectors[row, size:] / 4096

    def by_encoder(self):
        """The encoder's state after the last item, worked out from the window alone."""
        head = self.m.encoder.gru
        state, room = (
            np.zeros(head.cell.shape[1] // 3, np.float32),
            np.zeros(head.cell.shape[1] * 2, np.float32),
        )
        if self.m.encoder.since[0]:
            for item in reversed(self.liked[: RECALLED + 1]):
                gru.advance(head, item, state, state, room)
        return state

    def row(self, head, item):
        n = head.fill[item]
        return dict(zip(head.neighbours[item, :n].tolist(), head.weights[item, :n].tolist(), strict=True))

    def votes(self, head, voters):
        """sum_d w_d T[a_d, j] / T[a_d, .], over the sum of the w_d used; `voters` [(item, w)]."""
        found, used = Counter(), TINY
        for item, weight in voters:
            if head.fill[item]:
                used += weight
                for other, value in self.row(head, item).items():
                    found[other] += weight * value / head.totals[item]
        return {item: vote / used for item, vote in found.items()}

    def co_visitation(self):
        """Shares, and counts in present events."""
        head, one, raw = self.m.covisitation, self.m.increments[LONG], Counter()
        voters = [(item, 1 / (1 + d)) for d, item in enumerate(self.liked[: self.reading.votes])]
        for item, weight in voters:
            for other, value in self.row(head, item).items():
                raw[other] += weight * value / one
        return self.votes(head, voters), raw

    def followers(self):
        head, last = self.m.markov, self.liked[0]
        return {item: weight / head.totals[last] for item, weight in self.row(head, last).items()}

    def of_session(self):
        voters = self.liked[: min(max(self.here, 1), 20)]
        return self.votes(self.m.session, [(item, (1 + d) ** -0.5) for d, item in enumerate(voters)])

    def votes_from(self, *votes):
        """Everybody who has some, and what is in the window."""
        return {met.item for met in self.history}.union(*votes)

    def two_steps(self):
        head, last, found, used = self.m.covisitation, self.liked[0], Counter(), 0.0
        linked = self.votes_from(self.near, self.after, self.mates)
        for item, weight in self.row(head, last).items():
            share = weight / head.totals[last]
            if share >= 0.02 and head.fill[item]:
                used += share
                for other, value in self.row(head, item).items():
                    vote = share * value / head.totals[item]
                    if vote >= (2.5e-4 if other in linked else 1e-3):
                        linked.add(other)
                        found[other] += vote
        return {item: vote / max(used, TINY) for item, vote in found.items()}

    def long_term(self):
        """Scores with both memories, and who is put up as a candidate."""
        head, slow, quick, put_up = self.m.long_term, Counter(), Counter(), set()
        if self.m.lasting[0]:
            for d, item in enumerate(self.liked[: self.reading.lasting_window]):
                names = head.neighbours[item]
                put_up |= set(names[:LASTING_PUT_UP].tolist()) - {-1}
                for other, weight in zip(
                    names[names >= 0].tolist(), head.weights[item].tolist(), strict=False
                ):
                    slow[other] += self.reading.lasting_decay**d * weight
                    quick[other] += self.reading.lasting_near_decay**d * weight
        return slow, quick, put_up

    def shortlist(self, linked):
        """The window, the followers, and of the others those with most votes, summed up in shares."""
        stay = self.votes_from(self.after)
        whole = sum(max(self.lasting[item], 0) for item in linked) or 1
        votes = {
            item: sum(head.get(item, 0) for head in (self.near, self.mates, self.beyond))
            + max(self.lasting[item], 0) / whole
            for item in linked - stay
        }
        return stay | set(sorted(votes, key=lambda item: -votes[item])[: self.reading.candidates])

    def candidates(self):
        """All that may be shown, in no order."""
        pooled = {int(item) for item in self.m.pool.item if item >= 0}
        return sorted((self.linked | pooled) - self.disliked)

    def table(self):
        """{item: {feature: value}} of all that may be shown; what is not named is 0."""
        found = {item: self.features(item) for item in self.shown}
        if self.m.lasting[0]:
            for name, scores in (("long_term", self.lasting), ("long_term_near", self.lasting_near)):
                deviation = max(np.std([scores[item] for item in self.shown]), 1e-6)
                for item in self.shown:
                    found[item][name] = scores[item] / deviation
            self.add_roots(found, "long_term", "long_term_root", 1)
        self.add_roots(found, "factors", "factors_root", 1)
        self.add_roots(found, "gru", "gru_root", 2)
        if self.m.encoder.since[0]:
            self.add_roots(found, "encoder", "encoder_root", 2)
        return found

    def add_roots(self, found, feature, root, scale):
        """4 sqrt(softmax)."""
        values = np.array([scale * found[item][feature] for item in self.shown])
        odds = np.exp(values - values.max())
        for item, chance in zip(self.shown, odds / odds.sum(), strict=True):
            found[item][root] = 4 * chance**0.5

    def features(self, item):
        """Those of one candidate that do not depend on the others."""
        lasting = {"long_term_log": np.log(1 + 2000 * max(self.lasting[item], 0.0))}
        x = lasting | self.of_everybody(item) | (self.of_votes(item) if item in self.linked else {})
        if any(met.item == item for met in self.history):
            x |= self.of_window(item) | self.of_timing(item)
        return x

    def of_votes(self, item):
        x = {}
        for name, votes in (
            ("covisitation", self.near), ("second_order", self.beyond), ("session", self.mates),
            ("markov", self.after),
        ):  # fmt: skip
            share = votes.get(item, 0.0)
            x[f"{name}_log"], x[f"{name}_root"] = np.log(1 + 1e5 * share), 4 * share**0.5
        last = self.row(self.m.covisitation, self.liked[0]).get(item, 0.0) / self.m.increments[LONG]
        x["covisitation_raw"], x["covisitation_raw_last"] = np.log(1 + self.raw[item]), np.log(1 + last)
        rarity = self.m.features[item, RARITY]
        x["session_lift"] = np.log(1 + 1e5 * self.mates.get(item, 0.0) * rarity)
        return x

    def of_everybody(self, item):
        """Popularity as of when it was last renewed; ages as of now."""
        m, q, pooled = self.m, self.m.pool.place[item], item not in self.linked
        dense = m.pool.features[4:7, q] if pooled else m.features[item, :3]
        factors = m.pool.factors[:, q] if pooled else m.factors.items[item]
        names = ("popularity_short", "popularity_medium", "popularity_long")
        return (
            dict(zip(names, dense.tolist(), strict=True))
            | self.of_encoder(item)
            | {
                "popularity_age": np.log(self.events - m.popularity.first[item] + 1) / 3,
                "popularity_idle": np.log(self.events - m.popularity.last[item] + 1) / 3,
                "bias": m.bias.values[item],
                "factors": factors @ self.taste,
                "gru": (m.gru.embeddings[item] @ self.hidden + m.gru.bias[item]) / 2,
            }
        )

    def of_encoder(self, item):
        head = self.m.encoder.gru
        if not self.m.encoder.since[0]:
            return {}
        return {"encoder": (head.embeddings[item] @ self.encoded + head.bias[item]) / 2}

    def of_window(self, item):
        if item not in self.liked:
            return {}
        return {
            "history_recency": 1 / (1 + self.liked.index(item)),
            "history_repeats": np.log(1 + self.liked.count(item)),
            "history_in_window": 1.0,
            "history_is_last": float(item == self.liked[0]),
        }

    def of_timing(self, item):
        mine = [met for met in self.history if met.item == item]
        sessions, gap = len({met.session for met in mine}), self.now - mine[0].second
        x = {
            "history_sessions": np.log(sessions),
            "history_sessions_share": sessions / (self.history[-1].session + 1),
            "history_previous_session": float(mine[0].session == 1),
        }
        here = sum(met.session == 0 for met in mine)
        if here:
            x |= {"history_in_session": 1.0, "history_session_count": np.log(1 + here)}
        else:
            x["history_" + SPAN_NAMES[sum(gap >= span for span in SPANS)]] = 1.0
        if sessions > 1:
            mean = (mine[0].second - mine[-1].second) / (sessions - 1)
            x["history_interval"] = abs(np.log((gap + HOUR) / (mean + HOUR)))
            x["history_interval_known"] = 1.0
        return x

    def weights(self):
        """(features,): those of the four rows that hold."""
        rows = np.zeros(fusion.ACTIVE, np.int32)
        evidence = self.m.markov.totals[self.liked[0]] / self.m.increments[LONG]
        fusion.place(len(self.history), self.here, evidence, rows)
        return self.m.fusion.weights[rows].astype(float).sum(axis=0)

    def scores(self):
        """{item: score} of all that may be shown."""
        weights = dict(zip(NAMES, self.weights(), strict=True))
        return {
            item: float(sum(weights[name] * value for name, value in x.items()))
            for item, x in self.table().items()
        }
