#pragma once
// SHA-256 (FIPS 180-4) as 64 lowercase hexadecimal digits, by OpenSSL's libcrypto.
#include <span>
#include <string>

namespace baton::rl {

std::string sha256(std::span<const std::byte> bytes);

// Of a file's content, read in pieces. Throws naming a file that cannot be read.
std::string sha256_of_file(const std::string& path);

}  // namespace baton::rl
