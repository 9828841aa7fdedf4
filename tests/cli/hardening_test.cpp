// The hardening that meson.build asks for is in the program.
#include <doctest/doctest.h>
#include <elf.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tests/cli/process.hpp"
#include "tests/support/sanitizers.hpp"

namespace baton {
namespace {

// A 64-bit little-endian ELF file; REQUIREs that what is read lies in it.
class Elf {
 public:
  explicit Elf(const std::string& path) : bytes_(test::read_file(path)) {
    REQUIRE(bytes_.starts_with(ELFMAG));
    REQUIRE(bytes_[EI_CLASS] == ELFCLASS64);
    head_ = at<Elf64_Ehdr>(0);
  }
  Elf64_Half type() const { return head_.e_type; }
  bool has_segment(Elf64_Word type) const {
    for (int i = 0; i < head_.e_phnum; ++i)
      if (at<Elf64_Phdr>(head_.e_phoff + i * sizeof(Elf64_Phdr)).p_type == type) return true;
    return false;
  }
  bool stack_runs() const {
    for (int i = 0; i < head_.e_phnum; ++i) {
      const auto segment = at<Elf64_Phdr>(head_.e_phoff + i * sizeof(Elf64_Phdr));
      if (segment.p_type == PT_GNU_STACK) return (segment.p_flags & PF_X) != 0;
    }
    return true;
  }
  std::string_view section(std::string_view wanted) const {
    const auto names = header(head_.e_shstrndx);
    for (int i = 0; i < head_.e_shnum; ++i) {
      const Elf64_Shdr one = header(i);
      if (bytes_.c_str() + names.sh_offset + one.sh_name == wanted)
        return std::string_view(bytes_).substr(one.sh_offset, one.sh_size);
    }
    return {};
  }
  // 0 where there is no such entry.
  Elf64_Xword dynamic(Elf64_Sxword tag) const {
    const std::string_view entries = section(".dynamic");
    for (std::size_t i = 0; i + sizeof(Elf64_Dyn) <= entries.size(); i += sizeof(Elf64_Dyn)) {
      Elf64_Dyn entry;
      std::memcpy(&entry, entries.data() + i, sizeof(entry));
      if (entry.d_tag == tag) return entry.d_un.d_val;
    }
    return 0;
  }
  bool calls(const std::string& function) const {
    return section(".dynstr").find(std::string(1, 0) + function + std::string(1, 0)) !=
           std::string_view::npos;
  }

 private:
  template <class T>
  T at(std::size_t offset) const {
    REQUIRE(offset + sizeof(T) <= bytes_.size());
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    return value;
  }
  Elf64_Shdr header(int i) const {
    return at<Elf64_Shdr>(head_.e_shoff + static_cast<std::size_t>(i) * sizeof(Elf64_Shdr));
  }
  std::string bytes_;
  Elf64_Ehdr head_ = {};
};

int count(std::string_view text, std::string_view what) {
  int found = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++found;
  return found;
}

TEST_CASE("the program is hardened: PIE, read-only tables, stack canaries, checked copies, landing marks") {
  const Elf program(test::binary());
  CHECK(program.type() == ET_DYN);
  CHECK((program.dynamic(DT_FLAGS_1) & DF_1_PIE) != 0);
  CHECK(program.has_segment(PT_GNU_RELRO));
  CHECK((program.dynamic(DT_FLAGS_1) & DF_1_NOW) != 0);
  CHECK(!program.stack_runs());
  CHECK(program.calls("__stack_chk_fail"));
  if (BATON_ADDRESSES_SEEN == 0 && BATON_RACES_SEEN == 0) CHECK(program.calls("__memcpy_chk"));
#ifdef __x86_64__
  // endbr64, where indirect calls may land.
  CHECK(count(program.section(".text"), "\xf3\x0f\x1e\xfa") > 1000);
#endif
}

}  // namespace
}  // namespace baton
