"""A network of the digits, trained for a moment: enough for a step to have something to lose."""

from functools import cache

import torch
from torch import nn

from bitwright.compress.train import Training, train
from bitwright.data import Dataset, load
from bitwright.importers import FloatGraph, export, import_program


@cache
def digits() -> Dataset:
    return load("digits")


class Small(nn.Module):
    """Two convolutions, pooling and a classifier for images (N, 1, 8, 8)."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.pool(self.norm(self.conv1(x)).relu())
        x = self.pool(self.conv2(x).relu())
        return self.fc(x.flatten(1))


@cache
def trained(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Small()
    return train(model, digits(), Training(epochs=6, seed=seed))


@cache
def program():
    return export(trained(), digits().train.images[:2])


@cache
def graph() -> FloatGraph:
    return import_program(program())
