"""Train a classifier on a published version: python train_classifier.py URL TAG.

Rows, labels and transforms are those of its recipe. Weights in the loss, mixed batches and, of
photographs, the transformed copies, where the recipe has any, are left out for brevity:
print(data.recipe.code()) shows them, too. A folder that holds an image table, such as
data/augmented, will do as well.
"""

import sys

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from gan_augment import load

data, test = (load(*sys.argv[1:3], split=split) for split in ("train", "test"))
train = data.torch(None if data.space else data.recipe.transform(), soft=data.recipe.soft)
batches = DataLoader(train, batch_size=32, sampler=train.sampler(share="verdict"))
net = nn.Sequential(nn.Flatten(), nn.LazyLinear(len(train.classes)))
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for image, label in (batch for epoch in range(20) for batch in batches):
    optimizer.zero_grad()
    F.cross_entropy(net(image), label).backward()
    optimizer.step()
right = torch.cat([net(image).argmax(1) == label for image, label in DataLoader(test.torch(), 512)])
print(f"test images right: {100 * right.float().mean():.1f} %")
