#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The dense network once more, in PyTorch: what `bench/inference` is compared
with, in speed and in answers.

Reads a checkpoint (safetensors) and a clip as bench/inference writes it, runs
the network, and prints one line of JSON: the seconds of each pass and the
largest difference from the answers that the C++ program wrote.
"""

import argparse
import json
import struct
import sys
import time

import torch
import torch.nn.functional as F


def read_safetensors(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = torch.frombuffer(bytearray(data[begin:end]),
                                  dtype=torch.float32)
        tensors[name] = values.reshape(entry["shape"])
    return metadata, tensors


class DenseNet:
    """models/vis/dense_net.h with batch norm, in evaluation."""

    def __init__(self, path):
        metadata, self.weights = read_safetensors(path)
        self.config = json.loads(metadata["config"])
        assert self.config["norm"] == "batch"

    def conv(self, name, x, stride=1):
        weight = self.weights[name + ".weight"].to(x.dtype)
        weight = weight.contiguous(memory_format=torch.channels_last)
        bias = self.weights.get(name + ".bias")
        if bias is not None:
            bias = bias.to(x.dtype)
        return F.conv2d(x, weight, bias, stride, weight.shape[2] // 2)

    def norm(self, name, x):
        w = self.weights
        return F.batch_norm(x, w[name + ".running_mean"],
                            w[name + ".running_var"], w[name + ".scale"],
                            w[name + ".shift"], False, 0.0, 1e-5)

    def conv_norm(self, name, x, stride=1, relu=True):
        y = self.norm(name + ".norm", self.conv(name, x, stride))
        return y.relu_() if relu else y

    def block(self, name, x, stride):
        y = self.conv_norm(name + ".first", x, stride)
        y = self.conv_norm(name + ".second", y, relu=False)
        if name + ".shortcut.weight" in self.weights:
            x = self.conv_norm(name + ".shortcut", x, stride, relu=False)
        return (y + x).relu_()

    def trunk(self, x):
        y = self.conv_norm("stem", x, 2)
        features = []
        for stage, depth in enumerate(self.config["depths"]):
            for j in range(depth):
                stride = 2 if stage > 0 and j == 0 else 1
                y = self.block(f"stage{stage}.{j}", y, stride)
            features.append(y)
        return features

    def fusion(self, name, x):
        editions, channels, height, width = x.shape
        flat = x.permute(0, 2, 3, 1).reshape(1, editions, -1)

        def reduced(values):
            return values.view(1, height, width, channels).permute(0, 3, 1, 2)

        shared = torch.cat([reduced(flat.mean(1)), reduced(flat.amax(1))], 1)

        def cast(weight):
            return self.weights[name + weight].to(x.dtype).contiguous(
                memory_format=torch.channels_last)

        from_shared = F.conv2d(shared, cast(".shared_weight"))
        from_own = F.conv2d(x, cast(".own_weight"))
        total = (from_own.permute(0, 2, 3, 1).reshape(1, editions, -1) +
                 from_shared.permute(0, 2, 3, 1).reshape(1, 1, -1))
        total = total.view(editions, height, width, channels)
        return (x + self.norm(name + ".norm", total.permute(0, 3, 1, 2))).relu_()

    def double(self, x):
        return F.interpolate(x, scale_factor=2, mode="nearest")

    def cells(self, fine, x):
        head = self.conv_norm("head", fine)
        cells = self.conv("head_out", head).float()
        if not self.config.get("refine"):
            return cells
        context = F.pixel_shuffle(self.conv_norm("context", head), 2)
        mixed = torch.cat([self.conv_norm("ink", x), context], 1)
        mixed = mixed.contiguous(memory_format=torch.channels_last)
        correction = self.conv("refine_out", self.conv_norm("refine", mixed))
        correction = F.pixel_unshuffle(correction.float(), 2)
        return torch.cat([cells[:, :8] + correction, cells[:, 8:]], 1)

    def infer(self, x):
        """x: [T, 4, H, W], one clip, edition by edition as Infer does."""
        levels = [self.trunk(x[t:t + 1]) for t in range(x.shape[0])]
        y = None
        for i in (2, 1, 0):
            name = str(4 << i)
            lateral = self.conv_norm("lateral" + name,
                                     torch.cat([l[i + 1] for l in levels]))
            y = self.conv_norm("smooth" + name,
                               lateral if y is None else lateral + self.double(y))
            y = self.fusion("fusion" + name, y)
        result = []
        for t, level in enumerate(levels):
            fine = self.conv_norm("lateral2", level[0])
            fine = fine + self.double(self.conv_norm("reduce2", y[t:t + 1]))
            fine = self.conv_norm("smooth2", fine)
            result.append(self.cells(fine, x[t:t + 1]))
        return torch.cat(result)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("clip", help="float32 input and answers, raw")
    parser.add_argument("--size", type=int, nargs=3, required=True,
                        metavar=("T", "H", "W"))
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    editions, height, width = options.size
    values = torch.from_file(
        options.clip, size=editions * height * width * (4 + 4),
        dtype=torch.float32)
    count = editions * 4 * height * width
    x = values[:count].view(editions, 4, height, width)
    x = x.to(torch.bfloat16 if options.bf16 else torch.float32)
    x = x.contiguous(memory_format=torch.channels_last)
    expected = values[count:].view(editions, 16, height // 2, width // 2)
    net = DenseNet(options.checkpoint)
    seconds = []
    with torch.no_grad():
        y = net.infer(x)
        for _ in range(options.passes):
            start = time.perf_counter()
            y = net.infer(x)
            seconds.append(time.perf_counter() - start)
    json.dump({"torch": torch.__version__, "seconds": seconds,
               "largest_difference": (y - expected).abs().max().item()},
              sys.stdout)
    print()


if __name__ == "__main__":
    main()
