#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""SimCLR with a ResNet-18 once more, in PyTorch: what `bench/ssl_throughput` is
compared with, in speed and in the loss of the first step.

Reads images and weights as bench/ssl_throughput writes them, computes the loss
of the images beside their mirror images, trains, and prints one line of JSON:
that loss and the mean seconds of a step. The views are those of
models/ssl/views.cpp by their default recipe.
"""

import argparse
import json
import math
import struct
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


def read_safetensors(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = torch.frombuffer(bytearray(data[begin:end]),
                                  dtype=torch.float32)
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def conv(inside, out, kernel, stride):
    return nn.Conv2d(inside, out, kernel, stride, kernel // 2, bias=False)


class Block(nn.Module):
    def __init__(self, inside, out, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(inside, out, 3, stride), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = conv(out, out, 3, 1), nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or inside != out:
            self.downsample = nn.Sequential(conv(inside, out, 1, stride),
                                            nn.BatchNorm2d(out))

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return torch.relu(y + (x if self.downsample is None
                               else self.downsample(x)))


class ResNet18(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 64, 7, 2), nn.BatchNorm2d(64)
        inside = 64
        for i in range(4):
            out = 64 << i
            blocks = [Block(inside, out, 1 if i == 0 else 2),
                      Block(out, out, 1)]
            setattr(self, f"layer{i + 1}", nn.ModuleList(blocks))
            inside = out

    def forward(self, images):
        mean = torch.tensor([0.485, 0.456, 0.406], device=images.device)
        sigma = torch.tensor([0.229, 0.224, 0.225], device=images.device)
        x = (images - mean.view(1, 3, 1, 1)) / sigma.view(1, 3, 1, 1)
        y = F.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for i in range(4):
            for block in getattr(self, f"layer{i + 1}"):
                y = block(y)
        return y.mean((2, 3))


class SimClr(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = ResNet18()
        self.projector = nn.Sequential(nn.Linear(512, 256, bias=False),
                                       nn.BatchNorm1d(256), nn.ReLU(),
                                       nn.Linear(256, 64))

    def forward(self, views, temperature=0.5):
        z = torch.cat([self.projector(self.encoder(v)) for v in views])
        z = F.normalize(z, dim=1)
        n = z.shape[0] // 2
        logits = z @ z.t() / temperature
        logits = logits.masked_fill(torch.eye(2 * n, dtype=torch.bool,
                                              device=z.device), -1e30)
        other = torch.arange(2 * n, device=z.device).roll(n)
        return F.cross_entropy(logits, other)


def per_image(values):
    return values.view(-1, 1, 1, 1)


class Views:
    """The changes of one view, each image its own."""

    def __init__(self, images, generator):
        self.images = images
        self.generator = generator

    def uniform(self, low, high, *more):
        u = torch.rand((self.images.shape[0], *more), generator=self.generator)
        return (u * (high - low) + low).to(self.images.device)

    def chance(self, probability):
        return self.uniform(0, 1) < probability

    def crop(self):
        scale = self.uniform(0.4, 1.0).sqrt()
        room = 1.0 - scale
        x = self.uniform(-1, 1) * room
        y = self.uniform(-1, 1) * room
        angle = self.uniform(0, 4).floor() * self.chance(1.0) * (math.pi / 2)
        mirror = 1.0 - 2.0 * self.chance(0.5)
        c, s = angle.cos() * scale, angle.sin() * scale
        theta = torch.stack([torch.stack([c * mirror, -s, x], 1),
                             torch.stack([s * mirror, c, y], 1)], 1)
        grid = F.affine_grid(theta, self.images.shape, align_corners=False)
        return F.grid_sample(self.images, grid, "bilinear", "reflection",
                             align_corners=False)

    @staticmethod
    def luminance(y):
        weights = torch.tensor([0.299, 0.587, 0.114], device=y.device)
        return (y * weights.view(1, 3, 1, 1)).sum(1, keepdim=True)

    def line_width(self, y):
        def spread(x):
            return F.max_pool2d(F.pad(x, (0, 1, 0, 1), mode="replicate"), 2, 1)

        widen, chosen = self.chance(0.5), self.chance(0.2)
        changed = torch.where(per_image(widen), -spread(-y), spread(y))
        return torch.where(per_image(chosen), changed, y)

    def palette(self, y):
        low = self.uniform(0.0, 0.5, 3).view(-1, 3, 1, 1)
        high = self.uniform(0.65, 1.0, 3).view(-1, 3, 1, 1)
        changed = low + (high - low) * self.luminance(y)
        return torch.where(per_image(self.chance(0.3)), changed, y)

    def stain(self, y):
        chosen = self.chance(0.2)
        noise = torch.randn((y.shape[0], 1, 4, 4), generator=self.generator)
        blotches = F.interpolate(noise.to(y.device), size=y.shape[2:],
                                 mode="bicubic", align_corners=False)
        changed = (y * (1.0 - 0.2 * blotches.clamp(0, 1))).clamp(0, 1)
        return torch.where(per_image(chosen), changed, y)

    def jitter(self, y):
        chosen = self.chance(0.8)
        changed = y * per_image(self.uniform(0.6, 1.4))
        mean = self.luminance(changed).mean((1, 2, 3), keepdim=True)
        changed = mean + (changed - mean) * per_image(self.uniform(0.6, 1.4))
        grey = self.luminance(changed)
        changed = grey + (changed - grey) * per_image(self.uniform(0.6, 1.4))
        return torch.where(per_image(chosen), changed.clamp(0, 1), y)

    def grey(self, y):
        return torch.where(per_image(self.chance(0.1)),
                           self.luminance(y).expand_as(y), y)

    def blur(self, y):
        n, c = y.shape[:2]
        sigma, chosen = self.uniform(0.1, 1.5), self.chance(0.3)
        offsets = torch.arange(-3, 4, dtype=y.dtype, device=y.device)
        kernel = (-0.5 * (offsets / sigma.view(-1, 1)).square()).exp()
        kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(c, 0)
        x = F.pad(y.reshape(1, n * c, *y.shape[2:]), (3, 3, 3, 3),
                  mode="reflect")
        x = F.conv2d(x, kernel.view(n * c, 1, 1, -1), groups=n * c)
        x = F.conv2d(x, kernel.view(n * c, 1, -1, 1), groups=n * c)
        return torch.where(per_image(chosen), x.view_as(y), y)

    def make(self):
        y = self.crop()
        for change in (self.line_width, self.palette, self.stain, self.jitter,
                       self.grey, self.blur):
            y = change(y)
        return y


def train(model, images, options):
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.05},
                                   {"params": others, "weight_decay": 0.0}],
                                  lr=1e-3)
    device = next(model.parameters()).device
    generator = torch.Generator()
    generator.manual_seed(1)

    def step():
        index = torch.randperm(len(images), generator=generator)
        batch = images[index[:options.batch]].to(device).float().div_(255.0)
        views = [Views(batch, generator).make() for _ in range(2)]
        loss = model(views)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = math.sqrt(sum(p.grad.square().sum().item()
                             for p in model.parameters()))
        assert math.isfinite(norm)
        optimiser.step()
        return loss.item()

    step()
    start = time.perf_counter()
    for _ in range(options.steps):
        step()
    return (time.perf_counter() - start) / options.steps


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", help="safetensors")
    parser.add_argument("images", help="uint8, [N, 3, SIDE, SIDE], raw")
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with open(options.images, "rb") as file:
        images = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)
    images = images.view(-1, 3, options.side, options.side)
    model = SimClr()
    missing = model.load_state_dict(read_safetensors(options.weights),
                                    strict=False)
    assert not missing.unexpected_keys
    assert all("num_batches_tracked" in k for k in missing.missing_keys)
    model.to(options.device).train()
    first = images[:options.batch].to(options.device).float() / 255.0
    loss = model([first, first.flip(3)]).item()
    json.dump({"torch": torch.__version__, "loss": loss,
               "seconds": train(model, images, options)}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
