"""River's incremental matrix factorisation: each event predicted, then learned, one at a time.

`BiasedMF` predicts ratings. Here an event is a 1, and with each comes a 0 for an item drawn evenly from
those met so far: learned from ones alone it would find out only that everything is a 1.
"""

import numpy as np
from river.optim import SGD
from river.optim.initializers import Normal
from river.reco import BiasedMF

from benchmarks.quality.judging import MISS
from benchmarks.quality.stream import Stream
from streamproc_models.arrays import F32, I64

FACTORS, RATE, REGULARISATION, SEED = 32, 0.05, 0.01, 7


class Factorisation:
    """The model, and its item vectors as one matrix: River ranks one item at a time, here all are ranked."""

    def __init__(self, items: int) -> None:
        self._model = BiasedMF(
            n_factors=FACTORS,
            bias_optimizer=SGD(RATE),
            latent_optimizer=SGD(RATE),
            l2_bias=REGULARISATION,
            l2_latent=REGULARISATION,
            latent_initializer=Normal(sigma=0.1, seed=SEED),
        )
        self._vectors: F32 = np.zeros((items, FACTORS), np.float32)
        self._biases: F32 = np.zeros(items, np.float32)
        self._random = np.random.default_rng(SEED)
        self._known = 0  # items are numbered as they come

    def learn(self, user: int, item: int) -> None:
        """A 1 for this item, a 0 for another."""
        self._known = max(self._known, item + 1)
        self._learn(user, item, 1.0)
        self._learn(user, int(self._random.integers(self._known)), 0.0)

    def place(self, user: int, item: int, without: list[int]) -> int:
        """Of the item among all items met so far, less those of the user that must not be shown."""
        if item >= self._known:
            return MISS
        taste = self._model.u_latents[user].astype(np.float32)
        scores = self._vectors[: self._known] @ taste + self._biases[: self._known]
        own, scores[without] = scores[item], -np.inf
        level = int((scores == own).sum()) - 1
        return int((scores > own).sum()) + level // 2

    def _learn(self, user: int, item: int, rating: float) -> None:
        self._model.learn_one(user, item, rating)
        self._vectors[item] = self._model.i_latents[item]
        self._biases[item] = self._model.i_biases[item]


def factorisation(stream: Stream, events: I64, new_pairs: bool) -> I64:
    """The places of the asked events' targets."""
    model = Factorisation(int(stream.items.max()) + 1)
    seen: dict[int, list[int]] = {}
    wanted, places = set(events.tolist()), []
    for event, (user, item) in enumerate(zip(stream.users.tolist(), stream.items.tolist(), strict=True)):
        if event in wanted:
            places.append(model.place(user, item, seen.get(user, []) if new_pairs else []))
        model.learn(user, item)
        if new_pairs:
            seen.setdefault(user, []).append(item)
    return np.array(places, np.int64)
