// SPDX-License-Identifier: MIT
#include "models/ssl/sheet_probe.h"

#include "core/error.h"
#include "models/nn/safetensors.h"
#include "models/ssl/sheet_probe_net.h"
#include "models/ssl/tensor_random.h"
#include "models/vis/device.h"
#include "models/vis/segmenter.h"

#include <fmt/format.h>

#include <algorithm>

namespace mapweave::ssl {
namespace {

constexpr char kProbeFormat[] = "mapweave-sheet-probe";

// Statistics that a norm counts for itself are not kept.
std::map<std::string, torch::Tensor> ProbeTensors(
    const torch::nn::Module& module) {
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& item : module.named_parameters()) {
    tensors[item.key()] = item.value();
  }
  for (const auto& item : module.named_buffers()) {
    if (item.key().ends_with("num_batches_tracked")) continue;
    tensors[item.key()] = item.value();
  }
  return tensors;
}

[[noreturn]] void RefuseProbe(const std::filesystem::path& path,
                              const std::string& why) {
  throw Error(ErrorCode::kDevice, path.string() + ": " + why,
              "use a file that 'mapweave ssl qc-train' wrote");
}

SheetProbeNet NetOfHeader(const std::filesystem::path& path,
                          const std::map<std::string, std::string>& header) {
  const auto format = header.find("format");
  if (format == header.end() || format->second != kProbeFormat) {
    RefuseProbe(path, "is no probe of sheets");
  }
  try {
    const Json config = ParseJson(header.at("config"), path.string());
    const auto window = config.at("window_px").get<int>();
    const auto kinds = config.at("kinds").get<std::vector<std::string>>();
    if (window < 8 || window > 4096 || kinds.empty() || kinds.size() > 64) {
      RefuseProbe(path, "its configuration is out of range");
    }
    return SheetProbeNet(EncoderConfig::FromJson(config.at("encoder")), window,
                         kinds, Rng(0));
  } catch (const Json::exception&) {
    RefuseProbe(path, "its configuration is damaged");
  } catch (const std::out_of_range&) {
    RefuseProbe(path, "has no configuration");
  } catch (const Error& error) {
    if (error.Code() == ErrorCode::kDevice) throw;
    RefuseProbe(path, error.Message());
  }
}

}  // namespace

SheetProbeNetImpl::SheetProbeNetImpl(const EncoderConfig& config, int window_px,
                                     std::vector<std::string> kinds,
                                     const Rng& rng)
    : window_px_(window_px), kinds_(std::move(kinds)) {
  encoder_ = register_module("encoder", MakeEncoder(config, rng.Fork(1)));
  head_ = register_module(
      "head", torch::nn::Linear(encoder_->Width(), std::ssize(kinds_) + 1));
  InitialiseModule(*head_, rng.Fork(2));
}

torch::Tensor SheetProbeNetImpl::forward(const torch::Tensor& images) {
  return head_(encoder_->Encode(images).embedding);
}

void SaveSheetProbe(const std::filesystem::path& path, const SheetProbeNet& net,
                    const Json& training) {
  nn::Safetensors content;
  const Json config = {{"window_px", net->WindowPx()},
                       {"kinds", net->Kinds()},
                       {"encoder", net->SharedEncoder()->Config().ToJson()}};
  content.metadata = {{"format", kProbeFormat},
                      {"version", "1"},
                      {"config", config.dump()},
                      {"training", training.dump()}};
  content.tensors = ProbeTensors(*net);
  nn::WriteSafetensors(path, content);
}

SavedSheetProbe LoadSheetProbe(const std::filesystem::path& path) {
  const torch::NoGradGuard no_grad;
  SavedSheetProbe saved;
  saved.net = NetOfHeader(path, nn::ReadSafetensorsHeader(path).metadata);
  const nn::Safetensors content = nn::ReadSafetensors(path);
  for (auto& [name, target] : ProbeTensors(*saved.net)) {
    const auto found = content.tensors.find(name);
    if (found == content.tensors.end() ||
        found->second.sizes() != target.sizes()) {
      RefuseProbe(path, fmt::format("has no tensor \"{}\" that fits", name));
    }
    target.copy_(found->second);
  }
  const auto training = content.metadata.find("training");
  if (training != content.metadata.end()) {
    saved.training = ParseJson(training->second, path.string());
  }
  saved.net->eval();
  return saved;
}

struct SheetProbe::Impl {
  SavedSheetProbe saved;
  torch::Device device = torch::kCPU;
};

SheetProbe::SheetProbe(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SheetProbe::~SheetProbe() = default;
SheetProbe::SheetProbe(SheetProbe&&) noexcept = default;
SheetProbe& SheetProbe::operator=(SheetProbe&&) noexcept = default;

SheetProbe SheetProbe::Load(const std::filesystem::path& path,
                            const std::string& device) {
  return vis::WithTorchErrors("sheet probe", [&] {
    auto impl = std::make_unique<Impl>();
    impl->saved = LoadSheetProbe(path);
    impl->device = vis::ToTorchDevice(vis::ResolveDevice(device));
    impl->saved.net->to(impl->device);
    return SheetProbe(std::move(impl));
  });
}

int SheetProbe::WindowPx() const { return impl_->saved.net->WindowPx(); }
const std::vector<std::string>& SheetProbe::Kinds() const {
  return impl_->saved.net->Kinds();
}
const Json& SheetProbe::Training() const { return impl_->saved.training; }

std::vector<WindowScore> SheetProbe::Score(
    const std::vector<cv::Mat>& windows) const {
  constexpr int64_t kWindowsAtOnce = 128;
  const torch::NoGradGuard no_grad;
  const vis::OneThreadScope one_thread;
  const int64_t side = WindowPx();
  std::vector<WindowScore> scores;
  scores.reserve(windows.size());
  const auto count = static_cast<int64_t>(windows.size());
  for (int64_t begin = 0; begin < count; begin += kWindowsAtOnce) {
    const int64_t n = std::min(kWindowsAtOnce, count - begin);
    torch::Tensor pixels = torch::empty({n, side, side, 3}, torch::kUInt8);
    for (int64_t i = 0; i < n; ++i) {
      const cv::Mat& window = windows[static_cast<size_t>(begin + i)];
      if (window.type() != CV_8UC3 || window.rows != side ||
          window.cols != side) {
        throw Error(ErrorCode::kBadInput,
                    fmt::format("sheet probe: a window is no colour image of "
                                "{0} x {0} px",
                                side));
      }
      window.copyTo(cv::Mat(static_cast<int>(side), static_cast<int>(side),
                            CV_8UC3, pixels[i].data_ptr<uint8_t>()));
    }
    const torch::Tensor p = vis::WithTorchErrors("sheet probe", [&] {
      const torch::Tensor images = pixels.permute({0, 3, 1, 2})
                                       .to(impl_->device, torch::kFloat)
                                       .div(255.0)
                                       .contiguous();
      return torch::softmax(impl_->saved.net->forward(images), 1)
          .to(torch::kCPU, torch::kDouble)
          .contiguous();
    });
    const torch::Tensor likeliest = p.slice(1, 1).argmax(1);
    const auto sound = p.accessor<double, 2>();
    const auto kind = likeliest.accessor<int64_t, 1>();
    for (int64_t i = 0; i < n; ++i) {
      scores.push_back(
          {1.0 - sound[i][0], Kinds()[static_cast<size_t>(kind[i])]});
    }
  }
  return scores;
}

}  // namespace mapweave::ssl
