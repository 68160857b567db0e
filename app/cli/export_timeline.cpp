#include "cli/export_timeline.h"

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "base/text.h"
#include "export/generating.h"
#include "export/timeline_picture.h"
#include "gl/context.h"
#include "video/encoder.h"

namespace looktwice::cli {
namespace {

timeline::Detail detail_of(const std::string& name) {
  if (name.empty() || name == "run") return timeline::Detail::run;
  if (name == "blocks") return timeline::Detail::blocks;
  if (name == "modules") return timeline::Detail::modules;
  throw bad_input("--detail", "\"" + name + "\" is not known", "choose run, blocks or modules");
}

compose::Size size_of(const std::string& text, compose::Size otherwise) {
  if (text.empty()) return otherwise;
  const auto parts = split(text, 'x');
  if (parts.size() != 2) throw bad_input("--output-size", "\"" + text + "\" is not WxH");
  const compose::Size size{static_cast<int>(parse_integer(parts[0], "--output-size")),
                           static_cast<int>(parse_integer(parts[1], "--output-size"))};
  if (size.width < 160 || size.height < 16 || size.width > 16384 || size.height > 16384)
    throw bad_input("--output-size", "must lie between 160x16 and 16384x16384");
  return size;
}

}  // namespace

void write_timeline_picture(const TimelinePicture& p) {
  if (p.traces.empty())
    throw bad_input("INPUT", "is missing, and so is a trace",
                    "give a video, or --trace FILE of a cache trace for a picture of it");
  if (video::codec_for(p.output) != "png")
    throw bad_input(p.output, "cannot hold a timeline without a video", "write a .png");
  std::vector<timeline::TracePtr> traces;
  for (const std::string& file : p.traces)
    traces.push_back(std::make_shared<const trace::CacheTrace>(trace::load_cache_trace(file)));
  const compose::Size size = size_of(p.size, {1280, p.matrix ? 1100 : 720});
  const timeline::Style& style = p.light ? timeline::light_style() : timeline::dark_style();
  exporting::RgbPicture picture;
  const gl::EglContext context;
  if (p.matrix) {
    timeline::Matrix matrix;
    for (const auto& t : traces) {
      if (t->distances && !matrix.distances)
        matrix.distances = std::make_shared<const trace::StepDistances>(*t->distances);
      else if (!matrix.schedule)
        matrix.schedule = t;
    }
    if (!matrix.distances || matrix.distances->taps.empty())
      throw bad_input(p.traces[0], "holds no step distances",
                      "save the trace of an uncached run: generate --cache none --trace FILE");
    picture = exporting::draw_matrix(matrix, size, size.width / 1000.0, style);
  } else {
    auto content =
        std::make_shared<timeline::Content>(*exporting::timeline_of(traces, p.labels, p.predict));
    for (timeline::Row& row : content->rows)
      row.detail = detail_of(p.detail);
    picture =
        exporting::draw_timeline(*content, size.width, std::max(1.0, size.width / 1100.0), style);
  }
  video::EncoderOptions options;
  options.codec = "png";
  video::Encoder encoder(p.output, picture.size.width, picture.size.height, options);
  encoder.write(
      frames::make_rgb_frame(picture.rgb.data(), picture.size.width, picture.size.height, 0, 0));
  encoder.finish();
  std::printf("%s: %dx%d\n", p.output.c_str(), picture.size.width, picture.size.height);
}

}  // namespace looktwice::cli
