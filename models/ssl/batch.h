// SPDX-License-Identifier: MIT
//
// What flows through self-supervised training: a batch of images, the views
// that are made of it, and tensors by name. No part of it knows of maps.
//
// Internal to models: pulls in Torch.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace mapweave::ssl {

// Tensors by name: what a step returns and what monitors read.
using Bag = std::map<std::string, torch::Tensor>;

struct Batch {
  torch::Tensor images;  // [N, C, H, W] float32 in [0, 1]
  // [N] int64: the sample's place in its data set, the same in every epoch.
  torch::Tensor sample_index;
  torch::Tensor label;  // [N] int64; -1 = unknown
  // [N, 1, H, W] float32, 1 where the image is valid; undefined: everywhere.
  torch::Tensor mask;
  Bag metadata;  // each [N, ...]
};

// Global views show most of an image, local ones a small part.
enum class ViewKind { kGlobal, kLocal };

struct View {
  ViewKind kind = ViewKind::kGlobal;
  torch::Tensor images;  // [N, C, h, w]
  torch::Tensor mask;    // as Batch::mask, of the view
};

// Row n of every view shows sample n of the batch.
struct Views {
  std::vector<View> views;
  torch::Tensor sample_index;
  torch::Tensor label;
  Bag metadata;

  std::vector<torch::Tensor> ImagesOf(ViewKind kind) const {
    std::vector<torch::Tensor> images;
    for (const View& view : views) {
      if (view.kind == kind) images.push_back(view.images);
    }
    return images;
  }
};

// Filled by an encoder on its way when it is given one: LibTorch modules have
// no hooks. Entries are in the order of the forward pass and share memory and
// graph with it.
struct Taps {
  bool wants_activations = false;  // input of every non-linearity
  bool wants_attention = false;    // [N, heads, T, T], rows sum to 1
  std::vector<std::pair<std::string, torch::Tensor>> activations;
  std::vector<std::pair<std::string, torch::Tensor>> attention;
  // With wants_attention, for each of its entries: the shortcut beside the
  // attention, and what attention adds to it; [N, T, D] each.
  std::vector<std::pair<torch::Tensor, torch::Tensor>> attention_branch;
};

// Images of a whole set in memory, from which batches are gathered.
struct Dataset {
  torch::Tensor images;  // [N, C, H, W] uint8
  torch::Tensor label;   // [N] int64; -1 = unknown
  torch::Tensor mask;    // [N, 1, H, W] uint8, or undefined
  Bag metadata;

  int64_t Size() const { return images.defined() ? images.size(0) : 0; }
  // Samples index[0], index[1] ..., on `device`. index: [n] int64 on the CPU.
  Batch Gather(const torch::Tensor& index, const torch::Device& device) const;
};

}  // namespace mapweave::ssl
