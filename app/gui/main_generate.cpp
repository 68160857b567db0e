// The panels around generating runs.

#include <QDockWidget>

#include "generate_panel.h"
#include "generate_session.h"
#include "generate_state.h"
#include "generated_view.h"
#include "main_window.h"
#include "theme.h"
#include "threshold_panel.h"
#include "timeline_panel.h"

namespace looktwice::gui {

void MainWindow::build_generate_docks(QDockWidget* right, QDockWidget* bottom) {
  generate_ = std::make_shared<GenerateSession>(workspace_, workspace_.models());
  QDockWidget* generate =
      add_dock("generate", "Generate", new GeneratePanel(workspace_, *generate_),
               Qt::RightDockWidgetArea, right);
  right->raise();
  QDockWidget* timeline = add_dock("timeline", "Timeline", new TimelinePanel(*generate_),
                                   Qt::BottomDockWidgetArea, bottom);
  bottom->raise();
  QDockWidget* generated =
      add_dock("generated", "Generated", new GeneratedView(*generate_), Qt::BottomDockWidgetArea);
  generated->hide();
  // Whoever loads a model that generates wants to see what it makes.
  connect(&workspace_.models(), &ModelLibrary::generator_changed, this,
          [this, generate, timeline, generated] {
            if (!workspace_.models().generator()) return;
            for (QDockWidget* dock : {generate, timeline, generated}) {
              dock->show();
              dock->raise();
            }
            // Its settings are long and its timeline wants height: both take what they need.
            QList<QDockWidget*> column, row;
            for (QDockWidget* dock : docks_) {
              if (dock->isFloating() || !dock->isVisible()) continue;
              if (dock == generate || dock->widget() == threshold_) column << dock;
              if (dock == timeline || dock == generated) row << dock;
            }
            if (column.size() == 2) resizeDocks(column, {int(px(180)), int(px(700))}, Qt::Vertical);
            if (row.size() == 2) {
              resizeDocks(row, {int(px(560)), int(px(360))}, Qt::Horizontal);
              resizeDocks({timeline}, {int(px(360))}, Qt::Vertical);
            }
          });
  state_parts_.push_back([this](Json& json) { json["generate"] = generate_state(*generate_); });
}

}  // namespace looktwice::gui
