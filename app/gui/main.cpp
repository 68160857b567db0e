// looktwice-gui: the desktop app.

#include <QApplication>
#include <QCommandLineParser>
#include <QSettings>
#include <QStyleFactory>
#include <QTimer>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "main_window.h"
#include "render_thread.h"
#include "theme.h"

namespace {

/// Qt itself would abort.
bool has_display(int argc, char** argv) {
  for (const char* name : {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}) {
    if (!qEnvironmentVariableIsEmpty(name)) return true;
  }
  return std::any_of(argv, argv + argc,
                     [](const char* word) { return std::strcmp(word, "-platform") == 0; });
}

}  // namespace

int main(int argc, char** argv) {
  using namespace looktwice::gui;
  if (!has_display(argc, argv)) {
    std::fprintf(stderr,
                 "looktwice-gui: there is no display here; set DISPLAY, or render a video: "
                 "looktwice export INPUT -o out.mp4\n");
    return 1;
  }
  RenderThread::instance();  // loads the driver while Qt starts
  QGuiApplication::setHighDpiScaleFactorRoundingPolicy(
      Qt::HighDpiScaleFactorRoundingPolicy::PassThrough);
  QApplication app(argc, argv);
  QCoreApplication::setOrganizationName("looktwice");
  QCoreApplication::setApplicationName("looktwice");
  QCoreApplication::setApplicationVersion(LOOKTWICE_VERSION);
  QSettings::setDefaultFormat(QSettings::IniFormat);

  QCommandLineParser parser;
  parser.setApplicationDescription("Shows on a video which tokens a video transformer can skip.");
  parser.addHelpOption();
  parser.addVersionOption();
  parser.addPositionalArgument(
      "input",
      "A video file, camera:/dev/video0, screen::0, lavfi:GRAPH, synth:NAME or FILE.safetensors",
      "[input]");
  const QCommandLineOption print_state("print-state",
                                       "Print the app's state as JSON lines (for tests).");
  const QCommandLineOption watchdog("watchdog",
                                    "Print how long the UI thread left people waiting.");
  const QCommandLineOption no_tour("no-tour", "Skip the tour of the first start.");
  const QCommandLineOption theme("theme", "dark, light or system, for this run.", "name");
  const QCommandLineOption scale("scale", "Interface scale, for example 1.5, for this run.",
                                 "factor");
  const QCommandLineOption quit_after("quit-after",
                                      "Close after so many seconds (for measurements).", "seconds");
  const QCommandLineOption paused("paused", "Do not start to play.");
  const QCommandLineOption bench_tau(
      "bench-tau", "Move τ so many times, print how long the pixels took, and close.", "count");
  const QCommandLineOption window_size("window", "Size of the window, for this run.", "WxH");
  parser.addOptions(
      {bench_tau, window_size, paused, print_state, watchdog, no_tour, theme, scale, quit_after});
  parser.process(app);

  StartOptions options;
  if (!parser.positionalArguments().isEmpty()) {
    options.input = parser.positionalArguments().constFirst().toStdString();
  }
  options.print_state = parser.isSet(print_state);
  options.watchdog = parser.isSet(watchdog);
  if (parser.isSet(bench_tau)) options.bench_tau = parser.value(bench_tau).toInt();
  options.tour = !parser.isSet(no_tour);
  options.paused = parser.isSet(paused);

  QApplication::setStyle(QStyleFactory::create("Fusion"));
  const QSettings settings;
  set_ui_scale(parser.isSet(scale) ? parser.value(scale).toDouble()
                                   : settings.value("window/scale", 1.0).toDouble());
  set_theme(parser.isSet(theme) ? parser.value(theme)
                                : settings.value("window/theme", "dark").toString());

  MainWindow window(options);
  if (parser.isSet(window_size)) {
    const QStringList size = parser.value(window_size).split('x');
    if (size.size() == 2) window.resize(size[0].toInt(), size[1].toInt());
  }
  window.show();
  if (parser.isSet(quit_after)) {
    QTimer::singleShot(int(parser.value(quit_after).toDouble() * 1000), &window, &QWidget::close);
  }
  return QApplication::exec();
}
