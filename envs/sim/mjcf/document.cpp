#include "envs/sim/mjcf/document.hpp"

#include <tinyxml2.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "envs/sim/mjcf/bounds.hpp"
#include "envs/sim/mjcf/files.hpp"

namespace baton::sim::mjcf {
namespace {

namespace fs = std::filesystem;

// What tinyxml2 found wrong, in words.
std::string trouble(tinyxml2::XMLError error) {
  switch (error) {
    case tinyxml2::XML_ERROR_MISMATCHED_ELEMENT:
      return "this element's end tag is missing or another's stands there";
    case tinyxml2::XML_ERROR_PARSING_ATTRIBUTE:
      return "malformed or repeated attribute, expected name=\"value\"";
    case tinyxml2::XML_ERROR_PARSING_ELEMENT:
      return "malformed element";
    case tinyxml2::XML_ERROR_EMPTY_DOCUMENT:
      return "empty, expected <mujoco> ... </mujoco>";
    case tinyxml2::XML_ELEMENT_DEPTH_EXCEEDED:
      return fmt::format("elements nested deeper than {}", kMaxDepth);
    case tinyxml2::XML_ERROR_PARSING_COMMENT:
      return "comment without its end -->";
    default:
      return "malformed (unclosed element, comment or text outside the root element)";
  }
}

class Assembler {
 public:
  explicit Assembler(Folder folder) : folder_(std::move(folder)) {}

  Element root(std::string_view text, const std::string& shown) {
    Element e;
    expand_file(text, shown, 0, [&](const tinyxml2::XMLElement& top, const auto& file) {
      BATON_REQUIRE(std::string_view(top.Name()) == "mujoco",
                    "{}:{}: <{}>: not a model, the root must be <mujoco>", shown, top.GetLineNum(),
                    top.Name());
      e = shell(top, file);
      expand_children(top, file, 1, e);
    });
    return e;
  }

  void mark(const fs::path& canonical) { seen_.insert(canonical.string()); }

 private:
  using File = std::shared_ptr<const std::string>;

  template <class F>
  void expand_file(std::string_view text, const std::string& shown, int, F&& use) {
    BATON_REQUIRE(text.find('\0') == std::string_view::npos, "{}: holds a zero byte, not an XML text", shown);
    BATON_REQUIRE((bytes_ += text.size()) <= kMaxTotalBytes,
                  "{}: with it the model's files exceed {} bytes, the limit", shown, kMaxTotalBytes);
    bound_markup(text, shown);
    tinyxml2::XMLDocument doc;
    doc.Parse(text.data(), text.size());
    BATON_REQUIRE(!doc.Error(), "{}:{}: XML: {}", shown, std::max(1, doc.ErrorLineNum()),
                  trouble(doc.ErrorID()));
    for (const auto* n = doc.FirstChild(); n != nullptr; n = n->NextSibling()) refuse_declaration(*n, shown);
    const tinyxml2::XMLElement* top = doc.RootElement();
    BATON_REQUIRE(top != nullptr, "{}:1: XML: no element, expected <mujoco>", shown);
    BATON_REQUIRE(top->NextSiblingElement() == nullptr,
                  "{}:{}: XML: a second root element <{}>, only one may stand there", shown,
                  top->NextSiblingElement()->GetLineNum(), top->NextSiblingElement()->Name());
    use(*top, std::make_shared<const std::string>(shown));
  }

  // Document types and the entities that they declare would be passed over in silence.
  static void refuse_declaration(const tinyxml2::XMLNode& n, const std::string& file) {
    BATON_REQUIRE(n.ToUnknown() == nullptr, "{}:{}: XML: <!{:.40}>: document types and entities are not read",
                  file, n.GetLineNum(), n.Value());
  }

  Element shell(const tinyxml2::XMLElement& x, const File& file) {
    Element e{x.Name(), {file, x.GetLineNum()}, {}, {}};
    BATON_REQUIRE(++elements_ <= kMaxElements, "{}: <{}>: more than {} elements, the limit for a model",
                  e.where.str(), e.name, kMaxElements);
    for (const auto* a = x.FirstAttribute(); a != nullptr; a = a->Next())
      e.attributes.emplace_back(a->Name(), a->Value());
    return e;
  }

  void expand_children(const tinyxml2::XMLElement& x, const File& file, int depth, Element& into) {
    for (const auto* c = x.FirstChildElement(); c != nullptr; c = c->NextSiblingElement()) {
      Element e = shell(*c, file);
      if (depth >= kMaxDepth) refuse(e, "", "nested deeper than {} elements, the limit", kMaxDepth);
      if (e.name == "include") {
        include(e, depth, into);
        continue;
      }
      expand_children(*c, file, depth + 1, e);
      into.children.push_back(std::move(e));
    }
    for (const auto* n = x.FirstChild(); n != nullptr; n = n->NextSibling()) {
      refuse_declaration(*n, *file);
      if (n->ToText() != nullptr) refuse(into, "", "text '{:.40}' where only elements may stand", n->Value());
    }
  }

  void include(const Element& e, int depth, Element& into) {
    const std::string* name = e.find("file");
    if (name == nullptr || name->empty()) refuse(e, "file", "missing: the path of the file to include");
    for (const auto& [key, value] : e.attributes)
      if (key != "file") refuse(e, key, "unknown attribute; <include> has only 'file'");
    const fs::path path = folder_.find(e, "file", "", *name);
    if (!seen_.insert(path.string()).second) {
      refuse(e, "file", "'{}' is included already: a file may be included once, and never from within itself",
             *name);
    }
    if (seen_.size() > kMaxFiles) refuse(e, "file", "more than {} files in one model", kMaxFiles);
    const std::string text = read_file(path, *name, kMaxFileBytes);
    expand_file(text, *name, depth, [&](const tinyxml2::XMLElement& top, const File& file) {
      expand_children(top, file, depth, into);
    });
  }

  Folder folder_;
  std::set<std::string> seen_;
  int elements_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

Element read_document(const std::string& path) {
  std::error_code ec;
  const fs::path canonical = fs::weakly_canonical(path, ec);
  BATON_REQUIRE(!ec, "{}: not a path: {}", path, ec.message());
  Assembler assembler{Folder(path)};
  assembler.mark(canonical);
  return assembler.root(read_file(canonical, path, kMaxFileBytes), path);
}

Element parse_document(std::string_view text, const std::string& name) {
  BATON_REQUIRE(text.size() <= kMaxFileBytes, "{}: larger than {} bytes, the limit for a model", name,
                kMaxFileBytes);
  return Assembler(Folder()).root(text, name);
}

}  // namespace baton::sim::mjcf
