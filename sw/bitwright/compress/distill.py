"""Distillation: a network learns from the answers of a trained one."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Teacher:
    """(1 - weight) cross-entropy + weight temperature^2 KL(teacher || student), softened.

    The temperature's square keeps the gradient's size as the temperature changes.

    Source: G. Hinton et al., Distilling the Knowledge in a Neural Network, arXiv:1503.02531.
    """

    model: nn.Module
    """In evaluation mode; it sees what the student sees."""
    weight: float = 0.7
    temperature: float = 2.0

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise ValueError(f"weight must lie in 0..1, but is {self.weight}")
        if self.temperature <= 0:
            raise ValueError(f"temperature must be positive, but is {self.temperature}")

    def loss(self, logits: Tensor, labels: Tensor, images: Tensor) -> Tensor:
        """Of a batch's logits (N, classes)."""
        with torch.no_grad():
            answers = self.model(images).float() / self.temperature
        divergence = nn.functional.kl_div(
            (logits / self.temperature).log_softmax(dim=1),
            answers.log_softmax(dim=1),
            reduction="batchmean",
            log_target=True,
        )
        plain = nn.functional.cross_entropy(logits, labels)
        return (1 - self.weight) * plain + self.weight * self.temperature**2 * divergence
