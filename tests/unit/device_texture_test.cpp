// Pictures of a backend drawn by OpenGL without a display: the same pixels whether the device
// shares its memory (a stand-in that writes the buffer itself), does not (the emulated one) or is
// the host.

#include "gl/device_texture.h"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "compute/cuda/cuda_backend.h"
#include "compute/factories.h"
#include "emulation/emulated_device.h"
#include "gl/context.h"
#include "gl/gl.h"

namespace looktwice::gl {
namespace {

using compute::Tensor;

constexpr int kWidth = 21, kHeight = 5;  // rows of no round number of bytes

class DeviceTextures : public testing::Test {
 protected:
  void SetUp() override {
    try {
      context_ = std::make_unique<EglContext>();
    } catch (const Error& e) {
      GTEST_SKIP() << e.what();
    }
    picture_ = Tensor({kHeight, kWidth * 3}, DType::u8);
    for (int64_t i = 0; i < picture_.elements(); ++i)
      picture_.data<uint8_t>()[i] = uint8_t(i * 7 + i / 5);
  }
  std::vector<uint8_t> read(const DeviceTexture& t) {
    std::vector<uint8_t> bytes(size_t(picture_.elements()));
    t.bind(0);
    glPixelStorei(GL_PACK_ALIGNMENT, 1);
    glGetTexImage(GL_TEXTURE_2D, 0, GL_RGB, GL_UNSIGNED_BYTE, bytes.data());
    EXPECT_EQ(glGetError(), GLenum(GL_NO_ERROR));
    return bytes;
  }
  std::vector<uint8_t> wanted() const {
    const uint8_t* p = picture_.data<uint8_t>();
    return {p, p + picture_.elements()};
  }
  std::unique_ptr<EglContext> context_;
  Owner owner_;
  Tensor picture_;
};

TEST_F(DeviceTextures, WithoutSharingPixelsAreCopied) {
  DeviceTexture t(owner_, Format::rgb8, kWidth, kHeight, Filter::nearest);
  const auto host = compute::make_reference();
  EXPECT_EQ(t.fill(*host, picture_), DeviceTexture::Way::copied);
  EXPECT_EQ(read(t), wanted());

  compute::cuda::CudaBackend device(compute::cuda::emulated_device(), {});
  DeviceTexture other(owner_, Format::rgb8, kWidth, kHeight, Filter::nearest);
  EXPECT_EQ(other.fill(device, device.upload(picture_)), DeviceTexture::Way::copied);
  EXPECT_EQ(read(other), wanted());
  EXPECT_THROW(other.fill(device, device.upload(picture_.row_range(0, 2))), std::logic_error);
}

TEST_F(DeviceTextures, ASharedBufferFillsTheTexture) {
  compute::cuda::EmulatedOptions options;
  options.write_gl_buffer = [](uint32_t buffer, const void* from, size_t bytes) {
    glBindBuffer(GL_COPY_WRITE_BUFFER, buffer);
    glBufferSubData(GL_COPY_WRITE_BUFFER, 0, GLsizeiptr(bytes), from);
    glBindBuffer(GL_COPY_WRITE_BUFFER, 0);
  };
  compute::cuda::CudaBackend device(compute::cuda::emulated_device(options), {});
  DeviceTexture t(owner_, Format::rgb8, kWidth, kHeight, Filter::nearest);
  EXPECT_EQ(t.fill(device, device.upload(picture_)), DeviceTexture::Way::shared);
  EXPECT_EQ(read(t), wanted());
}

}  // namespace
}  // namespace looktwice::gl
