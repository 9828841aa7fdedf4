// Import of MuJoCo's .mjl logs, the form of the original recordings.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "kernels/error.hpp"
#include "rl/data/dataset.hpp"

namespace baton::rl {
namespace {

namespace fs = std::filesystem;
static_assert(std::endian::native == std::endian::little, "the log's numbers are read as they lie");

constexpr int kRecordsPerAction = 40;    // 2 ms each
constexpr float kActionSeconds = 0.08f;  // s
constexpr float kActionScale = 2.0f;     // rad/s
constexpr std::int32_t kMaxHeader = 100000;

struct Header {
  std::int32_t nq, nv, nu, nmocap, nsensordata, nuserdata, name_length;
  std::int64_t record_floats() const {
    return 1 + std::int64_t{nq} + nv + nu + 7 * std::int64_t{nmocap} + nsensordata + nuserdata;
  }
};

Header parse_header(const std::vector<char>& bytes, const std::string& path) {
  static_assert(sizeof(Header) == 28);
  BATON_REQUIRE(bytes.size() >= sizeof(Header), "{}: {} bytes, an .mjl log starts with a header of 28", path,
                bytes.size());
  Header header;
  std::memcpy(&header, bytes.data(), sizeof(Header));
  for (const std::int32_t value : {header.nq, header.nv, header.nu, header.nmocap, header.nsensordata,
                                   header.nuserdata, header.name_length}) {
    BATON_REQUIRE(value >= 0 && value <= kMaxHeader, "{}: header holds {}: not an .mjl log", path, value);
  }
  BATON_REQUIRE(header.nq > 0 && header.nu > 0 && header.nu <= header.nq,
                "{}: {} positions and {} controls: controls must be 1..positions", path, header.nq,
                header.nu);
  return header;
}

std::vector<char> read_bytes(const std::string& path) {
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  BATON_REQUIRE(stream.good(), "{}: cannot be opened", path);
  std::vector<char> bytes(static_cast<std::size_t>(stream.tellg()));
  stream.seekg(0);
  stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  BATON_REQUIRE(stream.good(), "{}: cannot be read", path);
  return bytes;
}

// "friday_microwave_kettle_topknob_hinge" -> "microwave_kettle_topknob_hinge": the prefix names a recording session.
std::string goal_of_folder(const std::string& folder) {
  constexpr std::array<std::string_view, 7> elements = {"microwave", "kettle", "bottomknob", "topknob",
                                                        "switch",    "slide",  "hinge"};
  std::size_t first = std::string::npos;
  for (const std::string_view element : elements) first = std::min(first, folder.find(element));
  return first == std::string::npos ? folder : folder.substr(first);
}

Dataset read_directory(const std::string& path, std::vector<std::string>* notes) {
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file() && entry.path().extension() == ".mjl") files.push_back(entry.path().string());
  }
  BATON_REQUIRE(!files.empty(), "{}: holds no .mjl logs", path);
  std::sort(files.begin(), files.end());
  Dataset data;
  for (const std::string& file : files) {
    MjlReport report;
    Dataset episode = read_mjl(file, &report);
    episode.goal_names = {goal_of_folder(fs::path(file).parent_path().filename().string())};
    if (report.truncated_bytes > 0 && notes != nullptr) {
      notes->push_back(
          fmt::format("{}: cut off inside a record, {} whole records used", file, report.records));
    }
    append(data, episode);
  }
  return data;
}

}  // namespace

Dataset read_mjl(const std::string& path, MjlReport* report) {
  BATON_REQUIRE(fs::is_regular_file(path), "{}: no such file", path);
  const std::vector<char> bytes = read_bytes(path);
  const Header header = parse_header(bytes, path);
  const std::size_t start = sizeof(Header) + static_cast<std::size_t>(header.name_length);
  const std::size_t record = static_cast<std::size_t>(header.record_floats()) * sizeof(float);
  BATON_REQUIRE(bytes.size() >= start + record,
                "{}: {} bytes, header and one record take {}: truncated or not an .mjl log", path,
                bytes.size(), start + record);
  const std::size_t records = (bytes.size() - start) / record;
  if (report != nullptr) {
    report->records = static_cast<std::int64_t>(records);
    report->truncated_bytes = static_cast<std::int64_t>((bytes.size() - start) % record);
  }
  Dataset data;
  data.state_dim = header.nq;
  data.action_dim = header.nu;
  data.qpos_dim = header.nq;
  data.qvel_dim = header.nv;
  std::vector<float> row(static_cast<std::size_t>(header.record_floats()));
  for (std::size_t r = 0; r < records; r += kRecordsPerAction) {
    std::memcpy(row.data(), bytes.data() + start + r * record, record);
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

Dataset read_demonstrations(const std::string& path, int state_dim, std::vector<std::string>* notes) {
  BATON_REQUIRE(fs::exists(path), "{}: no such file or directory", path);
  const bool log = fs::path(path).extension() == ".mjl";
  if (!log && !fs::is_directory(path)) return read_dataset(path, state_dim);
  Dataset data;
  if (log && !fs::is_directory(path)) {
    MjlReport report;
    data = read_mjl(path, &report);
    if (report.truncated_bytes > 0 && notes != nullptr) {
      notes->push_back(
          fmt::format("{}: cut off inside a record, {} whole records used", path, report.records));
    }
  } else {
    data = read_directory(path, notes);
  }
  BATON_REQUIRE(state_dim <= 0 || data.state_dim == state_dim, "{}: states have {} numbers, {} are expected",
                path, data.state_dim, state_dim);
  return data;
}

}  // namespace baton::rl
