// The panels around generating runs.

#include <QDockWidget>

#include "generate_panel.h"
#include "generate_session.h"
#include "generate_state.h"
#include "generated_view.h"
#include "main_window.h"
#include "theme.h"
#include "timeline_panel.h"

namespace looktwice::gui {

void MainWindow::build_generate_docks(QDockWidget* upper, QDockWidget* lower, QDockWidget* bottom) {
  generate_ = std::make_shared<GenerateSession>(workspace_, workspace_.models());
  QDockWidget* generate =
      add_dock("generate", "Generate", new GeneratePanel(workspace_, *generate_),
               Qt::RightDockWidgetArea, lower);
  lower->raise();
  QDockWidget* generated = add_dock("generated", "Generated", new GeneratedView(*generate_),
                                    Qt::RightDockWidgetArea, upper);
  generated->hide();
  upper->raise();
  QDockWidget* timeline = add_dock("timeline", "Timeline", new TimelinePanel(*generate_),
                                   Qt::BottomDockWidgetArea, bottom);
  bottom->raise();
  // Whoever loads a model that generates wants to see what it makes.
  connect(&workspace_.models(), &ModelLibrary::generator_changed, this,
          [this, generate, timeline, generated] {
            if (!workspace_.models().generator()) return;
            for (QDockWidget* dock : {generate, timeline, generated}) {
              dock->show();
              dock->raise();
            }
            // Its settings are long and its timeline wants height: both take what they need.
            if (!generated->isFloating() && !generate->isFloating())
              resizeDocks({generated, generate}, {int(px(300)), int(px(560))}, Qt::Vertical);
            if (!timeline->isFloating()) resizeDocks({timeline}, {int(px(350))}, Qt::Vertical);
          });
  state_parts_.push_back([this](Json& json) { json["generate"] = generate_state(*generate_); });
}

}  // namespace looktwice::gui
