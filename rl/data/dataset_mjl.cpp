// Import of MuJoCo's .mjl logs, the form of the original recordings.
#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>

#include "kernels/error.hpp"
#include "rl/data/demonstrations.hpp"
#include "rl/data/outside.hpp"

namespace baton::rl {
namespace {

static_assert(std::endian::native == std::endian::little, "the log's numbers are read as they lie");

constexpr int kRecordsPerAction = 40;    // 2 ms each
constexpr float kActionSeconds = 0.08f;  // s
constexpr float kActionScale = 2.0f;     // rad/s
constexpr std::int32_t kMaxHeader = 100000;
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 30;  // two hours of the kitchen

struct Header {
  std::int32_t nq, nv, nu, nmocap, nsensordata, nuserdata, name_length;
  std::int64_t record_floats() const {
    return 1 + std::int64_t{nq} + nv + nu + 7 * std::int64_t{nmocap} + nsensordata + nuserdata;
  }
};

// `count` bytes at `offset` of a log.
using Source = std::function<void(std::uint64_t offset, void* to, std::size_t count)>;

Header read_header(const Source& read, std::uint64_t bytes, const std::string& path) {
  static_assert(sizeof(Header) == 28);
  BATON_REQUIRE(bytes >= sizeof(Header), "{}: {} bytes, an .mjl log starts with a header of 28", path, bytes);
  BATON_REQUIRE(bytes <= kMaxBytes, "{}: {} bytes, logs of at most {} are read", path, bytes, kMaxBytes);
  Header header;
  read(0, &header, sizeof(Header));
  for (const std::int32_t value : {header.nq, header.nv, header.nu, header.nmocap, header.nsensordata,
                                   header.nuserdata, header.name_length}) {
    BATON_REQUIRE(value >= 0 && value <= kMaxHeader, "{}: header holds {}: not an .mjl log", path, value);
  }
  BATON_REQUIRE(header.nv > 0 && header.nv <= header.nq,
                "{}: {} velocities and {} positions: velocities must be "
                "1..positions",
                path, header.nv, header.nq);
  BATON_REQUIRE(header.nu > 0 && header.nu <= header.nq,
                "{}: {} positions and {} controls: controls must be 1..positions", path, header.nq,
                header.nu);
  return header;
}

Dataset read_log(const Source& read, std::uint64_t bytes, const std::string& path, MjlReport* report) {
  const Header header = read_header(read, bytes, path);
  const std::uint64_t start = sizeof(Header) + static_cast<std::uint64_t>(header.name_length);
  const std::uint64_t record = static_cast<std::uint64_t>(header.record_floats()) * sizeof(float);
  BATON_REQUIRE(bytes >= start + record,
                "{}: {} bytes, header and one record take {}: truncated or not an .mjl log", path, bytes,
                start + record);
  const std::uint64_t records = (bytes - start) / record;
  if (report != nullptr) {
    report->records = static_cast<std::int64_t>(records);
    report->truncated_bytes = static_cast<std::int64_t>((bytes - start) % record);
  }
  Dataset data;
  data.state_dim = header.nq;
  data.action_dim = header.nu;
  data.qpos_dim = header.nq;
  data.qvel_dim = header.nv;
  // What is used of a record stands at its front.
  std::vector<float> row(1 + static_cast<std::size_t>(header.nq + header.nv + header.nu));
  for (std::uint64_t r = 0; r < records; r += kRecordsPerAction) {
    read(start + r * record, row.data(), row.size() * sizeof(float));
    const float *qpos = row.data() + 1, *qvel = qpos + header.nq, *ctrl = qvel + header.nv;
    data.states.insert(data.states.end(), qpos, qvel);
    data.qpos.insert(data.qpos.end(), qpos, qvel);
    data.qvel.insert(data.qvel.end(), qvel, ctrl);
    for (int i = 0; i < header.nu; ++i) {
      data.actions.push_back(std::clamp((ctrl[i] - qpos[i]) / kActionSeconds / kActionScale, -1.0f, 1.0f));
    }
  }
  data.offsets.push_back(static_cast<std::int64_t>((records + kRecordsPerAction - 1) / kRecordsPerAction));
  validate(data, path);
  return data;
}

}  // namespace

Dataset read_mjl(const std::string& path, MjlReport* report) {
  const OutsideFile file(path, "an .mjl log");
  return read_log([&](std::uint64_t offset, void* to, std::size_t count) { file.read(offset, to, count); },
                  file.bytes(), path, report);
}

Dataset parse_mjl(std::string_view bytes, const std::string& name, MjlReport* report) {
  return read_log([&](std::uint64_t offset, void* to,
                      std::size_t count) { std::memcpy(to, bytes.substr(offset, count).data(), count); },
                  bytes.size(), name, report);
}

}  // namespace baton::rl
