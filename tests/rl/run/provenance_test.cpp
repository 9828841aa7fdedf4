#include "rl/run/provenance.hpp"

#include "rl/run/digest.hpp"
#include "rl/run/metrics.hpp"
#include "tests/rl/synthetic.hpp"

using namespace baton;
using namespace baton::rl;
using baton::test::contains;
using baton::test::error_of;

TEST_CASE("sha256: the published examples, of memory and of a file") {
  const auto of = [](std::string_view text) { return sha256(std::as_bytes(std::span(text))); };
  CHECK(of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string million(1000000, 'a');
  CHECK(of(million) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  const test::TemporaryFolder folder;
  write_text_atomic(folder.file("a"), million);
  CHECK(sha256_of_file(folder.file("a")) == of(million));
  CHECK(contains(error_of([&] { sha256_of_file(folder.file("none")); }), "none: cannot be read"));
}

TEST_CASE(
    "provenance: folders are digested file by file, a run by its policy alone; words are quoted for a "
    "shell") {
  const test::TemporaryFolder folder;
  prepare_directory(folder.file("logs/deep"));
  prepare_directory(folder.file("run"));
  prepare_directory(folder.file("out dir"));
  for (const char* name : {"logs/b.mjl", "logs/deep/a.mjl", "run/policy.safetensors", "run/metrics.jsonl"})
    write_text_atomic(folder.file(name), name);
  const Provenance origin("finetune", {"baton", "finetune"},
                          {{"--demos", folder.file("logs/")}, {"--init", folder.file("run")}});
  const auto json = origin.to_json(folder.file("out dir"));
  REQUIRE(json["inputs"][0]["files"].size() == 2);
  CHECK(json["inputs"][0]["path"] == "../logs");
  CHECK(json["inputs"][0]["files"][0]["name"] == "b.mjl");
  CHECK(json["inputs"][0]["files"][1]["name"] == "deep/a.mjl");
  REQUIRE(json["inputs"][1]["files"].size() == 1);
  CHECK(json["inputs"][1]["files"][0]["name"] == "policy.safetensors");
  write_text_atomic(folder.file("out dir/run.json"), json.dump());
  const std::string told = describe_provenance(folder.file("out dir"));
  CHECK(contains(told, "out dir/config.toml' --out '"));
  CHECK(contains(told, "out dir-again'"));
  CHECK(contains(error_of([&] {
                   Provenance("x", {}, {{"--init", folder.file("none")}});
                 }),
                 "none: no such file"));
}
