"""What turns a user's embedded items into hidden vectors, one per position: three cells to choose from.

GRU (Cho et al., 2014) and LSTM (Hochreiter and Schmidhuber, 1997), one layer each; self-attention in one
block of two heads, after SASRec (Kang and McAuley, 2018). Weights are drawn from a given generator.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from streamproc.encoder_config import EncoderConfig

HEADS = 2  # of self-attention


class Recurrent(nn.Module):
    """A GRU or an LSTM that starts from zero at each row."""

    def __init__(self, config: EncoderConfig, draw: torch.Generator) -> None:
        super().__init__()
        kind = nn.GRU if config.cell == "gru" else nn.LSTM
        self.network = kind(config.size, config.size, batch_first=True)
        span = (3.0 / config.size) ** 0.5
        with torch.no_grad():
            for name, weight in self.network.named_parameters():
                weight.zero_() if "bias" in name else weight.uniform_(-span, span, generator=draw)

    def forward(self, x: Tensor) -> Tensor:
        """(b, t, h) -> (b, t, h); what comes after a position does not change it."""
        hidden: Tensor = self.network(x)[0]
        return hidden


class Attention(nn.Module):
    """One block: every position looks at itself and at what was before it."""

    def __init__(self, config: EncoderConfig, draw: torch.Generator) -> None:
        super().__init__()
        size = config.size
        self.dropout, self.draw = config.dropout, draw
        self.positions = nn.Parameter(torch.randn(config.length, size, generator=draw) * 0.02)
        self.norms = nn.ModuleList(nn.LayerNorm(size) for _ in range(3))
        self.look, self.mix = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.widen, self.narrow = nn.Linear(size, 2 * size), nn.Linear(2 * size, size)
        span = size**-0.5
        with torch.no_grad():
            for layer in (self.look, self.mix, self.widen, self.narrow):
                layer.weight.uniform_(-span, span, generator=draw)
                layer.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """(b, t, h) -> (b, t, h), t at most `length`; what comes after a position does not change it."""
        rows, steps, size = x.shape
        x = x * size**0.5 + self.positions[:steps]
        parts = self.look(self.norms[0](x)).view(rows, steps, 3, HEADS, size // HEADS)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each (b, heads, t, h / heads)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self._thin(self.mix(seen.transpose(1, 2).reshape(rows, steps, size)))
        wide = functional.relu(self.widen(self.norms[1](x)))  # (b, t, 2h)
        hidden: Tensor = self.norms[2](x + self._thin(self.narrow(wide)))
        return hidden

    def _thin(self, x: Tensor) -> Tensor:
        return drop(x, self.dropout, self.draw) if self.training else x


def cell(config: EncoderConfig, draw: torch.Generator) -> Recurrent | Attention:
    """The cell that the settings name."""
    return Attention(config, draw) if config.cell == "attention" else Recurrent(config, draw)


def drop(x: Tensor, share: float, draw: torch.Generator) -> Tensor:
    """`x` with that share of its numbers at 0 and the others larger; by a generator, not torch's own."""
    if share == 0.0:
        return x
    kept = torch.empty_like(x).bernoulli_(1.0 - share, generator=draw)
    return x * kept.div_(1.0 - share)
