#include "kernels/cuda/device.hpp"

#include <limits>
#include <string_view>

#include "kernels/error.hpp"

namespace baton::kernels::cuda {

void raw::fail(const char* call, const char* file, int line, const char* reason) {
  // The compiler's path of this file tells where the project's root is, so that messages name files from there.
  static constexpr std::string_view kHere = __FILE__, kName = "kernels/cuda/device.cpp";
  std::string_view place = file;
  if (place.starts_with(kHere.substr(0, kHere.size() - kName.size())))
    place.remove_prefix(kHere.size() - kName.size());
  const std::string_view text = call;
  baton::fail("{} failed at {}:{}: {}", text.substr(0, text.find('(')), place, line, reason);
}

Arena::Arena(std::int64_t bytes)
    : capacity_((bytes + kAlignment - 1) / kAlignment * kAlignment), memory_(raw::allocate(capacity_)) {
  raw::fence(memory_, 0, capacity_);
}

void* Arena::take_bytes(std::int64_t n, std::int64_t size) {
  BATON_REQUIRE(n >= 0 && n <= std::numeric_limits<std::int64_t>::max() / size - kAlignment,
                "device arena: {} numbers of {} bytes", n, size);
  const std::int64_t bytes = n * size, padded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  BATON_REQUIRE(padded <= capacity_ - used_, "device arena: {} bytes wanted, {} of {} left", padded,
                capacity_ - used_, capacity_);
  void* taken = static_cast<char*>(memory_) + used_;
  raw::fence(taken, bytes, padded - bytes);
  used_ += padded;
  return taken;
}

}  // namespace baton::kernels::cuda
