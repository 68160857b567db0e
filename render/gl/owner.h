#pragma once
// Who frees what lies on the GPU. Every object keeps its owner; once the owner has abandoned its
// context, objects only forget their names.

#include <memory>

namespace looktwice::gl {

class Owner {
 public:
  Owner() : alive_(std::make_shared<bool>(true)) {}
  /// The context is gone: objects made under this owner make no more GL calls. New ones belong to
  /// the next context.
  void abandon() {
    *alive_ = false;
    alive_ = std::make_shared<bool>(true);
  }
  std::shared_ptr<const bool> alive() const { return alive_; }

 private:
  std::shared_ptr<bool> alive_;
};

/// Move-only name of a GL object; `Delete` frees one name.
template <void (*Delete)(unsigned)>
class Name {
 public:
  Name() = default;
  Name(const Owner& owner, unsigned id) : id_(id), alive_(owner.alive()) {}
  Name(Name&& other) noexcept { swap(other); }
  Name& operator=(Name&& other) noexcept {
    Name moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~Name() {
    if (id_ && alive_ && *alive_) Delete(id_);
  }
  unsigned id() const { return id_; }
  explicit operator bool() const { return id_ != 0; }

 private:
  void swap(Name& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(alive_, other.alive_);
  }
  unsigned id_ = 0;
  std::shared_ptr<const bool> alive_;
};

}  // namespace looktwice::gl
