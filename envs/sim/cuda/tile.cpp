#include "envs/sim/cuda/tile.hpp"

#include <array>
#include <new>

#include "envs/sim/cuda/arrays.hpp"
#include "envs/sim/cuda/environments.hpp"
#include "envs/sim/cuda/image.hpp"
#include "kernels/error.hpp"

namespace baton::sim::cuda {

namespace {

using kernels::cuda::Buffer;
using kernels::cuda::Stream;

constexpr std::int64_t kStack = 4096;  // bytes a thread: step_kernel needs 3,504 (docs/performance.md)

// What a device reads of the model: of meshes what collides alone, no keyframes.
Model<float> without_pictures(Model<float> m) {
  for (Mesh<float>& mesh : m.meshes) mesh.vertices.clear(), mesh.faces.clear(), mesh.hull_faces.clear();
  m.keyframes.clear();
  return m;
}

template <class T>
std::uint64_t address(const Buffer<T>& buffer) {
  return reinterpret_cast<std::uintptr_t>(buffer.data());
}

std::int64_t size_of(const Image& image) { return static_cast<std::int64_t>(image.words.size()); }

// make(base) twice: how large is the image, and how is it where it fits?
template <class Make>
Buffer<std::uint64_t> place(Stream& stream, Make&& make, Image& image) {
  Buffer<std::uint64_t> buffer(size_of(make(std::uint64_t{0})));
  image = make(address(buffer));
  kernels::cuda::upload(stream, std::span<const std::uint64_t>(image.words), buffer.data());
  stream.synchronize();
  return buffer;
}

// A field [values][environments] here and on the device.
struct Mirror {
  Mirror(std::size_t values, std::size_t environments)
      : host(values * environments), device(static_cast<std::int64_t>(values * environments)) {}
  std::vector<float> host;
  Buffer<float> device;
};

}  // namespace

void prepare(const Model<float>& model, Data<float>& d) {
  d.fixed_room = true;
  d.reserve_contacts(model, kContactRoom);
  if (!d.separations.pairs.empty()) d.convex_work.resize(1);
}

class CudaTile final : public BatchTile {
 public:
  CudaTile(const Model<float>& model, int environments, const BatchOptions& options)
      : count_(environments), mirrors_(make_mirrors(model)), counts_(environments) {
    kernels::cuda::reserve_stack(kStack);
    host_counts_.resize(static_cast<std::size_t>(environments));
    const Model<float> lean = without_pictures(model);
    Image image;
    memory_.emplace_back(place(
        stream_,
        [&](std::uint64_t base) {
          ImageWriter writer(lean, words_of(lean), base);
          for_each_array(lean, [&](const auto& array) { writer.append(array); });
          return std::move(writer).take();
        },
        image));
    place_environments(lean);
    all_.max_position = static_cast<float>(options.max_position);
    all_.max_velocity = static_cast<float>(options.max_velocity);
  }

  void set_lanes(int used) override { BATON_REQUIRE(used == count_, "cuda: {} of {} lanes", used, count_); }

  // Alone in its batch: there is nobody to change places with.
  void touched(std::uint64_t*) const override {}
  void swap(int, BatchTile&, int) override {}

  void step(int substeps) override {
    if (changed_) {
      for (Mirror& m : mirrors_)
        kernels::cuda::upload(stream_, std::span<const float>(m.host), m.device.data());
      changed_ = false;
    }
    step_environments(stream_, all_, substeps);
    steps_ += static_cast<std::uint64_t>(substeps) * static_cast<std::uint64_t>(count_);
    stale_ = true;
    stream_.synchronize();
  }

  void get(Field field, int at, double* out) const override {
    fetch();
    const auto& values = mirror(field).host;
    for (std::size_t i = static_cast<std::size_t>(at); i < values.size(); i += stride()) *out++ = values[i];
  }

  void set(Field field, int at, const double* in) override {
    fetch();
    changed_ = true;
    auto& values = mirror(field).host;
    for (std::size_t i = static_cast<std::size_t>(at); i < values.size(); i += stride())
      values[i] = static_cast<float>(*in++);
  }

  std::uint64_t lane_diverged(int at) const override { return counts_of(at).diverged; }
  int lane_contacts(int at) const override { return counts_of(at).contacts_now; }

  std::array<double, 3> site_position(int at, int site) const override {
    fetch();
    const auto& sites = mirrors_[kSites].host;
    std::array<double, 3> p{};
    for (std::size_t k = 0; k < 3; ++k)
      p[k] = sites[(3 * static_cast<std::size_t>(site) + k) * stride() + static_cast<std::size_t>(at)];
    return p;
  }

  BatchCounts counts() const override {
    BatchCounts sum;
    sum.steps = sum.tile_steps = steps_;
    for (int n = 0; n < count_; ++n) {
      const EnvironmentCounts& c = counts_of(n);
      sum.contacts += c.contacts, sum.dropped += c.dropped, sum.diverged += c.diverged;
      sum.iterations += c.iterations, sum.line_search += c.line_search;
    }
    return sum;
  }

  void time_stages(bool) override {}
  StageTimes stage_times() const override { return {}; }

