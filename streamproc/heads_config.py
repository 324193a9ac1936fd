"""Settings of the models that score, and of their learned mixture."""

from typing import Literal, Self

from pydantic import Field, model_validator

from streamproc.section import Count, Rate, Section, Share


class HeadConfig(Section):
    """A head that is not enabled neither scores nor learns."""

    enabled: bool = True


class PopularityConfig(HeadConfig):
    half_lives: tuple[Rate, Rate, Rate] = (500.0, 2000.0, 50_000.0)  # events


class MarkovConfig(HeadConfig):
    slots: int = Field(default=32, ge=1, le=256)  # successors kept per item


class CovisitationConfig(HeadConfig):
    slots: int = Field(default=64, ge=1, le=64)  # neighbours kept per item
    half_life: Rate = 500_000.0  # events
    learn_window: int = Field(default=5, ge=1, le=64)  # recent items paired with each new one
    score_window: int = Field(default=5, ge=1, le=12)  # recent items that vote; a ranking has room for 12
    backward: Share = 0.3  # weight of the pair the other way round


class SessionConfig(HeadConfig):
    slots: int = Field(default=40, ge=1, le=64)  # neighbours kept per item
    half_life: Rate = 30_000.0  # events


class FactorsConfig(HeadConfig):
    method: Literal["bpr", "isgd"] = "bpr"  # isgd: positives only, as a reference
    size: int = Field(default=32, ge=8, le=512, multiple_of=8)  # d, latent dimensions
    rate: Rate = 0.05
    regularisation: float = Field(default=0.01, ge=0)
    negatives: Count = 10  # sampled per event


class GruConfig(HeadConfig):
    size: int = Field(default=32, ge=8, le=512, multiple_of=8)  # hidden units
    batch: Count = 128  # events per step
    replay: int = Field(default=32, ge=0)  # earlier events learned again with each step
    negatives: Count = 64  # shared by one step
    rate: Rate = 0.2


class EncoderHeadConfig(HeadConfig):
    """How the encoder of a refresh goes on learning; its size is that of `refresh.encoder`."""

    batch: Count = 128  # events per step
    replay: int = Field(default=32, ge=0)  # earlier events learned again with each step
    negatives: Count = 128  # shared by one step
    rate: Rate = 0.2


class LongTermConfig(HeadConfig):
    slots: int = Field(default=48, ge=1, le=256)  # neighbours kept per item
    window: int = Field(default=30, ge=1, le=64)  # recent items that vote
    decay: Share = 0.97  # weight of an item against the one after it
    near_decay: Share = 0.8  # the same for what the user likes lately


class HeadsConfig(Section):
    """The models that score, each with its own settings."""

    popularity: PopularityConfig = PopularityConfig()
    history: HeadConfig = HeadConfig()
    markov: MarkovConfig = MarkovConfig()
    covisitation: CovisitationConfig = CovisitationConfig()
    second_order: HeadConfig = HeadConfig()
    session: SessionConfig = SessionConfig()
    factors: FactorsConfig = FactorsConfig()
    gru: GruConfig = GruConfig()
    bias: HeadConfig = HeadConfig()
    long_term: LongTermConfig = LongTermConfig()
    encoder: EncoderHeadConfig = EncoderHeadConfig()


Bounds = tuple[Share, Share]  # least and largest


class GateConfig(Section):
    """Bounds on each family's share of a slate. The prequential figures are those of the free fusion."""

    short_term: Bounds = (0.0, 1.0)
    long_term: Bounds = (0.0, 1.0)
    popularity: Bounds = (0.0, 1.0)

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        pairs = {"short_term": self.short_term, "long_term": self.long_term, "popularity": self.popularity}
        for name, (least, most) in pairs.items():
            if least > most:
                raise ValueError(f"the least share of {name} is above its largest")
        if sum(least for least, _ in pairs.values()) > 1 or sum(most for _, most in pairs.values()) < 1:
            raise ValueError("no slate can have these shares: they add up to 1")
        return self


class FusionConfig(Section):
    """The learned mixture of all heads."""

    candidates: Count = 64  # described, of those that only votes link to a window
    every: Count = 1  # learns on every so many-th event,
    settled_after: Count = 100_000  # and after so many predictions, ten times what it remembers,
    settled_every: Count = 2  # on every so many-th
    rate: Rate = 0.08  # of the twin
    twin_every: Count = 4  # the twin learns on every so many-th event
    gate: GateConfig = GateConfig()
