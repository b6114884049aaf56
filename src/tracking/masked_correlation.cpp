// SPDX-License-Identifier: MIT
#include "tracking/masked_correlation.h"

#include "core/error.h"

#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace mapweave::tracking {
namespace {

// Side of the blocks of `a` that are transformed at a time.
constexpr int kBlock = 512;
// Where less than this part of the most energy lies in the overlap, the
// coefficient is damped: a few pixels of almost flat paper correlate by
// chance.
constexpr double kEnergyFloor = 0.1;
constexpr double kMinOverlapPixels = 64.0;

// The parts of an image, all CV_32F and 0 where it is not covered.
struct Planes {
  std::vector<cv::Mat> channels;  // less the mean
  cv::Mat mask;                   // 0 or 1
};

struct Spectra {
  std::vector<cv::Mat> channels;
  cv::Mat mask;
  cv::Mat energy;  // of the sum of squares over channels
};

// Sums over all covered pairs of pixels, one entry per shift, CV_64F.
struct Sums {
  cv::Mat count;
  cv::Mat product;
  std::vector<cv::Mat> a;  // of a under b's mask, per channel
  std::vector<cv::Mat> b;
  cv::Mat a_energy;
  cv::Mat b_energy;

  Sums(int side, size_t channels)
      : count(cv::Mat::zeros(side, side, CV_64F)),
        product(cv::Mat::zeros(side, side, CV_64F)),
        a_energy(cv::Mat::zeros(side, side, CV_64F)),
        b_energy(cv::Mat::zeros(side, side, CV_64F)) {
    for (size_t i = 0; i < channels; ++i) {
      a.push_back(cv::Mat::zeros(side, side, CV_64F));
      b.push_back(cv::Mat::zeros(side, side, CV_64F));
    }
  }
};

// Means of the channels over the covered pixels of `part`. The coefficients do
// not depend on what is subtracted, but the rounding errors of the transforms
// do.
cv::Scalar CoveredMean(const FeatureImage& image, cv::Rect part) {
  if (image.coverage.empty()) return cv::mean(image.features(part));
  return cv::mean(image.features(part), image.coverage(part));
}

// `window` may lie partly or wholly outside the image; outside is uncovered.
Planes Cut(const FeatureImage& image, cv::Rect window, const cv::Scalar& mean) {
  Planes planes;
  const size_t channels = static_cast<size_t>(image.features.channels());
  planes.mask = cv::Mat::zeros(window.size(), CV_32F);
  for (size_t i = 0; i < channels; ++i) {
    planes.channels.push_back(cv::Mat::zeros(window.size(), CV_32F));
  }
  const cv::Rect inside =
      window & cv::Rect(0, 0, image.features.cols, image.features.rows);
  if (inside.empty()) return planes;
  const cv::Rect target = inside - window.tl();
  cv::Mat covered;  // 0 or 255
  if (image.coverage.empty()) {
    covered = cv::Mat(inside.size(), CV_8UC1, cv::Scalar(255));
  } else {
    covered = image.coverage(inside) != 0;
  }
  planes.mask(target).setTo(1.0f, covered);
  for (size_t i = 0; i < channels; ++i) {
    cv::Mat plane;
    cv::extractChannel(image.features(inside), plane, static_cast<int>(i));
    cv::subtract(plane, cv::Scalar(mean[static_cast<int>(i)]), plane);
    plane.copyTo(planes.channels[i](target), covered);
  }
  return planes;
}

cv::Mat Transform(const cv::Mat& plane, cv::Size size) {
  cv::Mat padded = cv::Mat::zeros(size, CV_32F);
  plane.copyTo(padded(cv::Rect(cv::Point(0, 0), plane.size())));
  cv::dft(padded, padded, 0, plane.rows);
  return padded;
}

Spectra Transform(const Planes& planes, cv::Size size) {
  Spectra spectra;
  cv::Mat energy = cv::Mat::zeros(planes.mask.size(), CV_32F);
  for (const cv::Mat& channel : planes.channels) {
    spectra.channels.push_back(Transform(channel, size));
    energy += channel.mul(channel);
  }
  spectra.mask = Transform(planes.mask, size);
  spectra.energy = Transform(energy, size);
  return spectra;
}

// Adds the first rows and columns of the correlation whose spectrum is given.
void AddInverse(const cv::Mat& spectrum, cv::Mat& sum) {
  cv::Mat correlation;
  // The rows beyond the shifts that are asked for need not be right.
  cv::dft(spectrum, correlation,
          cv::DFT_INVERSE | cv::DFT_SCALE | cv::DFT_REAL_OUTPUT, sum.rows);
  cv::Mat wanted;
  correlation(cv::Rect(0, 0, sum.cols, sum.rows)).convertTo(wanted, CV_64F);
  sum += wanted;
}

void AddCorrelation(const cv::Mat& a, const cv::Mat& b, cv::Mat& sum) {
  cv::Mat product;
  cv::mulSpectrums(b, a, product, 0, true);
  AddInverse(product, sum);
}

void AddBlock(const Spectra& a, const Spectra& b, Sums& sums) {
  AddCorrelation(a.mask, b.mask, sums.count);
  AddCorrelation(a.energy, b.mask, sums.a_energy);
  AddCorrelation(a.mask, b.energy, sums.b_energy);
  cv::Mat product;
  for (size_t i = 0; i < a.channels.size(); ++i) {
    AddCorrelation(a.channels[i], b.mask, sums.a[i]);
    AddCorrelation(a.mask, b.channels[i], sums.b[i]);
    cv::Mat channel_product;
    cv::mulSpectrums(b.channels[i], a.channels[i], channel_product, 0, true);
    if (product.empty()) {
      product = channel_product;
    } else {
      product += channel_product;
    }
  }
  AddInverse(product, sums.product);
}

int64_t CoveredPixels(const FeatureImage& image, cv::Rect part) {
  const cv::Rect inside =
      part & cv::Rect(0, 0, image.features.cols, image.features.rows);
  if (image.coverage.empty() || inside.empty()) return inside.area();
  return cv::countNonZero(image.coverage(inside));
}

// Numerator over the root of the energies' product, CV_32F in [-1, 1].
cv::Mat Coefficients(const cv::Mat& numerator, const cv::Mat& a_energy,
                     const cv::Mat& b_energy, double pixels) {
  double a_most = 0.0;
  double b_most = 0.0;
  cv::minMaxLoc(a_energy, nullptr, &a_most);
  cv::minMaxLoc(b_energy, nullptr, &b_most);
  // Below what float transforms of that many pixels resolve there is nothing.
  const double least = 1e-6 * pixels;
  if (a_most <= least || b_most <= least) {
    return cv::Mat::zeros(numerator.size(), CV_32F);
  }
  cv::Mat scale;
  cv::sqrt(cv::max(a_energy, kEnergyFloor * a_most)
               .mul(cv::max(b_energy, kEnergyFloor * b_most)),
           scale);
  cv::Mat value = numerator / scale;
  value = cv::min(cv::max(value, -1.0), 1.0);
  value.convertTo(value, CV_32F);
  return value;
}

CorrelationSurface Normalise(const Sums& sums, double min_overlap) {
  CorrelationSurface surface;
  sums.count.convertTo(surface.overlap, CV_32F);
  const cv::Mat count = cv::max(sums.count, 1.0);
  cv::Mat numerator = sums.product.clone();
  cv::Mat a_energy = sums.a_energy.clone();
  cv::Mat b_energy = sums.b_energy.clone();
  for (size_t i = 0; i < sums.a.size(); ++i) {
    numerator -= sums.a[i].mul(sums.b[i]) / count;
    a_energy -= sums.a[i].mul(sums.a[i]) / count;
    b_energy -= sums.b[i].mul(sums.b[i]) / count;
  }
  cv::Mat value =
      Coefficients(numerator, a_energy, b_energy, std::max(1.0, min_overlap));
  // Half a pixel of tolerance for the rounding of the transforms.
  value.setTo(0.0, sums.count < min_overlap - 0.5);
  surface.value = value;
  return surface;
}

}  // namespace

