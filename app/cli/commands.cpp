#include "cli/commands.h"

namespace looktwice::cli {

void add_commands(CLI::App& app, Run& run) {
#ifdef LOOKTWICE_HAS_VIDEO
  add_open(app, run);
#endif
  add_info(app, run);
  add_inspect(app, run);
  add_classify(app, run);
  add_generate(app, run);
#ifdef LOOKTWICE_HAS_VIDEO
  add_export(app, run);
#endif
  add_models(app, run);
  add_synth(app, run);
}

}  // namespace looktwice::cli
