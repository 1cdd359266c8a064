#include "wg4netns/profile/qr_code.h"

#include <png.h>

#include <cstdint>
#include <exception>
#include <expected>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

#define ZX_USE_UTF8 1  // of ZXing 1: texts are std::string, as in later versions
#include <ZXing/BitMatrix.h>
#include <ZXing/MultiFormatWriter.h>
#include <ZXing/ReadBarcode.h>

#include "shared/base/scope_exit.h"

namespace wg4 {
namespace {

#if __has_include(<ZXing/ReaderOptions.h>)
using ReaderOptions = ZXing::ReaderOptions;
#else
using ReaderOptions = ZXing::DecodeHints;  // before ZXing 2.2
#endif

constexpr std::size_t max_text = 2953;          // bytes: the largest code, with the least correction
constexpr std::uint32_t max_side = 16384;       // pixels
constexpr std::size_t max_pixels = 48'000'000;  // a byte each; the cameras of phones make up to these
constexpr std::uint8_t white = 255;

std::unexpected<Error> no_picture(const std::string& why) {
  return fail("this is no PNG picture that can be read: " + why, 0, "Take a screenshot of the code, as PNG");
}

/// Shades of grey, a byte for each pixel.
struct Picture {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::vector<std::uint8_t> pixels;
};

Result<Picture> decode_png(ByteView png) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const ScopeExit free_image([&] { png_image_free(&image); });
  if (png_image_begin_read_from_memory(&image, png.data(), png.size()) == 0)
    return no_picture(static_cast<const char*>(image.message));
  Picture picture{.width = image.width, .height = image.height, .pixels = {}};
  if (picture.width > max_side || picture.height > max_side || std::size_t{picture.width} * picture.height > max_pixels)
    return fail("the picture has " + std::to_string(picture.width) + " x " + std::to_string(picture.height) +
                    " pixels, and at most 48 million are read",
                0, "Cut the code out of it");
  image.format = PNG_FORMAT_GRAY;
  // What is transparent shows this.
  picture.pixels.assign(std::size_t{picture.width} * picture.height, white);
  if (png_image_finish_read(&image, nullptr, picture.pixels.data(), 0, nullptr) == 0)
    return no_picture(static_cast<const char*>(image.message));
  return picture;
}

Result<SecretText> find_code(const Picture& picture) {
  ReaderOptions options;
  options.setFormats(ZXing::BarcodeFormat::QRCode);
  const ZXing::ImageView view(picture.pixels.data(), static_cast<int>(picture.width), static_cast<int>(picture.height),
                              ZXing::ImageFormat::Lum);
  const auto found = ZXing::ReadBarcodes(view, options);
  if (found.empty())
    return fail("there is no QR code in the picture", 0, "All of it must be there, sharp, with a light margin");
  if (found.size() > 1)
    return fail("there are " + std::to_string(found.size()) + " QR codes in the picture", 0, "Cut one out of it");
  SecretText text;
  const auto& bytes = found.front().bytes();
  text.append({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return text;
}

}  // namespace

Result<QrCode> make_qr_code(std::string_view text) {
  if (text.size() > max_text)
    return fail("a QR code holds at most " + std::to_string(max_text) + " characters, and these would be " +
                    std::to_string(text.size()),
                0, "Give the phone fewer peers or AllowedIPs");
  try {
    constexpr int least_correction = 0;  // a screen has no scratches, and the code stays small
    const ZXing::BitMatrix matrix = ZXing::MultiFormatWriter(ZXing::BarcodeFormat::QRCode)
                                        .setMargin(0)
                                        .setEccLevel(least_correction)
                                        .encode(std::string(text), 0, 0);
    QrCode code{.size = static_cast<std::size_t>(matrix.width()), .dark = {}};
    code.dark.reserve(code.size * code.size);
    for (int y = 0; y < matrix.height(); ++y)
      for (int x = 0; x < matrix.width(); ++x) code.dark.push_back(matrix.get(x, y));
    return code;
  } catch (const std::exception& error) {
    return fail(std::string("make a QR code: ") + error.what());
  }
}

Result<SecretText> find_qr_code(ByteView png) {
  try {
    const Picture picture = TRY(decode_png(png));
    return find_code(picture);
  } catch (const std::exception& error) {
    return fail(std::string("find a QR code: ") + error.what());
  }
}

}  // namespace wg4
