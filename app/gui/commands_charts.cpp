// Commands of the main window: charts, the table, run A against run B, the region of interest.

#include <QFileDialog>
#include <QRegularExpression>
#include <QStatusBar>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"
#include "charts_panel.h"
#include "main_window.h"

namespace looktwice::gui {

void MainWindow::add_chart_commands() {
  const auto page = [this](ChartsPanel::Page wanted) {
    return [this, wanted] {
      QWidget* dock = charts_->parentWidget();
      dock->show();
      dock->raise();
      charts_->show_page(wanted);
    };
  };
  const auto is = [this](ChartsPanel::Page wanted) {
    return [this, wanted] {
      return charts_ != nullptr && charts_->isVisible() && charts_->page() == wanted;
    };
  };
  const auto known = [this] { return workspace_.store().measured_count() > 0; };
  commands_.add({"charts.time",
                 "Charts",
                 "Kept over &time",
                 "Share of tokens kept in every tubelet and clip",
                 {QKeySequence("Alt+1")},
                 page(ChartsPanel::over_time),
                 {},
                 is(ChartsPanel::over_time)});
  commands_.add({"charts.tau",
                 "Charts",
                 "Kept at &every τ",
                 "What every threshold would keep, over all clips",
                 {QKeySequence("Alt+2")},
                 page(ChartsPanel::by_tau),
                 {},
                 is(ChartsPanel::by_tau)});
  commands_.add({"charts.quality",
                 "Charts",
                 "Picture &quality",
                 "PSNR and SSIM of what RLT hands on against the video",
                 {QKeySequence("Alt+3")},
                 page(ChartsPanel::quality),
                 {},
                 is(ChartsPanel::quality)});
  commands_.add({"charts.clips",
                 "Charts",
                 "Table of &clips",
                 "One line for every clip",
                 {QKeySequence("Alt+4")},
                 page(ChartsPanel::clips),
                 {},
                 is(ChartsPanel::clips)});
  commands_.add({"charts.compare",
                 "Charts",
                 "Run &A against run B",
                 "The run you kept beside the one on screen",
                 {QKeySequence("Alt+5")},
                 page(ChartsPanel::a_and_b),
                 {},
                 is(ChartsPanel::a_and_b)});
  commands_.add({"charts.keep",
                 "Charts",
                 "&Keep as A",
                 "Keep this run as A, to compare what you do next with it",
                 {QKeySequence("Ctrl+B")},
                 [this] {
                   runs_.keep();
                   statusBar()->showMessage(
                       "Kept as A. Change the settings, then look at Charts: A and B.", 6000);
                 },
                 known});
  commands_.add({"charts.swap",
                 "Charts",
                 "&Swap A and B",
                 "Bring A's settings on screen and keep what was there as A",
                 {QKeySequence("Ctrl+Shift+B")},
                 [this] { runs_.swap(); },
                 [this] { return runs_.a().has_value(); }});
  commands_.add({"charts.forget",
                 "Charts",
                 "&Forget A",
                 "Stop comparing",
                 {},
                 [this] { runs_.forget(); },
                 [this] { return runs_.a().has_value(); }});
  commands_.add({"charts.export",
                 "Charts",
                 "Export &table…",
                 "Write the table of clips as CSV or JSON",
                 {QKeySequence("Ctrl+Shift+E")},
                 [this] { export_table(); },
                 known});
  commands_.add({"view.region",
                 "View",
                 "Set &region of interest…",
                 "Type a region, in which PSNR and SSIM are measured; Shift+drag draws it",
                 {QKeySequence("R")},
                 [this] { type_region(); },
                 [this] { return workspace_.frame() != nullptr; }});
  commands_.add({"view.clear_region",
                 "View",
                 "Clear region of interest",
                 "Measure quality in the model's crop again",
                 {QKeySequence("Shift+R")},
                 [this] { workspace_.set_region(std::nullopt); },
                 [this] { return workspace_.region().has_value(); }});
}

void MainWindow::export_table() {
  const QString file = QFileDialog::getSaveFileName(this, "Export table", "clips.csv",
                                                    "Table (*.csv);;JSON document (*.json)");
  if (file.isEmpty()) return;
  try {
    const RunSummary run = runs_.now();
    if (file.endsWith(".json", Qt::CaseInsensitive)) {
      write_json(file.toStdString(), to_json(run));
    } else {
      AtomicFile out(file.toStdString());
      out.write(to_csv(run.rows));
      out.commit();
    }
    statusBar()->showMessage("Saved " + file, 5000);
  } catch (const std::exception& error) {
    log(LogLevel::error, error.what());
    statusBar()->showMessage(error.what(), 10000);
  }
}

void MainWindow::type_region() {
  const QRect now = workspace_.region().value_or(quality_.area_rect());
  const auto answer =
      ask_text("region", "Region of interest",
               "x, y, width, height in pixels of the video (empty: the model's crop)",
               QStringLiteral("%1, %2, %3, %4")
                   .arg(now.x())
                   .arg(now.y())
                   .arg(now.width())
                   .arg(now.height()));
  if (!answer) return;
  const QString& text = *answer;
  if (text.isEmpty()) {
    workspace_.set_region(std::nullopt);
    return;
  }
  static const QRegularExpression numbers(R"(^(\d+)\D+(\d+)\D+(\d+)\D+(\d+)$)");
  const auto match = numbers.match(text);
  const QRect frame(0, 0, workspace_.status().info.width, workspace_.status().info.height);
  const QRect region = QRect(match.captured(1).toInt(), match.captured(2).toInt(),
                             match.captured(3).toInt(), match.captured(4).toInt())
                           .intersected(frame);
  if (!match.hasMatch() || region.isEmpty()) {
    statusBar()->showMessage(
        QStringLiteral("\"%1\" is no region of a picture of %2 × %3: give x, y, width, height")
            .arg(text)
            .arg(frame.width())
            .arg(frame.height()),
        10000);
    return;
  }
  workspace_.set_region(region);
}

}  // namespace looktwice::gui