 private:
  static constexpr std::size_t kFields = 8, kSites = kFields;  // mirrors: Field's, then the sites

  std::vector<Mirror> make_mirrors(const Model<float>& m) const {
    const auto nq = static_cast<std::size_t>(m.nq), nv = static_cast<std::size_t>(m.nv),
               nu = static_cast<std::size_t>(m.nu), nmocap = static_cast<std::size_t>(m.nmocap);
    std::vector<Mirror> mirrors;
    for (const std::size_t values : std::array<std::size_t, kFields + 1>{
             nq, nv, nu, nv, 3 * nmocap, 4 * nmocap, nq, nv, 3 * m.sites.size()})
      mirrors.emplace_back(values, static_cast<std::size_t>(count_));
    return mirrors;
  }

  // Data<float> of every environment, and the fields' first values.
  void place_environments(const Model<float>& lean) {
    Data<float> d(lean);
    prepare(lean, d);
    Image tables, own;
    memory_.emplace_back(place(
        stream_,
        [&](std::uint64_t base) {
          ImageWriter writer(d, words_of(d), base);
          for_each_table(d, [&](const auto& array) { writer.append(array); });
          return std::move(writer).take();
        },
        tables));
    const std::span<const std::uint64_t> linked(tables.words.data(), sizeof(d) / sizeof(std::uint64_t));
    const auto make_own = [&](std::uint64_t base) {
      ImageWriter writer(d, linked, base);
      for_each_own_array(d, [&](const auto& array) { writer.append(array); });
      return std::move(writer).take();
    };
    constexpr std::int64_t kAlignment = 32;  // words
    const std::int64_t size = size_of(make_own(0)),
                       padded = (size + kAlignment - 1) / kAlignment * kAlignment;
    memory_.emplace_back(padded * count_);
    own = make_own(address(memory_.back()));
    all_ = {.count = count_,
            .stride = padded * static_cast<std::int64_t>(sizeof(std::uint64_t)),
            .model = reinterpret_cast<const Model<float>*>(memory_.front().data()),
            .data = memory_.back().data(),
            .qpos = mirror(Field::kQpos).device.data(),
            .qvel = mirror(Field::kQvel).device.data(),
            .ctrl = mirror(Field::kCtrl).device.data(),
            .warmstart = mirror(Field::kWarmstart).device.data(),
            .mocap_pos = mirror(Field::kMocapPos).device.data(),
            .mocap_quat = mirror(Field::kMocapQuat).device.data(),
            .reset_qpos = mirror(Field::kResetQpos).device.data(),
            .reset_qvel = mirror(Field::kResetQvel).device.data(),
            .site_pos = mirrors_[kSites].device.data(),
            .counts = counts_.data()};
    Buffer<std::uint64_t> words(size);
    Buffer<std::uint8_t> inside(size);
    kernels::cuda::upload(stream_, std::span<const std::uint64_t>(own.words), words.data());
    kernels::cuda::upload(stream_, std::span<const std::uint8_t>(own.inside), inside.data());
    make_environments(stream_, all_, size, words.data(), inside.data());
    stream_.synchronize();
    fill(Field::kQpos, d.qpos), fill(Field::kResetQpos, d.qpos);
    fill(Field::kMocapPos, d.mocap_pos), fill(Field::kMocapQuat, d.mocap_quat);
  }

  void fill(Field field, const std::vector<float>& values) {
    auto& host = mirror(field).host;
    for (std::size_t i = 0; i < host.size(); ++i) host[i] = values[i / stride()];
  }

  std::size_t stride() const { return static_cast<std::size_t>(count_); }
  Mirror& mirror(Field field) { return mirrors_[static_cast<std::size_t>(field)]; }
  const Mirror& mirror(Field field) const { return mirrors_[static_cast<std::size_t>(field)]; }
  const EnvironmentCounts& counts_of(int at) const {
    fetch();
    return host_counts_[static_cast<std::size_t>(at)];
  }

  // The device's state is here, too.
  void fetch() const {
    if (!stale_) return;
    for (Mirror& m : mirrors_)
      kernels::cuda::download(stream_, static_cast<const float*>(m.device.data()), std::span(m.host));
    kernels::cuda::download(stream_, static_cast<const EnvironmentCounts*>(counts_.data()),
                            std::span(host_counts_));
    stream_.synchronize();
    stale_ = false;
  }

  int count_;
  mutable Stream stream_;
  mutable std::vector<Mirror> mirrors_;
  Buffer<EnvironmentCounts> counts_;
  mutable std::vector<EnvironmentCounts> host_counts_;
  std::vector<Buffer<std::uint64_t>> memory_;  // the model, the tables, the environments
  Environments all_;
  std::uint64_t steps_ = 0;
  bool changed_ = true;         // here, since the last step
  mutable bool stale_ = false;  // here, since the last fetch
};

std::unique_ptr<BatchTile> make_tile(const Model<float>& model, int environments,
                                     const BatchOptions& options) {
  return std::make_unique<CudaTile>(model, environments, options);
}

}  // namespace baton::sim::cuda
