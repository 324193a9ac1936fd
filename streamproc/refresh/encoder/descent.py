"""How weights follow their gradients: Adagrad (Duchi et al., 2011), and Adam (Kingma and Ba, 2015)."""

import torch
from torch import Tensor

FIRST_SUM = 1e-6  # where Adagrad's sums start, as in the online head


class Adagrad:
    """The step of a weight is rate / sqrt(sum of its squared gradients)."""

    def __init__(self, weights: list[Tensor]) -> None:
        self.sums = [torch.full_like(each, FIRST_SUM, requires_grad=False) for each in weights]
        self._weights = weights

    @torch.no_grad()
    def step(self, rate: float, l2: float) -> None:
        """All of every weight, by the gradients that they hold."""
        for weight, sums in zip(self._weights, self.sums, strict=True):
            slope = gradient(weight, l2)
            sums.add_(slope * slope)
            weight.sub_(rate * slope / sums.sqrt())

    @torch.no_grad()
    def step_rows(self, rows: Tensor, some: list[Tensor], rate: float, l2: float) -> None:
        """These rows of every weight, of which `some` are copies that hold the gradients."""
        for weight, sums, copy in zip(self._weights, self.sums, some, strict=True):
            slope = gradient(copy, l2)
            sums[rows] = total = sums[rows] + slope * slope
            weight[rows] = copy.detach() - rate * slope / total.sqrt()


class Adam:
    """The step of a weight is rate * mean / sqrt(mean square) of its gradients; both means forget."""

    SHARE = 0.02  # of the rate of Adagrad that suits the same data
    MEAN, SQUARE, FLOOR = 0.9, 0.999, 1e-8

    def __init__(self, weights: list[Tensor]) -> None:
        self.sums = [torch.zeros_like(each, requires_grad=False) for each in (*weights, *weights)]
        self._weights = weights
        self._steps = 0

    @torch.no_grad()
    def step(self, rate: float, l2: float) -> None:
        """All of every weight, by the gradients that they hold."""
        self._steps += 1
        means, squares = self.sums[: len(self._weights)], self.sums[len(self._weights) :]
        short = (1 - self.SQUARE**self._steps) ** 0.5 / (1 - self.MEAN**self._steps)
        for weight, mean, square in zip(self._weights, means, squares, strict=True):
            slope = gradient(weight, l2)
            mean.mul_(self.MEAN).add_(slope, alpha=1 - self.MEAN)
            square.mul_(self.SQUARE).addcmul_(slope, slope, value=1 - self.SQUARE)
            weight.sub_(rate * self.SHARE * short * mean / (square.sqrt() + self.FLOOR))


def gradient(weight: Tensor, l2: float) -> Tensor:
    """With the pull towards 0."""
    slope = weight.grad
    if slope is None:
        raise ValueError("a weight of the encoder took no part in the loss")
    return slope + l2 * weight.detach() if l2 > 0 else slope