CorrelationSurface Correlate(const FeatureImage& a, const FeatureImage& b,
                             const CorrelationRequest& request) {
  MAPWEAVE_CHECK(a.features.depth() == CV_32F && b.features.depth() == CV_32F);
  MAPWEAVE_CHECK(a.features.channels() == b.features.channels());
  const int radius = request.radius;
  const int side = 2 * radius + 1;
  Sums sums(side, static_cast<size_t>(a.features.channels()));
  const cv::Rect& part = request.part;
  const cv::Rect searched(part.x + request.origin.x - radius,
                          part.y + request.origin.y - radius,
                          part.width + 2 * radius, part.height + 2 * radius);
  const double smaller = static_cast<double>(
      std::min(CoveredPixels(a, part), CoveredPixels(b, searched)));
  CorrelationSurface surface;
  surface.radius = radius;
  surface.value = cv::Mat::zeros(side, side, CV_32F);
  surface.overlap = cv::Mat::zeros(side, side, CV_32F);
  if (smaller <= 0.0) return surface;
  const cv::Scalar a_mean = CoveredMean(a, part);
  const cv::Scalar b_mean = CoveredMean(
      b, searched & cv::Rect(0, 0, b.features.cols, b.features.rows));
  for (int y = 0; y < part.height; y += kBlock) {
    for (int x = 0; x < part.width; x += kBlock) {
      const cv::Rect block(part.x + x, part.y + y,
                           std::min(kBlock, part.width - x),
                           std::min(kBlock, part.height - y));
      const cv::Rect window(block.x + request.origin.x - radius,
                            block.y + request.origin.y - radius,
                            block.width + 2 * radius,
                            block.height + 2 * radius);
      const cv::Size padded(cv::getOptimalDFTSize(window.width),
                            cv::getOptimalDFTSize(window.height));
      AddBlock(Transform(Cut(a, block, a_mean), padded),
               Transform(Cut(b, window, b_mean), padded), sums);
    }
  }
  surface = Normalise(
      sums, std::max(request.min_overlap * smaller, kMinOverlapPixels));
  surface.radius = radius;
  return surface;
}

