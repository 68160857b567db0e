#pragma once
// The one exception type of the project. It says what was wrong, where, and what to do.

#include <stdexcept>
#include <string>

namespace looktwice {

/// Who can mend it: the caller (bad input or option, exit code 2) or nobody at the keyboard
/// (the run failed, exit code 1).
enum class Fault { input, run };

/// Thrown for every failure that a user can meet. `what()` is one line: "WHERE: WHAT; HINT".
class Error : public std::runtime_error {
 public:
  /// @param fault  decides the exit code (input: 2, run: 1)
  /// @param where  file, tensor, byte offset or option the message is about; may be empty
  /// @param what   what is wrong, in plain words, no full stop
  /// @param hint   what to do about it, in plain words; may be empty
  Error(Fault fault, std::string where, std::string what, std::string hint = {});

  Fault fault() const noexcept { return fault_; }
  const std::string& where() const noexcept { return where_; }
  const std::string& problem() const noexcept { return problem_; }
  const std::string& hint() const noexcept { return hint_; }
  int exit_code() const noexcept { return fault_ == Fault::input ? 2 : 1; }

 private:
  Fault fault_;
  std::string where_, problem_, hint_;
};

/// Shorthands: `throw bad_input("--rlt", "τ is negative", "give 0 or more")`.
Error bad_input(std::string where, std::string what, std::string hint = {});
Error run_failed(std::string where, std::string what, std::string hint = {});

/// Thrown out of a long operation when its std::stop_token was triggered. Not an Error: nothing is
/// wrong, and callers drop the work without a message.
struct Cancelled : std::exception {
  const char* what() const noexcept override { return "cancelled"; }
};

}  // namespace looktwice
