#pragma once
// Inside this room only: one clip as the bytes of a record, and back.

#include <string>

#include "trace/token_trace.h"

namespace looktwice::trace {

/// The clip must have passed check_clip.
std::string encode_clip(const ClipTrace& clip);
/// Throws Error(input) naming `where`; what it returns has passed check_clip.
ClipTrace decode_clip(const std::string& payload, const std::string& where);

Json encode_head(const TokenTrace& trace);
TokenTrace decode_head(const std::string& text, const std::string& where);

}  // namespace looktwice::trace