WindowSpectra TransformWindow(const FeatureImage& image, cv::Rect window,
                              int radius) {
  const cv::Rect around(window.x - radius, window.y - radius,
                        window.width + 2 * radius, window.height + 2 * radius);
  const cv::Size padded(cv::getOptimalDFTSize(around.width),
                        cv::getOptimalDFTSize(around.height));
  const cv::Rect all(0, 0, image.features.cols, image.features.rows);
  const Planes outer = Cut(image, around, CoveredMean(image, around & all));
  const Planes inner = Cut(image, window, CoveredMean(image, window & all));
  const int side = 2 * radius + 1;
  WindowSpectra spectra;
  spectra.radius = radius;
  spectra.pixels = cv::countNonZero(inner.mask);
  spectra.outer_energy = cv::Mat::zeros(side, side, CV_64F);
  for (size_t i = 0; i < outer.channels.size(); ++i) {
    spectra.energy += inner.channels[i].dot(inner.channels[i]);
    cv::Mat sums;
    cv::Mat squares;
    cv::integral(outer.channels[i], sums, squares, CV_64F, CV_64F);
    const auto corner = [&](int x, int y) {
      return squares(cv::Rect(x, y, side, side));
    };
    spectra.outer_energy += corner(window.width, window.height) -
                            corner(0, window.height) - corner(window.width, 0) +
                            corner(0, 0);
    spectra.inner.push_back(Transform(inner.channels[i], padded));
    spectra.outer.push_back(Transform(outer.channels[i], padded));
  }
  return spectra;
}

CorrelationSurface Correlate(const WindowSpectra& a, const WindowSpectra& b) {
  MAPWEAVE_CHECK(a.radius == b.radius && a.inner.size() == b.outer.size());
  const int side = 2 * a.radius + 1;
  cv::Mat spectrum;
  for (size_t i = 0; i < a.inner.size(); ++i) {
    cv::Mat product;
    cv::mulSpectrums(b.outer[i], a.inner[i], product, 0, true);
    spectrum = spectrum.empty() ? product : cv::Mat(spectrum + product);
  }
  cv::Mat numerator = cv::Mat::zeros(side, side, CV_64F);
  AddInverse(spectrum, numerator);
  CorrelationSurface surface;
  surface.radius = a.radius;
  const double pixels = std::min(a.pixels, b.pixels);
  surface.overlap = cv::Mat(side, side, CV_32F, cv::Scalar(pixels));
  const cv::Mat a_energy(side, side, CV_64F, cv::Scalar(a.energy));
  surface.value = Coefficients(numerator, a_energy, b.outer_energy, pixels);
  return surface;
}

}  // namespace mapweave::tracking
