"""Settings of the encoder that a refresh trains over the whole history."""

from typing import Literal, Self

from pydantic import Field, model_validator

from streamproc.section import Count, Rate, Seconds, Section, Share

Cell = Literal["gru", "lstm", "attention"]


class EncoderConfig(Section):
    """A recurrent network over every user's items, which a second recurrent head goes on from."""

    enabled: Literal["auto", "on", "off"] = "auto"  # auto: small catalogue, users who stay
    max_items: Count = 5000  # auto: at most so many items
    events_per_user: Rate = 10.0  # auto: at least so many on average
    history: Count = 200_000  # newest events that it is trained on
    growth: float = Field(default=1.3, ge=1.05)  # trained again once there are so many times the events
    seconds: Seconds = 300.0  # of CPU at most; then the best weights so far are taken
    cell: Cell = "gru"  # the others can be compared, but not served
    size: int = Field(default=64, ge=8, le=512, multiple_of=8)  # hidden units
    length: int = Field(default=20, ge=4, le=512)  # items of a sequence that one gradient goes through
    epochs: Count = 10
    patience: Count = 2  # epochs without a better one, until it stops
    newest: float = Field(default=0.05, gt=0, le=0.5)  # share of the history that says when to stop
    batch: Count = 128  # targets of one step
    negatives: Count = 1024  # further items that a step's targets are compared with
    rate: Rate = 0.1
    warm_up: Share = 0.0  # share of all steps in which the rate rises from 0; Adagrad needs none
    decay: Share = 1.0  # what is left of the rate after the last step; Adagrad falls by itself
    dropout: float = Field(default=0.4, ge=0, lt=1)  # of embeddings and of hidden vectors
    l2: float = Field(default=0.0, ge=0)  # pull of a step's weights towards 0

    @model_validator(mode="after")
    def _cell_can_be_served(self) -> Self:
        if self.enabled != "off" and self.cell != "gru":
            raise ValueError(
                f"the online head can only go on from a gru, not from cell = {self.cell}: set enabled to off;"
                " `streamproc refresh compare` says what each cell would reach"
            )
        return self
