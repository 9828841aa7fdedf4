#pragma once
// SHA-256 (FIPS 180-4) as 64 lowercase hexadecimal digits, by OpenSSL's libcrypto.
#include <cstddef>
#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;

namespace baton::rl {

// Of what comes in pieces.
class Sha256 {
 public:
  Sha256();
  void add(std::span<const std::byte> bytes);
  std::string hex();  // of all pieces; the last call

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

std::string sha256(std::span<const std::byte> bytes);

// Of a file's content, read in pieces. Throws naming a file that cannot be read.
std::string sha256_of_file(const std::string& path);

}  // namespace baton::rl
