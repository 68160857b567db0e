#include "trace/trace_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/hash.h"
#include "trace/clip_codec.h"

namespace looktwice::trace {

namespace {

constexpr char kMagic[8] = {'L', 'T', 'T', 'R', 'A', 'C', 'E', '\n'};
constexpr char kEnd[8] = {'L', 'T', 'T', 'R', 'E', 'N', 'D', '\n'};
constexpr size_t kPrologue = 16;    // magic, u32 version, u32 zero
constexpr size_t kRecordHead = 16;  // 4 bytes type, u32 zero, u64 payload bytes
constexpr size_t kRecordTail = 8;   // u64 FNV-1a of the payload
constexpr size_t kEpilogue = 16;    // u64 offset of the index, magic

template <typename T>
void put(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string at_byte(const RandomAccessFile& file, uint64_t offset) {
  return file.path().string() + ", byte " + std::to_string(offset);
}

}  // namespace

void check_clip(const ClipTrace& clip, const std::string& where) {
  const auto must = [&](bool holds, const std::string& what) {
    if (!holds) throw bad_input(where, what);
  };
  must(clip.t >= 1 && clip.h >= 1 && clip.w >= 1 && clip.t <= kMaxSide && clip.h <= kMaxSide &&
           clip.w <= kMaxSide && clip.tokens() <= kMaxTokens,
       "its grid is empty or absurdly large");
  must(clip.tubelet >= 1 && clip.patch >= 1, "its tubelet or patch is below 1");
  must(clip.frame_indices.size() == size_t(clip.t) * clip.tubelet,
       "has " + std::to_string(clip.frame_indices.size()) + " frame numbers for " +
           std::to_string(size_t(clip.t) * clip.tubelet) + " frames");
  must(clip.frame_times.size() == clip.frame_indices.size(),
       "has not one time for every frame number");
  for (const double time : clip.frame_times)
    must(std::isfinite(time), "a frame time is no number");
  for (const double v : {clip.crop_x, clip.crop_y, clip.crop_width, clip.crop_height})
    must(std::isfinite(v), "its crop is no number");
  must(clip.difference.empty() || clip.difference.size() == clip.tokens(),
       "its differences do not fill its grid");
  if (clip.has_rlt) {
    must(std::isfinite(clip.tau) && clip.tau >= 0, "its threshold is no number of 0 or more");
    must(clip.drop == "rlt" || clip.drop == "random", "its drop policy is unknown");
    must(clip.keep.size() == clip.tokens(), "its keep mask does not fill its grid");
    must(std::all_of(clip.keep.begin(), clip.keep.end(), [](uint8_t k) { return k <= 1; }),
         "its keep mask holds more than 0 and 1");
    must(clip.run_length.empty() || clip.run_length.size() == clip.tokens(),
         "its run lengths do not fill its grid");
  } else {
    must(clip.keep.empty() && clip.run_length.empty(), "has a keep mask without a drop policy");
  }
  must(clip.extra_tokens >= 0 && clip.extra_tokens <= kMaxSide, "its extra tokens are absurd");
  must(clip.initial_size.empty() || clip.initial_size.size() == clip.entered(),
       "has not one initial size for every token");
  for (const float size : clip.initial_size)
    must(std::isfinite(size) && size >= 0, "an initial size is no number of 0 or more");

  // Merges: every source and dropped token is a root then and no more after, destinations stay.
  std::vector<uint8_t> root(clip.layers.empty() ? 0 : clip.entered(), 1);
  size_t alive = root.size();
  for (size_t l = 0; l < clip.layers.size(); ++l) {
    const LayerTrace& layer = clip.layers[l];
    const std::string name = "layer " + std::to_string(l) + " ";
    const auto is_root = [&](int32_t token) {
      return token >= 0 && size_t(token) < root.size() && root[size_t(token)];
    };
    must(layer.tokens_in >= 0 && size_t(layer.tokens_in) == alive,
         name + "does not begin with the tokens that the one before left");
    must(layer.source.size() == layer.destination.size() &&
             (layer.score.empty() || layer.score.size() == layer.source.size()),
         name + "has incomplete merge pairs");
    for (const auto* gone : {&layer.source, &layer.dropped})
      for (const int32_t token : *gone) {
        must(is_root(token),
             name + "removes token " + std::to_string(token) + ", which is not there");
        root[size_t(token)] = 0;
      }
    for (const int32_t token : layer.destination)
      must(is_root(token),
           name + "merges into token " + std::to_string(token) + ", which is not there");
    alive -= layer.source.size() + layer.dropped.size();
    must(layer.tokens_out >= 0 && size_t(layer.tokens_out) == alive,
         name + "leaves another number of tokens than its merges do");
  }
}

TokenTraceWriter::TokenTraceWriter(const std::filesystem::path& target, const TokenTrace& head)
    : file_(target) {
  std::string prologue(kMagic, sizeof kMagic);
  put(prologue, uint32_t{kTraceVersion});
  put(prologue, uint32_t{0});
  file_.write(prologue);
  record("HEAD", encode_head(head).dump(-1, ' ', false, Json::error_handler_t::replace));
}

void TokenTraceWriter::record(const char type[4], const std::string& payload) {
  std::string head(type, 4);
  put(head, uint32_t{0});
  put(head, static_cast<uint64_t>(payload.size()));
  file_.write(head);
  file_.write(payload);
  std::string tail;
  put(tail, hash_bytes(payload.data(), payload.size()));
  file_.write(tail);
}

void TokenTraceWriter::append(const ClipTrace& clip) {
  check_clip(clip, "clip " + std::to_string(offsets_.size()));
  const uint64_t offset = file_.size();
  record("CLIP", encode_clip(clip));
  offsets_.push_back(offset);
}

void TokenTraceWriter::commit() {
  const uint64_t offset = file_.size();
  std::string index;
  put(index, static_cast<uint64_t>(offsets_.size()));
  index.append(reinterpret_cast<const char*>(offsets_.data()), offsets_.size() * sizeof(uint64_t));
  record("INDX", index);
  std::string epilogue;
  put(epilogue, offset);
  epilogue.append(kEnd, sizeof kEnd);
  file_.write(epilogue);
  file_.commit();
}

TokenTraceReader::TokenTraceReader(const std::filesystem::path& path)
    : file_(std::make_unique<RandomAccessFile>(path)) {
  const std::string name = path.string();
  char prologue[kPrologue] = {};
  if (file_->size() >= kPrologue) file_->read(0, prologue, kPrologue);
  if (std::memcmp(prologue, kMagic, sizeof kMagic) != 0)
    throw bad_input(name, "is no LookTwice trace");
  uint32_t version = 0;
  std::memcpy(&version, prologue + 8, sizeof version);
  if (version < 1 || version > uint32_t{kTraceVersion})
    throw bad_input(name,
                    "is a trace of version " + std::to_string(version) +
                        "; this program reads up to " + std::to_string(kTraceVersion),
                    "use a newer LookTwice");
  if (file_->size() < kPrologue + kEpilogue) throw bad_input(name, "is a truncated trace");
  const uint64_t end = file_->size() - kEpilogue;
  char epilogue[kEpilogue];
  file_->read(end, epilogue, kEpilogue);
  if (std::memcmp(epilogue + 8, kEnd, sizeof kEnd) != 0)
    throw bad_input(name, "is a truncated trace: its end is missing");
  uint64_t index_at = 0;
  std::memcpy(&index_at, epilogue, sizeof index_at);

  uint64_t next = 0;
  const std::string head = payload(kPrologue, "HEAD", &next);
  head_ = decode_head(head, name + ", header");
  uint64_t after_index = 0;
  const std::string index = payload(index_at, "INDX", &after_index);
  uint64_t count = 0;
  if (index.size() >= sizeof count) std::memcpy(&count, index.data(), sizeof count);
  if (after_index != end || index.size() < sizeof count || index.size() % 8 != 0 ||
      count != index.size() / 8 - 1)
    throw bad_input(at_byte(*file_, index_at), "the trace's index does not fit the file");
  offsets_.resize(count);
  if (count > 0) std::memcpy(offsets_.data(), index.data() + 8, count * 8);
  // Records must follow each other without gaps: walk their heads.
  for (const uint64_t offset : offsets_) {
    if (offset != next)
      throw bad_input(at_byte(*file_, offset), "the trace's index does not point at its clips");
    char record[kRecordHead];
    file_->read(offset, record, kRecordHead);
    uint64_t bytes = 0;
    std::memcpy(&bytes, record + 8, sizeof bytes);
    if (std::memcmp(record, "CLIP", 4) != 0 || offset + kRecordHead + kRecordTail > index_at ||
        bytes > index_at - offset - kRecordHead - kRecordTail)
      throw bad_input(at_byte(*file_, offset), "no clip stands where the trace's index says");
    next = offset + kRecordHead + bytes + kRecordTail;
  }
  if (next != index_at)
    throw bad_input(at_byte(*file_, next), "bytes of the trace belong to no clip");
}

std::string TokenTraceReader::payload(uint64_t offset, const char type[4], uint64_t* next) const {
  const uint64_t limit = file_->size() - kEpilogue;
  const std::string where = at_byte(*file_, offset);
  if (offset < kPrologue || offset > limit || limit - offset < kRecordHead + kRecordTail)
    throw bad_input(where, "the trace names a record outside the file");
  char head[kRecordHead];
  file_->read(offset, head, kRecordHead);
  if (std::memcmp(head, type, 4) != 0)
    throw bad_input(where, std::string("expected a ") + std::string(type, 4) + " record");
  uint64_t bytes = 0;
  std::memcpy(&bytes, head + 8, sizeof bytes);
  if (bytes > limit - offset - kRecordHead - kRecordTail || bytes > uint64_t{1} << 30)
    throw bad_input(where, "the record claims more bytes than the file has");
  std::string data(bytes, '\0');
  file_->read(offset + kRecordHead, data.data(), bytes);
  uint64_t sum = 0;
  file_->read(offset + kRecordHead + bytes, &sum, sizeof sum);
  if (sum != hash_bytes(data.data(), data.size()))
    throw bad_input(where, "the trace is damaged: a checksum does not match");
  if (next) *next = offset + kRecordHead + bytes + kRecordTail;
  return data;
}

ClipTrace TokenTraceReader::clip(size_t index) const {
  if (index >= offsets_.size())
    throw bad_input(path().string(), "has " + std::to_string(offsets_.size()) +
                                         " clips; there is no clip " + std::to_string(index));
  return decode_clip(payload(offsets_[index], "CLIP"),
                     path().string() + ", clip " + std::to_string(index));
}

void save_trace(const std::filesystem::path& target, const TokenTrace& trace) {
  TokenTraceWriter writer(target, trace);
  for (const ClipTrace& clip : trace.clips)
    writer.append(clip);
  writer.commit();
}

TokenTrace load_trace(const std::filesystem::path& path) {
  const TokenTraceReader reader(path);
  TokenTrace trace = reader.head();
  for (size_t i = 0; i < reader.clips(); ++i)
    trace.clips.push_back(reader.clip(i));
  return trace;
}

bool is_token_trace(const std::filesystem::path& path) {
  try {
    const RandomAccessFile file(path);
    char magic[sizeof kMagic];
    if (file.size() < sizeof magic) return false;
    file.read(0, magic, sizeof magic);
    return std::memcmp(magic, kMagic, sizeof magic) == 0;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace looktwice::trace
